// Arrow keys in a text box over a list of options that the server sends (ARIA Authoring Practices, combobox).
import { all } from "./dom.js";

export function combobox(input, list) {
  let current = -1;
  const options = () => all("[role=option]:not([aria-disabled=true])", list);

  function select(index) {
    const found = options();
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
    else if (event.key === "Enter" && current >= 0) options()[current].click();
    else return;
    event.preventDefault();
  });
}
