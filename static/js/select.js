// Selecting rows: all of a page, a range with Shift, and how many.
import { all, on, whenAdded } from "./dom.js";

let last = null;
const boxes = (form) => all(`tbody .check[form="${CSS.escape(form)}"]`);

function show(form) {
  const rows = boxes(form);
  const n = rows.filter((box) => box.checked).length;
  for (const counter of all(`[data-count="${CSS.escape(form)}"]`)) counter.textContent = counter.dataset.some.replace("{n}", n);
  for (const box of all(`[data-all="${CSS.escape(form)}"]`)) {
    box.checked = n > 0 && n === rows.length;
    box.indeterminate = n > 0 && n < rows.length;
  }
}

on("change", "[data-all]", (box) => {
  for (const row of boxes(box.dataset.all)) row.checked = box.checked;
  show(box.dataset.all);
});

on("click", "tbody .check[form]", (box, event) => {
  const form = box.getAttribute("form");
  const rows = boxes(form);
  if (event.shiftKey && last?.isConnected) {
    const [from, to] = [rows.indexOf(last), rows.indexOf(box)].sort((a, b) => a - b);
    for (const row of rows.slice(from, to + 1)) row.checked = box.checked;
  }
  last = box;
  show(form);
});

on("reset", "form.bulk", (form) => setTimeout(() => show(form.id)));
whenAdded((root) => all("[data-count]", root).forEach((counter) => show(counter.dataset.count)));
