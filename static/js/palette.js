// Ctrl+K: the jump page as a dialog.
import { combobox } from "./combobox.js";
import { find, on } from "./dom.js";

const dialog = find("#palette");
const input = find("#palette-input");

/** Opens the palette; false where the page has none. */
export function openPalette() {
  if (!dialog) return false;
  if (!dialog.open) {
    dialog.showModal();
    input.select();
    input.dispatchEvent(new Event("agora:open"));
  }
  return true;
}

if (dialog) combobox(input, find("#palette-results"));

on("click", "[data-palette]", (link, event) => {
  if (!event.ctrlKey && !event.metaKey && !event.shiftKey && openPalette()) event.preventDefault();
});
