// Three words that all modules share.

export const find = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Calls `act(element, event)` for events inside elements that match, whenever they were added to the page. */
export function on(type, selector, act, options) {
  document.addEventListener(type, (event) => {
    const element = event.target.closest?.(selector);
    if (element) act(element, event);
  }, options);
}

/** Calls `act(root)` for the page and for each part that htmx adds later. */
export function whenAdded(act) {
  act(document);
  document.addEventListener("htmx:load", (event) => act(event.target));
}
