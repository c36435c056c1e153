// Edits the header and the claims of the token inspected, and signs them again.

import { mintToken } from "./credential.js";
import { colored, element, setText, showStatus, span, submitOnControlEnter } from "./dom.js";
import { inspectOwn, inspectSigned, inspected, whenInspected } from "./inspect.js";
import { read, visible } from "./json.js";
import { keyField, keyMembers } from "./key.js";
import { Latest } from "./latest.js";
import { add } from "./minted.js";
import { remint } from "./remint.js";
import { post } from "./service.js";

const details = element("editor");
const form = element("sign");
const fields = { Header: element("edit-header"), Claims: element("edit-claims") };
const signButton = element("sign-edited");
const mintButton = element("mint-edited");
const status = element("sign-status");
const signing = new Latest();
let filled = ""; // what the fields had before anybody edited them
let signedContent = ""; // what they had when the token shown was signed
let inspectSignedToken; // inspects that token

const content = () => fields.Header.value + fields.Claims.value;

// fill puts the token inspected into the fields. Without one, it begins a new token.
function fill() {
  const { header, claims } = inspected();
  fields.Header.value = header === null ? formatted(read('{"typ":"JWT","alg":"HS512"}')) : formatted(header);
  fields.Claims.value = claims === null ? "{}" : formatted(claims);
  filled = content();
  edited();
}

const formatted = ({ pieces }) => visible(pieces.map(({ text }) => text).join(""));

// edited shows the faults in the fields, and whether the token shown was signed before.
function edited() {
  setText(element("signed-stale"), element("signed").hidden || content() === signedContent ? "" : "This token was signed before you changed the fields.");
  Object.values(fields).forEach(showFault);
}

function showFault(field) {
  const { fault, faultAt } = check(field);
  const text = field.value;
  const start = text.lastIndexOf("\n", faultAt - 1) + 1;
  const end = text.indexOf("\n", faultAt) < 0 ? text.length : text.indexOf("\n", faultAt);
  // The final line break makes room for the line with the caret.
  const line = fault === null ? [text] : [text.slice(0, start), span("faulty", text.slice(start, end)), text.slice(end)];
  element(`${field.id}-ink`).replaceChildren(...line, "\n");
  setText(element(`${field.id}-hint`), fault === null ? "" : `This cannot be signed: ${fault}.`);
  field.setAttribute("aria-invalid", String(fault !== null));
}

// check returns the fault that keeps the text of a field from being signed, or null, and
// where in the text it is.
function check(field) {
  const { fault, faultAt, type } = read(field.value);
  return fault === null && type !== "object" ? { fault: "it is not a JSON object", faultAt: 0 } : { fault, faultAt };
}

// areReady reports whether fields can be sent. Otherwise it puts the caret where the fault
// is.
function areReady(...fields) {
  const faulty = fields.find((field) => check(field).fault !== null);
  if (faulty === undefined) {
    return true;
  }
  showStatus(status, "Nothing was sent: see the hint below the field.", true);
  faulty.focus();
  faulty.setSelectionRange(check(faulty).faultAt, check(faulty).faultAt);
  return false;
}

// mainButton returns the button for what the user can do: sign with a key, or mint without
// one.
const mainButton = () => (keyField.value === "" ? mintButton : signButton);

function showMainButton() {
  for (const button of [signButton, mintButton]) {
    button.classList.toggle("primary", button === mainButton());
  }
}

function sign() {
  if (!areReady(fields.Header, fields.Claims)) {
    return;
  }
  const key = keyMembers();
  if (key.Signing_key === "") {
    showStatus(status, "Enter the key above first, or mint with this service's key.", true);
    keyField.focus();
    return;
  }
  const members = JSON.stringify(key).slice(1, -1);
  const body = `{"Header":${fields.Header.value},"Claims":${fields.Claims.value},${members}}`;
  const signIt = async (signal) => (await post("token/sign", body, "JWT Token", signal))["JWT Token"];
  send(signIt, () => showSigned("Signed.", inspectSigned));
}

function mint() {
  if (!areReady(fields.Claims)) {
    return;
  }
  const { body, fault } = remint(fields.Claims.value, Date.now() / 1000);
  if (fault !== null) {
    showStatus(status, `Nothing was sent: ${fault}`, true);
    fields.Claims.focus();
    return;
  }
  send(
    (signal) => mintToken(body, signal),
    (token) => {
      add(token);
      showSigned("Minted. The header, iat, jti and the date in payload come from the service.", inspectOwn);
    },
  );
}

function send(call, onToken) {
  const sent = content();
  showStatus(status, "Asking the service…", false);
  signing.run(
    call,
    (token) => {
      signedContent = sent;
      element("signed-token").replaceChildren(...colored(token));
      onToken(token);
    },
    ({ message }) => showStatus(status, message, true),
  );
}

function showSigned(text, inspectToken) {
  inspectSignedToken = inspectToken;
  element("signed").hidden = false;
  edited();
  showStatus(status, text, false);
}

// forget forgets the token that was signed.
function forget() {
  signing.cancel();
  showStatus(status, "", false);
  element("signed").hidden = true;
  element("signed-token").replaceChildren();
}

function inspectIt() {
  inspectSignedToken(element("signed-token").textContent);
  if (content() === signedContent) {
    filled = content(); // nothing is lost when the fields follow the next token
  }
}

for (const field of Object.values(fields)) {
  field.addEventListener("input", () => {
    signing.cancel();
    showStatus(status, "", false); // it was about other text
    edited();
  });
  field.addEventListener("keydown", submitOnControlEnter);
}
form.addEventListener("submit", (event) => {
  event.preventDefault();
  (event.submitter ?? mainButton()) === mintButton ? mint() : sign();
});
keyField.addEventListener("input", () => {
  showStatus(status, "", false); // it may have been about the key
  showMainButton();
});
element("forget").addEventListener("click", forget);
element("inspect").addEventListener("reset", () => {
  forget();
  filled = content(); // so that it follows what is inspected next
});
element("take").addEventListener("click", () => {
  fill();
  fields.Claims.focus();
});
element("inspect-signed").addEventListener("click", inspectIt);
whenInspected(() => {
  showMainButton();
  if (details.open && content() === filled) {
    fill();
  }
});
details.addEventListener("toggle", () => {
  if (details.open && content() === filled) {
    fill();
  }
});
fill();
showMainButton();
