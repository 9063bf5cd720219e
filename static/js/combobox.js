// Arrow keys in a text box over a list of options that the server sends (ARIA Authoring Practices, combobox).
import { all, whenAdded } from "./dom.js";

export function combobox(input, list) {
  let current = -1;
  const options = () => all("[role=option]:not([aria-disabled=true])", list);

  function select(index) {
    const found = options();
    input.setAttribute("aria-expanded", String(found.length > 0));
    current = found.length ? (index + found.length) % found.length : -1;
    found.forEach((option, i) => option.setAttribute("aria-selected", String(i === current)));
    if (current < 0) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", found[current].id);
      found[current].scrollIntoView({ block: "nearest" });
    }
  }

  list.addEventListener("htmx:afterSwap", () => select(0));
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) select(current + step);
    else if (event.key === "Enter" && options()[current]) options()[current].click();
    else if (event.key === "Escape" && input.hasAttribute("data-combobox") && list.firstElementChild) {
      list.replaceChildren();
      select(0);
    } else return;
    event.preventDefault();
  });
  if (list.firstElementChild) select(0);
}

// Boxes that come with a page or a dialog; the palette wires its own.
whenAdded((root) => {
  for (const input of all("[data-combobox]", root)) combobox(input, document.getElementById(input.getAttribute("aria-controls")));
});
