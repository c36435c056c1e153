// The field with the key, and its encoding.

import { element, setText } from "./dom.js";
import { setValue } from "./undo.js";

export const keyField = element("key");
export const encoding = element("encoding");

let inserted = ""; // the text of the edit in progress

// keyMembers returns the members of a request with the key in the form.
export const keyMembers = () => ({ Signing_key: keyField.value, Key_encoding: encoding.value });

// setKey fills in the key. Like setting the field's value, it dispatches no event.
export function setKey(text, encodingOfText) {
  setValue(keyField, text);
  encoding.value = encodingOfText;
  showHint("");
}

function showHint(text) {
  setText(element("key-hint"), text);
}

// advice returns what to enter instead of a key in another format, or "".
function advice(key) {
  if (/^\s*\{.*"oct"/.test(key)) {
    return "This is a JSON Web Key (RFC 7517). Enter only the value of its member k, and choose the key encoding base64url.";
  }
  return key.includes("-----BEGIN") ? "This is a PEM file, with the key of another kind of signature. A key for HS256, HS384 or HS512 is only text or bytes." : "";
}

// lostBreaks returns what the field does to the line breaks in text, or "" if text has
// none. A field of one line cannot hold them.
function lostBreaks(text) {
  const lines = text.split(/\r\n|\r|\n/);
  const last = lines.findLastIndex((line) => line !== "");
  if (last > 0) {
    return `The pasted text has ${last + 1} lines, which the field joined. Paste one line only: a key file of this service has one key in each line.`;
  }
  return lines.length > 1 ? "The field left out the line break at the end of the pasted text." : "";
}

function show(shown) {
  keyField.type = shown ? "text" : "password";
  element("show-key").firstChild.data = shown ? "Hide" : "Show";
}

// Only beforeinput has the text with its line breaks.
keyField.addEventListener("beforeinput", ({ data }) => (inserted = data ?? ""));
keyField.addEventListener("input", () => {
  showHint(advice(keyField.value) || lostBreaks(inserted));
  inserted = "";
});
keyField.form.addEventListener("reset", () => {
  show(false);
  showHint("");
});
element("show-key").addEventListener("click", () => show(keyField.type === "password"));
