// Passkeys and security keys: asks the browser for one and puts what it made into the form, which is then sent as any other.
import { all, find, on } from "./dom.js";

const usable = window.isSecureContext && Boolean(window.PublicKeyCredential);
for (const form of usable ? all("[data-passkey]") : []) form.hidden = false;
if (usable) find("[data-passkey-none]")?.remove();

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) => buffer && btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function decoded(options) {
  const known = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));
  const found = { ...options, challenge: bytes(options.challenge) };
  if (options.user) found.user = { ...options.user, id: bytes(options.user.id) };
  if (options.allowCredentials) found.allowCredentials = known(options.allowCredentials);
  if (options.excludeCredentials) found.excludeCredentials = known(options.excludeCredentials);
  return found;
}

function encoded(credential) {
  const { response } = credential;
  const parts = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) parts[name] = text(response[name]);
  }
  if (response.getTransports) parts.transports = response.getTransports();
  return {
    id: credential.id, rawId: text(credential.rawId), type: credential.type, response: parts,
    authenticatorAttachment: credential.authenticatorAttachment, clientExtensionResults: credential.getClientExtensionResults(),
  };
}

class Told extends Error {} // what the server said, in a sentence for the person

async function ask(form, begin, how) {
  const answer = await fetch(begin, { method: "POST", body: new FormData(form) });
  if (answer.status === 422) throw new Told((await answer.json()).detail);
  if (!answer.ok) throw new Error(String(answer.status));
  const publicKey = decoded(await answer.json());
  return encoded(await navigator.credentials[how]({ publicKey }));
}

async function send(form, { begin, passkey, failed }) {
  const wrong = find("[data-passkey-error]", form);
  wrong.hidden = true;
  try {
    form.elements.credential.value = JSON.stringify(await ask(form, begin, passkey));
  } catch (error) {
    wrong.textContent = error instanceof Told ? error.message : failed;
    wrong.hidden = false;
    return;
  }
  form.submit();
}

on("submit", "form[data-passkey]", (form, event) => {
  event.preventDefault();
  send(form, form.dataset);
});

// A passkey in place of one field of a form: the other fields are filled in first.
on("click", "button[data-passkey]", (button) => {
  const others = [...button.form.elements].filter((field) => field.required && field.name !== "code");
  if (others.every((field) => field.reportValidity())) send(button.form, button.dataset);
});
