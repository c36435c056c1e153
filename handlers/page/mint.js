// Mints tokens with the service's key.

import { hasClaims, readClaims } from "./claims.js";
import { curl, mintingCurl } from "./command.js";
import { isRequired, mintToken, whenRequired } from "./credential.js";
import { element, setText, showStatus, submitOnControlEnter } from "./dom.js";
import { read, visible } from "./json.js";
import { Latest } from "./latest.js";
import { readLifetime } from "./lifetime.js";
import { add, compareWith, forget } from "./minted.js";
import { address } from "./service.js";

const form = element("mint");
const data = element("data");
const status = element("mint-status");
const minting = new Latest();
let contents; // of the fields, as they were read last
let body; // the request that the fields ask for, or null if one of them is wrong

const typeNames = {
  object: "an object",
  array: "an array",
  string: "a string",
  number: "a number",
  boolean: "true or false",
  null: "null",
};

// readData decides whether the data is sent as text or as JSON.
function readData() {
  switch (form.elements.kind.value) {
    case "text":
      return asText();
    case "json":
      return asJSON((fault) => ({ json: null, hint: `This is not JSON yet: ${fault}.` }));
    default:
      return detect();
  }
}

function detect() {
  if (data.value === "") {
    return hasClaims() ? { json: "", hint: "Empty: no user_data is sent, only the claims." } : { json: '""', hint: "Empty: sent as an empty string." };
  }
  if (/^\s*[{[]/.test(data.value)) {
    return asJSON((fault) => ({ json: null, hint: `This begins like JSON, but is not: ${fault}. Correct it, or choose Text.` }));
  }
  return data.value.trim() === "null" ? asText() : asJSON(asText);
}

const asText = () => ({ json: JSON.stringify(data.value), hint: "Sent as text." });

// asJSON returns the data as JSON, or what otherwise returns for the fault in it.
function asJSON(otherwise) {
  const { fault, type } = read(data.value);
  if (type === "null" && fault === null) {
    return { json: null, hint: "null is no data. To mint the word, choose Text." };
  }
  return fault === null ? { json: data.value.trim(), hint: `Sent as JSON: ${typeNames[type]}.` } : otherwise(fault);
}

// The fields, and the members of the request that they become. read returns the JSON to
// send, "" to send nothing, or null if the field is wrong; with a hint.
const fields = [
  { member: "user_data", field: data, hint: element("data-kind"), read: readData },
  { member: "claims", field: element("mint-claims"), hint: element("claims-hint"), read: readClaims },
  { member: "expires_in", field: element("lifetime"), hint: element("lifetime-hint"), read: readLifetime },
];

// readFields reads the fields and shows their hints.
function readFields() {
  contents = fields.map(({ member, field, hint, read }) => {
    const content = read();
    setText(hint, content.hint);
    field.setAttribute("aria-invalid", String(content.json === null));
    return { ...content, member, field };
  });
}

// members returns the members of a request, or null if a field is wrong. It spells
// invisible characters as escapes, which mean the same: otherwise the command could do
// something other than what it seems to do.
function members(contents) {
  if (contents.some(({ json }) => json === null)) {
    return null;
  }
  return visible(contents.filter(({ json }) => json !== "").map(({ member, json }) => `"${member}":${json}`).join(","));
}

// options returns the members of a request other than user_data on one line, without
// braces. If a field is wrong, it focuses the field and returns null.
export function options() {
  const others = contents.slice(1);
  focusWrong(others);
  return members(others)?.replaceAll("\n", " ") ?? null;
}

function focusWrong(contents) {
  contents.find(({ json }) => json === null)?.field.focus();
}

// showRequest shows what the fields ask for.
function showRequest() {
  readFields();
  const all = members(contents);
  body = all === null ? null : `{${all}}`;
  showCommand();
  compareWith(body);
}

function showCommand() {
  const command = isRequired() ? mintingCurl : curl;
  setText(element("mint-command"), body === null ? "# Nothing to send yet: see the hints below the fields." : command(address("token"), body));
}

function mint(event) {
  event.preventDefault();
  if (body === null) {
    minting.cancel();
    showStatus(status, "Nothing was sent: see the hints below the fields.", true);
    focusWrong(contents);
    return;
  }
  const request = body;
  showStatus(status, "Asking the service…", false);
  minting.run(
    (signal) => mintToken(request, signal),
    (token) => showMinted(token, request),
    ({ message }) => showStatus(status, message, true),
  );
}

function showMinted(token, request) {
  add(token, request);
  compareWith(body);
  showStatus(status, "Minted.", false);
}

form.addEventListener("input", () => {
  showStatus(status, "", false); // it was about other input
  showRequest();
});
form.addEventListener("submit", mint);
for (const field of [data, element("mint-claims")]) {
  field.addEventListener("keydown", submitOnControlEnter);
}
element("forget").addEventListener("click", () => {
  minting.cancel();
  forget();
  showStatus(status, "", false);
  setText(element("announcement"), "The tokens are forgotten. To empty Inspect, press Clear.");
  data.focus();
});
whenRequired(showCommand);
showRequest();
