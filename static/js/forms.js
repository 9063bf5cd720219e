// Small helps in forms: showing a password, copying a text, clean addresses of filters, the theme at once.
import { all, find, on, whenAdded } from "./dom.js";
import { toast } from "./toast.js";

const words = find("#words")?.dataset ?? {};

// Buttons that do nothing without a script are hidden until there is one.
whenAdded((root) => all("[data-reveal], [data-copy], [data-dismiss], [data-all]", root).forEach((element) => { element.hidden = false; }));

// The server says what is wrong, under the field; the browser's own bubbles would hide that. Without a script they stay.
whenAdded((root) => {
  for (const form of all("form[method=post]", root)) form.noValidate = true;
});

// A form that only passes something on to another server goes by itself.
find("form[data-go]")?.requestSubmit();

on("click", "[data-reveal]", (button) => {
  const input = document.getElementById(button.dataset.reveal);
  const shown = input.type === "text";
  input.type = shown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!shown));
  input.focus();
});

// A shown password goes back to dots before it is sent, or browsers would remember it as plain text.
on("submit", "form", (form) => {
  for (const button of all("[data-reveal][aria-pressed='true']", form)) button.click();
}, true);

// Enter presses the button that is named, where the first one of the form is another.
on("keydown", "[data-enter]", (input, event) => {
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault();
  document.getElementById(input.dataset.enter).click();
});

on("click", "[data-copy]", async (button) => {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    // Without TLS there is no clipboard object.
    const area = document.createElement("textarea");
    area.value = button.dataset.copy;
    (button.closest("dialog") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  toast(words.copied, "ok");
});

document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.matches("[data-filters]")) return;
  const { parameters } = event.detail;
  for (const name of Object.keys(parameters)) if (parameters[name] === "") delete parameters[name];
});

on("submit", "[data-theme-form]", async (form, event) => {
  event.preventDefault();
  const chosen = event.submitter;
  const body = new FormData(form, chosen);
  const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => null);
  if (!answer || answer.status >= 400) return toast(words.failed, "bad");
  document.documentElement.dataset.theme = chosen.value;
  all("[aria-pressed]", form).forEach((button) => button.setAttribute("aria-pressed", String(button === chosen)));
  return form.hidePopover();
});
