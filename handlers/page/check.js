// Checks the signature of the token shown, as soon as it is known with which key.

import { curl, inspectingCurl, ownKeyCurl } from "./command.js";
import { element, setText } from "./dom.js";
import { visible } from "./json.js";
import { encoding, keyField, keyMembers } from "./key.js";
import { Latest } from "./latest.js";
import { locate } from "./paste.js";
import { address, post } from "./service.js";
import { obstacle, sealed } from "./signature.js";
import { decode } from "./token.js";
import { showAnsweredTime, showSignature } from "./verdict.js";

const tokenField = element("token");
const withKey = element("with-key");
const checking = new Latest();

// A pause in typing after which the page asks the service, in milliseconds.
const pause = 400;

let pasted = locate("");
let decoded = decode("");
let ownKeys = false; // whether to check with the service's keys
let timer;

// setToken sets the token to check, as locate and as decode return it.
export function setToken(newPasted, newDecoded) {
  pasted = newPasted;
  decoded = newDecoded;
  inputChanged();
}

// setOwnKeys sets whether the token that is set next is checked with the service's keys.
export function setOwnKeys(own) {
  ownKeys = own;
}

// inputChanged withdraws the verdict, which was about other input, and asks for another
// one if everything that it takes is there.
function inputChanged() {
  checking.cancel();
  clearTimeout(timer);
  showCommand();
  const reason = cannotCheck();
  if (reason !== "") {
    showSignature("uncheckable", reason);
    return;
  }
  showSignature("unchecked", waitingFor());
  if (isWhole() && missing() === null) {
    timer = setTimeout(check, pause);
  }
}

// waitingFor returns what the page waits for before it asks the service. It says the same
// at every character typed: a screen reader announces changes.
function waitingFor() {
  if (pasted.token === "") {
    return "The service has not been asked yet.";
  }
  if (!isWhole()) {
    return "The token is malformed: what is wrong is shown below.";
  }
  return missing()?.words ?? "The page asks the service when you stop typing.";
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
  const reason = obstacle(members, decoded.claims.members);
  if (reason === "" && ownKeys && JSON.parse(members.get("alg")) !== "HS512") {
    return "The service's own keys are for HS512 only, and this token has another algorithm. Check it with its own key.";
  }
  return reason;
}

// isWhole reports whether the page sees no fault in the token. The service may see one.
function isWhole() {
  const { fault, header, claims, signature } = decoded;
  return fault === null && header !== null && [header, claims, signature].every((segment) => segment.fault === null);
}

// checkNow checks the token without a pause, or says what is missing.
function checkNow() {
  const lack = missing();
  if (lack !== null) {
    checking.cancel();
    showSignature("unchecked", lack.words);
    lack.field.focus();
  } else if (cannotCheck() === "") {
    check();
  }
}

// missing returns the field without which nothing can be checked, and what to do, or null.
function missing() {
  if (pasted.token === "") {
    return { field: tokenField, words: pasted.choices.length > 0 ? "Choose a token first." : "Paste a token first." };
  }
  return ownKeys || keyField.value !== "" ? null : { field: keyField, words: "Enter the key, or check with this service's key." };
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

// The service's reasons are for those who call its API: what they say about its members, in
// words for this page, whose verdict begins like some of them.
const wordsHere = [
  [/^the signature does not match: /, ""],
  [/send that in Signing_key/, "enter it above"],
  [/send the key with it.*/, "enter the key in hex or base64, with that line break"],
  [/send the bare key/, "enter the bare key"],
  [/(?:send )?Key_encoding/, "choose the key encoding"],
];

// rejection returns the reason in the service's answer as a sentence.
function rejection(reason) {
  const text = wordsHere.reduce((text, [pattern, words]) => text.replace(pattern, words), reason);
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

for (const field of [keyField, encoding]) {
  field.addEventListener("input", () => {
    ownKeys = false;
    inputChanged();
  });
}
element("inspect").addEventListener("submit", (event) => {
  event.preventDefault();
  ownKeys &&= keyField.value === "";
  inputChanged();
  checkNow();
});
element("own-keys").addEventListener("click", () => {
  ownKeys = true;
  inputChanged();
  checkNow();
});
withKey.addEventListener("change", showCommand);
