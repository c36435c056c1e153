// Mints tokens with the service's key.

import { curl, mintingCurl } from "./command.js";
import { isRequired, whenRequired, withCredential } from "./credential.js";
import { colored, element, setText, submitOnControlEnter } from "./dom.js";
import { inspectOwn } from "./inspect.js";
import { read, visible } from "./json.js";
import { Latest } from "./latest.js";
import { address, post } from "./service.js";

const form = element("mint");
const data = element("data");
const lifetime = element("lifetime");
const unit = element("unit");
const status = element("mint-status");
const minting = new Latest();
let mintedBody = null; // the request for which the token shown was minted

const typeNames = {
  object: "an object",
  array: "an array",
  string: "a string",
  number: "a number",
  boolean: "true or false",
  null: "null",
};

// readData decides whether the data is sent as text or as JSON. It returns the
// JSON to send, or null if the data is not JSON but should be, and a hint.
function readData() {
  const text = data.value;
  const kind = form.elements.kind.value;
  const asText = JSON.stringify(text);
  if (kind === "text") {
    return { json: asText, hint: "Sent as text." };
  }
  const { fault, type } = read(text);
  if (kind === "json") {
    return fault === null ? { json: text, hint: `Sent as JSON: ${typeNames[type]}.` } : { json: null, hint: `This is not JSON yet: ${fault}.` };
  }
  if (fault === null && type !== "null") {
    return { json: text, hint: `Sent as JSON: ${typeNames[type]}.` };
  }
  if (/^\s*[{[]/.test(text)) {
    return { json: asText, hint: `Sent as text, because it is not JSON: ${fault}.` };
  }
  return { json: asText, hint: text === "" ? "Empty: sent as an empty string." : "Sent as text." };
}

// readLifetime returns the lifetime in seconds, null if the field is empty, or
// NaN if it is not a whole number.
function readLifetime() {
  const text = lifetime.value.trim();
  if (text === "") {
    return null;
  }
  return /^[0-9]+$/.test(text) ? Number(text) * Number(unit.value) : NaN;
}

// requestBody returns the request to mint, or null if a field is wrong. It spells
// invisible characters as escapes, which mean the same: otherwise the command
// could do something other than what it seems to do.
function requestBody() {
  const { json } = readData();
  const seconds = readLifetime();
  if (json === null || Number.isNaN(seconds)) {
    return null;
  }
  const expires = seconds === null ? "" : `,"expires_in":${seconds}`;
  return visible(`{"user_data":${json.trim()}${expires}}`);
}

function showRequest() {
  const { json, hint } = readData();
  setText(element("data-kind"), hint);
  data.setAttribute("aria-invalid", String(json === null));
  const seconds = readLifetime();
  setText(element("lifetime-hint"), lifetimeHint(seconds));
  lifetime.setAttribute("aria-invalid", String(Number.isNaN(seconds)));
  const body = requestBody();
  setText(element("mint-command"), body === null ? "# Nothing to send yet: see the hints below the fields." : (isRequired() ? mintingCurl : curl)(address("token"), body));
  setText(element("minted-stale"), mintedBody === null || body === mintedBody ? "" : "This token was minted before you changed the fields.");
}

function lifetimeHint(seconds) {
  if (seconds === null) {
    return "Empty: no expires_in is sent, and the token does not expire.";
  }
  return Number.isNaN(seconds) ? "Enter a whole number." : `Sent as expires_in: ${seconds} seconds.`;
}

function showStatus(text, failed) {
  status.classList.toggle("failed", failed);
  setText(status, text);
}

function mint(event) {
  event.preventDefault();
  const body = requestBody();
  if (body === null) {
    minting.cancel();
    showStatus("Nothing was sent: see the hints below the fields.", true);
    (readData().json === null ? data : lifetime).focus();
    return;
  }
  showStatus("Asking the service…", false);
  minting.run(
    (signal) => withCredential((credential) => post("token", body, "JWT Token", signal, credential)),
    (answer) => showMinted(body, answer["JWT Token"]),
    ({ message }) => showStatus(message, true),
  );
}

function showMinted(body, token) {
  mintedBody = body;
  element("minted-token").replaceChildren(...colored(token));
  element("minted").hidden = false;
  showStatus("Minted.", false);
  showRequest();
}

form.addEventListener("input", () => {
  showStatus("", false); // it was about other input
  showRequest();
});
form.addEventListener("submit", mint);
data.addEventListener("keydown", submitOnControlEnter);
element("carry").addEventListener("click", () => inspectOwn(element("minted-token").textContent));
whenRequired(showRequest);
showRequest();
