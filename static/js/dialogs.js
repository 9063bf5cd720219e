// Dialogs that the server answered into #dialog, and closing of every dialog. Focus returns to the opener by itself.
import { guarded } from "./dirty.js";
import { find, on, whenAdded } from "./dom.js";

const shut = (dialog) => guarded(dialog, () => dialog.close());

whenAdded((root) => {
  const dialog = root.matches?.("dialog[data-modal]") ? root : find("dialog[data-modal]", root);
  if (!dialog || dialog.open) return;
  const opener = document.activeElement;
  dialog.showModal();
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (opener?.isConnected) opener.focus();
  });
});

on("click", "[data-close]", (button) => shut(button.closest("dialog")));

// Escape. The event does not bubble, so it is caught on its way down.
document.addEventListener("cancel", (event) => {
  if (!event.target.matches("dialog[data-modal]")) return;
  event.preventDefault();
  shut(event.target);
}, true);

// A press on the backdrop hits the dialog element itself; it must begin there too, or selecting text would close it.
let pressed = null;
document.addEventListener("pointerdown", (event) => { pressed = event.target; });
on("click", "dialog", (dialog, event) => {
  if (event.target === dialog && pressed === dialog && !inside(dialog, event)) shut(dialog);
});

function inside(dialog, { clientX, clientY }) {
  const box = dialog.getBoundingClientRect();
  return clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom;
}
