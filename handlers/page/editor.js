// Edits the header and the claims of the token inspected, and signs them again.

import { mintToken } from "./credential.js";
import { colored, element, setText, showStatus, span, submitOnControlEnter } from "./dom.js";
import { inspectOwn, inspectSigned, inspected, whenInspected } from "./inspect.js";
import { read, visible } from "./json.js";
import { encoding, keyField, keyMembers } from "./key.js";
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
let made = null; // the token shown that was signed here: {token, source, was, inspectToken}

const content = () => fields.Header.value + fields.Claims.value;

// fill puts the token inspected into the fields. Without one, it begins a new token.
function fill() {
  const { header, claims } = inspected();
  fields.Header.value = header === null ? formatted(read('{"typ":"JWT","alg":"HS512"}')) : formatted(header);
  fields.Claims.value = claims === null ? "{}" : formatted(claims);
  filled = content();
  edited();
}

// isFresh reports whether the token signed here was made from what the fields have now.
const isFresh = () => made.source() === made.was;

const formatted = ({ pieces }) => visible(pieces.map(({ text }) => text).join(""));

// follow fills the fields again if they are in sight and have no edits.
function follow() {
  if (details.open && content() === filled) {
    fill();
  }
}

// edited shows the faults in the fields, and whether the token shown was signed before.
function edited() {
  showStale();
  Object.values(fields).forEach(showFault);
}

function showStale() {
  setText(element("signed-stale"), made === null || isFresh() ? "" : "This token was signed before you changed the fields or the key.");
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
  send({
    call: async (signal) => (await post("token/sign", body, "JWT Token", signal))["JWT Token"],
    source: () => content() + JSON.stringify(keyMembers()),
    inspectToken: inspectSigned,
    words: "Signed.",
  });
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
  send({
    call: async (signal) => {
      const token = await mintToken(body, signal);
      add(token);
      return token;
    },
    source: () => fields.Claims.value,
    inspectToken: inspectOwn,
    words: "Minted. The header, iat, jti and the date in payload come from the service.",
  });
}

// send shows the token that call returns. source returns what the token is made from,
// inspectToken inspects it, and words say that it is there.
function send({ call, source, inspectToken, words }) {
  const was = source();
  showStatus(status, "Asking the service…", false);
  signing.run(
    call,
    (token) => {
      made = { token, source, was, inspectToken };
      element("signed-token").replaceChildren(...colored(token));
      element("signed").hidden = false;
      edited();
      showStatus(status, words, false);
    },
    ({ message }) => showStatus(status, message, true),
  );
}

// forget forgets the token that was signed or minted here.
function forget() {
  signing.cancel();
  showStatus(status, "", false);
  made = null;
  element("signed").hidden = true;
  element("signed-token").replaceChildren();
}

function inspectIt() {
  made.inspectToken(made.token);
  if (isFresh()) {
    filled = content(); // from now on, the fields follow what is inspected
    showStatus(status, "", false);
  }
}

// fieldChanged forgets what was about other text.
function fieldChanged() {
  signing.cancel();
  showStatus(status, "", false);
  edited();
}

function keyChanged() {
  if (status.classList.contains("failed")) {
    showStatus(status, "", false); // it may have been about the key
  }
  showMainButton();
  showStale();
}

for (const field of Object.values(fields)) {
  field.addEventListener("input", fieldChanged);
  field.addEventListener("keydown", submitOnControlEnter);
}
for (const field of [keyField, encoding]) {
  field.addEventListener("input", keyChanged);
}
form.addEventListener("submit", (event) => {
  event.preventDefault();
  (event.submitter ?? mainButton()) === mintButton ? mint() : sign();
});
element("forget").addEventListener("click", forget);
element("inspect").addEventListener("reset", () => {
  forget();
  form.reset();
  filled = content(); // so that the fields follow what is inspected next
  edited();
});
element("take").addEventListener("click", () => {
  showStatus(status, "", false);
  fill();
  fields.Claims.focus();
});
element("inspect-signed").addEventListener("click", inspectIt);
whenInspected(() => {
  showMainButton(); // the key may have been filled in, or cleared
  showStale();
  if (details.open && content() !== filled) {
    showStatus(status, "These are your edits, not the token above.", false);
  }
  follow();
});
details.addEventListener("toggle", follow);
fill();
showMainButton();
