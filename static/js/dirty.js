// Unsaved changes: counts them in the save bar and asks before they are lost.
import { all, find, on } from "./dom.js";

const dialog = find("#leave");
let leaving = false;
let goOn = null;

function changed(control) {
  if (!control.name || ["hidden", "submit"].includes(control.type) || control.disabled || "passing" in control.dataset) return false;
  if (control.type === "checkbox" || control.type === "radio") return control.checked !== control.defaultChecked;
  if (control.options) {
    const usual = [...control.options].some((option) => option.defaultSelected);
    return [...control.options].some((option, i) => option.selected !== (usual || control.multiple ? option.defaultSelected : i === 0));
  }
  return control.value !== control.defaultValue;
}

/** How many fields of the form differ from what the server sent. What belongs together, such as radio buttons, counts once. */
function count(form) {
  const names = new Set([...form.elements].filter(changed).map((control) => control.closest("[data-one-change]")?.dataset.oneChange ?? control.name));
  return names.size || (form.hasAttribute("data-unsaved") ? Number(form.dataset.unsaved) || 1 : 0);
}

const unsaved = (except, root) => all("form[data-dirty]", root).filter((form) => form !== except && count(form));

function show(form) {
  const badge = find("[data-unsaved-count]", form);
  if (!badge) return;
  const n = count(form);
  badge.hidden = !n;
  badge.textContent = n === 1 ? badge.dataset.one : badge.dataset.many.replace("{n}", n);
}

function ask(event, then) {
  event.preventDefault();
  event.stopImmediatePropagation();
  goOn = then;
  dialog.showModal();
}

/** Does `then` at once, or asks first where something inside `root` is unsaved: a dialog that is closed. */
export function guarded(root, then) {
  if (!dialog || !unsaved(null, root).length) return then();
  goOn = () => {
    dialog.close();
    then();
    leaving = false; // the page itself stays
  };
  return dialog.showModal();
}

all("form[data-dirty]").forEach(show);
for (const type of ["input", "change"]) on(type, "form[data-dirty]", show);
on("reset", "form[data-dirty]", (form) => setTimeout(() => show(form)));

// Capture: before htmx or the browser acts.
on("submit", "form", (form, event) => {
  const swaps = form.hasAttribute("hx-post") || form.hasAttribute("hx-get");
  if (leaving || swaps || form.closest("[data-theme-form], dialog[data-modal], #palette")) return;
  if (dialog && unsaved(form).length) ask(event, () => form.requestSubmit(event.submitter));
  else leaving = form.method !== "dialog";
}, true);

// What htmx is about to replace may hold a form that was typed in, such as a row of a list that is filtered anew.
document.addEventListener("htmx:confirm", (event) => {
  const { elt, target, issueRequest } = event.detail;
  if (leaving || !dialog || !target || !unsaved(elt.closest("form"), target).length) return;
  ask(event, () => {
    dialog.close();
    issueRequest(true);
    leaving = false; // the page itself stays
  });
});

on("click", "a[href]", (link, event) => {
  const elsewhere = link.target || link.hasAttribute("download") || link.hasAttribute("hx-get") || link.matches("[data-palette], [data-expander]");
  const here = link.getAttribute("href").startsWith("#");
  if (leaving || elsewhere || here || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  if (link.matches("[data-discard]")) leaving = true;
  else if (dialog && unsaved().length) ask(event, () => location.assign(link.href));
}, true);

on("click", "[data-leave]", () => {
  leaving = true;
  goOn?.();
});

// What a dialog saved is no longer unsaved when its answer leads elsewhere; what the page behind it holds still is.
document.addEventListener("htmx:beforeOnLoad", ({ detail }) => {
  const form = detail.elt.closest("form[data-dirty]");
  if (form && detail.xhr.getResponseHeader("HX-Redirect") && !unsaved(form).length) leaving = true;
});

addEventListener("beforeunload", (event) => {
  if (!leaving && unsaved().length) event.preventDefault();
});
addEventListener("pageshow", () => { leaving = false; });
