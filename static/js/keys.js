// Keyboard: Ctrl+K always; "/", "?" and "g" with a letter unless switched off in the profile (WCAG 2.1.4).
import { all, find } from "./dom.js";
import { openPalette } from "./palette.js";

const jumps = new Map();
const letters = document.body.dataset.keys !== "off";
let waiting = 0;

// Each page of the menu gets the first letter of its name that is still free, and a line in the help.
for (const link of letters ? all("#nav a") : []) {
  const name = find("span", link).textContent;
  const letter = [...name.toLowerCase()].find((one) => /\p{L}/u.test(one) && !jumps.has(one));
  if (!letter) continue;
  jumps.set(letter, link);
  const line = document.createElement("div");
  const term = Object.assign(document.createElement("dt"), { textContent: name });
  const keys = document.createElement("dd");
  keys.append(...["g", letter].map((text) => Object.assign(document.createElement("kbd"), { textContent: text })));
  line.append(term, keys);
  find("#keys-list")?.append(line);
}

document.addEventListener("keydown", (event) => {
  const { key } = event;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && key.toLowerCase() === "k" && openPalette()) {
    event.preventDefault();
    return;
  }
  const typing = event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
  if (!letters || typing || event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) return;
  const second = Date.now() - waiting < 1500;
  waiting = key === "g" && !second ? Date.now() : 0;
  if (second && jumps.has(key)) jumps.get(key).click();
  else if (key === "/") find("[data-slash]")?.focus();
  else if (key === "?") find("#keys")?.togglePopover();
  else return;
  event.preventDefault();
});
