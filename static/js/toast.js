// Passing messages. The region #toasts is a live one: what is put into it is read out.
import { find, on, whenAdded } from "./dom.js";

const region = find("#toasts");
const words = find("#words")?.dataset;

export function toast(text, tone) {
  const part = find("#toast-template")?.content.firstElementChild.cloneNode(true);
  if (!part || !text) return;
  find(".text", part).textContent = text;
  part.dataset.tone = tone;
  find("[data-dismiss]", part).hidden = false;
  region.append(part);
  fade(part);
}

/** Good news leaves after 8 s unless somebody points at it or is in it; the rest stays until it is dismissed. */
function fade(part) {
  if (part.dataset.tone === "bad" || part.dataset.tone === "warn") return;
  setTimeout(() => (part.matches(":hover, :focus-within") ? fade(part) : part.remove()), 8000);
}

whenAdded((root) => {
  if (root === document) region?.querySelectorAll(".toast").forEach(fade);
  else if (root.matches?.("#toasts .toast")) fade(root);
});
on("click", "[data-dismiss]", (button) => button.closest(".toast").remove());

document.addEventListener("htmx:responseError", () => toast(words?.refused, "bad"));
document.addEventListener("htmx:sendError", () => toast(words?.failed, "bad"));
