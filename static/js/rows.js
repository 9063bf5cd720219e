// Rows that open in place. The link's own page is for those without a script; htmx loads the detail once.
import { on } from "./dom.js";

on("click", "[data-expander]", (link, event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const row = document.getElementById(link.getAttribute("aria-controls"));
  row.hidden = !row.hidden;
  link.setAttribute("aria-expanded", String(!row.hidden));
});
