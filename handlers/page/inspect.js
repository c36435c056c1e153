// Inspects the token in the field, and checks it as soon as it is known with what.

import { curl, inspectingCurl, ownKeyCurl } from "./command.js";
import { showDecoded } from "./decoded.js";
import { button, colored, element, setText, span, submitOnControlEnter } from "./dom.js";
import { visible } from "./json.js";
import { keyField, setKey } from "./key.js";
import { Latest } from "./latest.js";
import { chosen, locate } from "./paste.js";
import { address, post } from "./service.js";
import { obstacle, sealed } from "./signature.js";
import { decode } from "./token.js";
import { setValue } from "./undo.js";
import { showAnsweredTime, showSignature, showTimesOf } from "./verdict.js";

const form = element("inspect");
const tokenField = element("token");
const encoding = element("encoding");
const withKey = element("with-key");
const checking = new Latest();

// A pause in typing after which the page asks the service, in milliseconds.
const pause = 400;

let pasted = locate("");
let decoded = decode("");
let ownKeys = false; // whether to check with the service's keys
let timer;

let listener = () => {};

// inspected returns the token shown, as decode returns it.
export const inspected = () => decoded;

// whenInspected calls a function whenever another token is shown.
export function whenInspected(show) {
  listener = show;
}

// keyMembers returns the members of a request with the key in the form.
export const keyMembers = () => ({ Signing_key: keyField.value, Key_encoding: encoding.value });

// inspectOwn inspects a token that this service has minted.
export function inspectOwn(token) {
  ownKeys = true;
  inspect(token);
}

// inspectSigned inspects a token that was signed with the key in the form.
export function inspectSigned(token) {
  ownKeys = false;
  inspect(token);
}

function inspect(token) {
  setValue(tokenField, token);
  locateToken();
  // On a phone, the focus in the field would open the keyboard.
  (matchMedia("(pointer: coarse)").matches ? element("inspect-title") : tokenField).focus();
  element("verdict").scrollIntoView({ block: "nearest" });
}

// locateToken shows the token that is in the field now.
function locateToken() {
  pasted = locate(tokenField.value);
  showToken();
}

function showToken() {
  decoded = decode(pasted.token);
  showInk(pasted);
  setText(element("token-hint"), [...pasted.notes, decoded.fault ?? ""].join(" ").trim());
  showChoices(pasted.choices);
  showDecoded(decoded);
  showTimesOf(timesKnown() ? decoded.claims.members : null);
  listener();
  inputChanged();
}

// timesKnown reports whether the claims have been decoded, at least as far as exp.
function timesKnown() {
  const { claims } = decoded;
  return claims?.type === "object" && (claims.fault === null || claims.members.has("exp"));
}

// showInk shows the token in color beneath the field, whose own text is
// transparent.
function showInk({ start, end }) {
  const text = tokenField.value;
  // The final line break makes room for the line with the caret.
  element("ink").replaceChildren(span("wrapping", text.slice(0, start)), ...colored(text.slice(start, end)), span("wrapping", text.slice(end) + "\n"));
}

// showChoices shows a button for each of the tokens in the text.
function showChoices(choices) {
  const target = element("token-choice");
  target.hidden = choices.length === 0;
  target.replaceChildren(
    ...choices.map((choice, i) => {
      const result = button(`Token ${i + 1}${choice.where === "" ? "" : `, ${choice.where}`}`, () => {
        pasted = { ...chosen(choice), choices };
        showToken();
        target.children[i].focus();
      });
      result.setAttribute("aria-pressed", String(choice.token === pasted.token));
      return result;
    }),
  );
}

// inputChanged withdraws the verdict, which was about other input, and asks for another
// one if there is all that it takes.
function inputChanged() {
  checking.cancel();
  clearTimeout(timer);
  showCommand();
  const reason = cannotCheck();
  if (reason !== "") {
    showSignature("uncheckable", reason);
    return;
  }
  // Nothing else until the service is asked: a screen reader would announce it.
  showSignature("unchecked", pasted.token === "" || isWhole() ? "The service has not been asked yet." : "The token is malformed: what is wrong is shown below.");
  if (isWhole() && (ownKeys || keyField.value !== "")) {
    timer = setTimeout(check, pause);
  }
}

// cannotCheck returns why the service cannot check the signature, or "".
function cannotCheck() {
  if (decoded.encrypted !== null) {
    return sealed(decoded.header.members);
  }
  if (!isWhole()) {
    return "";
  }
  const { members } = decoded.header;
  const other = ownKeys && members.get("alg") !== '"HS512"';
  return obstacle(members, decoded.claims.members) || (other ? "The service's own keys are for HS512 only, and this token has another algorithm. Enter its key above." : "");
}

// isWhole reports whether the page sees no fault in the token. The service may see one.
function isWhole() {
  const { fault, header, claims, signature } = decoded;
  return fault === null && header !== null && [header, claims, signature].every((segment) => segment.fault === null);
}

// checkNow checks the token without a pause, or says what is missing.
function checkNow() {
  const missing = pasted.token === "" ? tokenField : !ownKeys && keyField.value === "" ? keyField : null;
  if (missing !== null) {
    checking.cancel();
    showSignature("unchecked", missing === keyField ? "Enter the key first, or check with the service's key." : pasted.choices.length > 0 ? "Choose a token first." : "Paste a token first.");
    missing.focus();
    return;
  }
  if (cannotCheck() === "") {
    check();
  }
}

function check() {
  clearTimeout(timer);
  showSignature("unchecked", "Asking the service…");
  const body = requestBody();
  const asked = Date.now() / 1000;
  checking.run(
    (signal) => post("token/verify", body, "Signature Verification", signal),
    (answer) => {
      showAnswer(answer);
      showAnsweredTime(answer.Validity?.state, asked);
    },
    ({ message }) => showSignature("unchecked", message),
  );
}

function requestBody() {
  return JSON.stringify({ Token: pasted.token, ...(ownKeys ? {} : keyMembers()) });
}

function showAnswer(answer) {
  const signer = ownKeys ? `The service's key ${answer.Signed_by}` : "This key";
  if (answer["Signature Verification"] === true) {
    showSignature("verified", `${signer} signed exactly this header and these claims.`);
  } else {
    const untried = ownKeys && keyField.value !== "" ? " The key above was not tried: to try it, press Check signature." : "";
    showSignature("rejected", rejection(answer.Reason) + untried);
  }
}

// rejection returns the reason in the service's answer as a sentence for this page, whose
// verdict begins like it.
function rejection(reason) {
  const text = reason.replace(/^the signature does not match: /, "").replace("send that in Signing_key", "enter that above").replace("send Key_encoding", "choose the key encoding").replace("send the key with it", "enter the key in hex or base64, with that line break");
  return text[0].toUpperCase() + text.slice(1) + ".";
}

function showCommand() {
  element("with-key-row").hidden = ownKeys;
  const [command, hint] = ownKeys ? [ownKeyCurl(address("token/verify")), "The command asks for the token."] : keyCommand();
  setText(element("inspect-command"), command);
  setText(element("inspect-command-hint"), hint);
}

function keyCommand() {
  const url = address("token/verify");
  return withKey.checked
    ? [curl(url, visible(requestBody())), "The command contains the key, which will be visible in the shell's history and in the process list."]
    : [
        inspectingCurl(url, pasted.token, encoding.value),
        'The command asks for the key, which stays out of the shell\'s history and the process list. If the key contains " or \\, type \\" or \\\\ instead.',
      ];
}

function clear() {
  ownKeys = false;
  setTimeout(locateToken); // the reset event comes before the fields are empty
}

// The first token and the key in the service's specification. They are public,
// so showing them gives nothing away.
function fillInExample() {
  setKey("a9ddbcaba8c0ac1a0a812dc0c2f08514b23f2db0a68343cb8199ebb38a6d91e4ebfb378e22ad39c2d01d0b4ec9c34aa91056862ddace3fbbd6852ee60c36acbf");
  encoding.value = "utf8";
  inspectSigned(
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9.eyJpYXQiOjE2Njg2NzY5MDcsImp0aSI6ImYxMGZiNWY0NzQ2MWRlNGRkOGM3NjExM2NhZDc4MDNiIiwicGF5bG9hZCI6eyJkYXRhIjoidGhpcyBpcyB0ZXN0IiwiZGF0ZSI6IjIwMjItMTEtMTcifX0.LgY1OHZamo0irNBb3uGQvWRzdFEiBfjmyBOKewPAvPGqmFJGh3HaqdzDMZyX3TzKdTV35a748Xz6hoPOIxPWrA",
  );
}

tokenField.addEventListener("input", locateToken);
tokenField.addEventListener("keydown", submitOnControlEnter);
for (const field of [keyField, encoding]) {
  field.addEventListener("input", () => {
    ownKeys = false;
    inputChanged();
  });
}
form.addEventListener("submit", (event) => {
  event.preventDefault();
  ownKeys &&= keyField.value === "";
  checkNow();
});
form.addEventListener("reset", clear);
element("own-keys").addEventListener("click", () => {
  ownKeys = true;
  inputChanged();
  checkNow();
});
withKey.addEventListener("change", showCommand);
element("example").addEventListener("click", fillInExample);
locateToken();
