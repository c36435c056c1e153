// The credential to mint with, for a service that requires one. The page asks for it when
// the service does, and forgets it when the page is left.

import { element, setText } from "./dom.js";
import { post, Refusal } from "./service.js";

const dialog = element("credential-dialog");
const field = element("credential");

let credential = "";
let required = false; // known once the service has refused
let asking = null; // the question for all calls that wait for a credential
const listeners = [];

// isRequired reports whether the service has asked for a credential.
export const isRequired = () => required;

// whenRequired calls listener once the service has asked for a credential.
export function whenRequired(listener) {
  listeners.push(listener);
}

// withCredential calls call with the credential, which is empty at first. It asks the user
// for another one for as long as the service refuses, until the user gives up.
export async function withCredential(call) {
  for (;;) {
    const sent = credential;
    try {
      return await call(sent);
    } catch (error) {
      if (error.status !== 401) {
        throw error;
      }
      if (sent === credential) {
        await (asking ??= ask().finally(() => (asking = null)));
      }
    }
  }
}

// mintToken sends a request to POST /token and returns the token.
export async function mintToken(body, signal) {
  const answer = await withCredential((credential) => post("token", body, "JWT Token", signal, credential));
  return answer["JWT Token"];
}

async function ask() {
  if (!required) {
    required = true;
    listeners.forEach((listener) => listener());
  }
  showHint(credential === "" ? "" : "The service does not accept this credential.");
  credential = await answer();
  if (credential === "") {
    throw new Refusal("This service mints only with a credential.", 401);
  }
}

// answer returns what the user enters, or "" if that is nothing.
function answer() {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener(
      "close",
      () => {
        resolve(dialog.returnValue === "" ? "" : entered());
        field.value = "";
      },
      { once: true },
    ),
  );
}

// showHint shows what is wrong with the credential, if anything.
function showHint(fault) {
  setText(element("credential-hint"), fault || "This service mints only with a credential. The page sends it along, and forgets it when you leave or reload the page.");
  field.setAttribute("aria-invalid", String(fault !== ""));
}

// entered returns what the field has, without the rest of the header that people copy.
const entered = () => field.value.trim().replace(/^(?:Authorization:\s*)?Bearer\s+/i, "");

// isCredential reports whether text can be a credential (RFC 6750 §2.1).
const isCredential = (text) => /^[\w.~+/-]+=*$/.test(text);

field.addEventListener("input", () => showHint(""));
element("credential-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (isCredential(entered())) {
    dialog.close("entered");
  } else {
    showHint(field.value.trim() === "" ? "Enter the credential." : "This is not a credential: it has a character that no credential has.");
    field.focus();
  }
});
element("credential-cancel").addEventListener("click", () => dialog.close());

addEventListener("pagehide", () => {
  // The browser may keep the page in memory.
  credential = "";
  field.value = "";
});
