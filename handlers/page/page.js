// The page sends the contents of the fields to the service and shows the
// responses. It inserts text only as text, never as markup.

import { curl, gateCurl, inspectingCurl, introspectingCurl, mintingCurl, ownKeyCurl, signingCurl } from "./command.js";
import { find } from "./find.js";
import { read, visible } from "./json.js";
import { Refusal, address, post } from "./service.js";
import { describe, timeClaims } from "./time.js";
import { inspect, unwrap } from "./token.js";

const element = (id) => document.getElementById(id);

// setText does not touch an element that already has the text: a screen reader
// would announce it again.
function setText(target, text) {
  if (target.textContent !== text) {
    target.textContent = text;
  }
}

function span(className, text) {
  const part = document.createElement("span");
  part.className = className;
  part.textContent = text;
  return part;
}

// colored returns the parts of a token and the dots between them as elements.
function colored(token) {
  const [header, claims, ...rest] = token.split(".");
  const parts = [span("header", header)];
  if (claims !== undefined) {
    parts.push(span("dot", "."), span("claims", claims));
  }
  if (rest.length > 0) {
    parts.push(span("dot", "."), span("signature", rest.join(".")));
  }
  return parts;
}

// Latest runs one call at a time. A new call, or cancel, aborts the one in
// progress, which then calls neither onAnswer nor onRefusal.
class Latest {
  #controller = new AbortController();

  cancel() {
    this.#controller.abort();
  }

  async run(call, onAnswer, onRefusal) {
    this.cancel();
    const { signal } = (this.#controller = new AbortController());
    try {
      onAnswer(await call(signal)); // call throws once signal is aborted
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (!(error instanceof Refusal)) {
        throw error;
      }
      onRefusal(error);
    }
  }
}

// Mint

const mintForm = element("mint");
const data = element("data");
const lifetime = element("lifetime");
const unit = element("unit");
const credentialField = element("credential");
const mintStatus = element("mint-status");
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
  const kind = mintForm.elements.kind.value;
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

// readCredential returns the credential, which is empty until the service asks for
// one, or null if the text cannot be one (RFC 6750 §2.1).
function readCredential() {
  const text = credentialField.value.trim();
  return /^([\w.~+/-]+=*)?$/.test(text) ? text : null;
}

// mintBody returns the request to mint, or null if a field is wrong. It spells
// invisible characters as escapes, which mean the same: otherwise the command
// could do something other than what it seems to do.
function mintBody() {
  const { json } = readData();
  const seconds = readLifetime();
  if (json === null || Number.isNaN(seconds)) {
    return null;
  }
  const expires = seconds === null ? "" : `,"expires_in":${seconds}`;
  return visible(`{"user_data":${json.trim()}${expires}}`);
}

function mintChanged() {
  const { json, hint } = readData();
  setText(element("data-kind"), hint);
  data.setAttribute("aria-invalid", String(json === null));
  const seconds = readLifetime();
  setText(element("lifetime-hint"), lifetimeHint(seconds));
  lifetime.setAttribute("aria-invalid", String(Number.isNaN(seconds)));
  showCredentialHint(readCredential() === null ? "This is not a credential: it has a character that no credential has." : "");
  const body = mintBody();
  setText(element("mint-command"), body === null ? "# Nothing to send yet: see the hints below the fields." : mintCommand(body));
  setText(element("minted-stale"), mintedBody === null || body === mintedBody ? "" : "This token was minted before you changed the fields.");
}

// mintCommand returns a command that mints. It asks for a credential if the service does.
function mintCommand(body) {
  const command = element("credential-row").hidden ? curl : mintingCurl;
  return command(address("token"), body);
}

function lifetimeHint(seconds) {
  if (seconds === null) {
    return "Empty: no expires_in is sent, and the token does not expire.";
  }
  return Number.isNaN(seconds) ? "Enter a whole number." : `Sent as expires_in: ${seconds} seconds.`;
}

// showCredentialHint shows what is wrong with the credential, if anything.
function showCredentialHint(fault) {
  setText(element("credential-hint"), fault || "This service mints only with a credential. The page sends it along and does not store it.");
  credentialField.setAttribute("aria-invalid", String(fault !== ""));
}

function showMintStatus(text, failed) {
  mintStatus.classList.toggle("failed", failed);
  setText(mintStatus, text);
}

function mint(event) {
  event.preventDefault();
  const body = mintBody();
  const credential = readCredential();
  if (body === null || credential === null) {
    minting.cancel();
    showMintStatus("Nothing was sent: see the hints below the fields.", true);
    (readData().json === null ? data : body === null ? lifetime : credentialField).focus();
    return;
  }
  showMintStatus("Asking the service…", false);
  minting.run(
    (signal) => post("token", body, "JWT Token", signal, credential),
    (answer) => showMinted(body, answer["JWT Token"]),
    ({ message, status }) => {
      showMintStatus(message, true);
      if (status === 401) {
        askForCredential(credential);
      }
    },
  );
}

// askForCredential asks for a credential other than the refused one, which may be "".
function askForCredential(refused) {
  element("credential-row").hidden = false;
  mintChanged(); // the commands now ask for it, too
  showMintExample();
  if (refused !== "") {
    showCredentialHint("The service does not accept this credential.");
  }
  credentialField.focus();
}

function showMinted(body, token) {
  mintedBody = body;
  element("minted-token").replaceChildren(...colored(token));
  element("minted").hidden = false;
  showMintStatus("Minted.", false);
  mintChanged();
}

function carryOver() {
  tokenField.value = element("minted-token").textContent;
  inspectChanged();
  keyField.focus();
}

// Inspect

const inspectForm = element("inspect");
const tokenField = element("token");
const keyField = element("key");
const encoding = element("encoding");
const withKey = element("with-key");
const verdict = element("verdict");
const checking = new Latest();
let claimed = new Map(); // the literals of the claims shown, by name
let pasted = locate("");

const marks = { unchecked: "?", verified: "✓", rejected: "✕" };
const states = { unchecked: "Not checked", verified: "Verified", rejected: "Does not match" };

// showVerdict shows one of the three states and the reason for it. A request
// that fails is not a verdict: the state stays unchecked.
function showVerdict(state, reason, warning = "") {
  verdict.dataset.state = state;
  setText(element("verdict-mark"), marks[state]);
  setText(element("verdict-state"), states[state]);
  setText(element("verdict-reason"), reason);
  setText(element("verdict-time"), warning);
  element("verdict-time").hidden = warning === "";
}

// locate finds the token in pasted text: it extends from start to end, and notes are what
// to say about it. If text has several tokens, choices are these, and token is "".
function locate(text) {
  const wrapped = unwrap(text);
  const found = /^[\w.-]*$/.test(wrapped.token) ? [] : find(text);
  switch (found.length) {
    case 0:
      return { ...wrapped, choices: [], notes: wrapped.removed.length === 0 ? [] : [`Ignored around the token: ${wrapped.removed.join(", ")}.`] };
    case 1:
      return chosen(found[0]);
    default:
      return { start: 0, end: 0, token: "", choices: found, notes: [`There are ${found.length} tokens. Choose one to inspect.`] };
  }
}

// chosen returns a token that was found, with where that was.
function chosen({ where, lines, ...token }) {
  const note = ["Found the token", where, lines > 1 ? `on ${lines} lines, which the page joined` : ""].filter((part) => part !== "").join(" ");
  return { ...token, choices: [], notes: [`${note}.`] };
}

// showChoices shows a button for each of the tokens in the text.
function showChoices(choices) {
  const target = element("token-choice");
  target.hidden = choices.length === 0;
  target.replaceChildren(
    ...choices.map((choice, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", String(choice.token === pasted.token));
      button.textContent = `Token ${i + 1}${choice.where === "" ? "" : `, ${choice.where}`}`;
      button.addEventListener("click", () => {
        pasted = { ...chosen(choice), choices };
        showPasted();
        target.children[i].focus();
      });
      return button;
    }),
  );
}

function check(event) {
  event.preventDefault();
  const { token, choices } = pasted;
  const missing = token === "" ? tokenField : keyField.value === "" ? keyField : null;
  if (missing !== null) {
    checking.cancel();
    showVerdict("unchecked", missing === keyField ? "Enter the key first." : choices.length > 0 ? "Choose a token first." : "Paste a token first.");
    missing.focus();
    return;
  }
  showVerdict("unchecked", "Asking the service…");
  const body = inspectBody(token);
  checking.run(
    (signal) => post("token/verify", body, "Signature Verification", signal),
    showAnswer,
    ({ message }) => showVerdict("unchecked", message),
  );
}

function inspectBody(token) {
  return JSON.stringify({ Token: token, Signing_key: keyField.value, Key_encoding: encoding.value });
}

// The algorithms whose signatures the service checks (RFC 7518 §3.2).
const checkable = ["HS256", "HS384", "HS512"];

function showAnswer(answer) {
  const warning = timeWarning(answer.Validity);
  if (answer["Signature Verification"] === true) {
    showVerdict("verified", "This key signed exactly this header and these claims.", warning);
  } else {
    showVerdict(checkable.includes(answer.Header.alg) ? "rejected" : "unchecked", sentence(answer.Reason), warning);
  }
}

const timeWarnings = {
  invalid: "Its times are invalid: /auth would refuse it.",
  revoked: "It was revoked: /auth refuses it.",
  expired: "It has expired: /auth would refuse it.",
  "not yet valid": "It is not valid yet: /auth would refuse it.",
};

// timeWarning returns what to know about the time claims, or "". The validity is
// undefined if the token has none of them.
function timeWarning({ state, note } = {}) {
  const warning = timeWarnings[state] ?? "";
  return note === undefined ? warning : `${warning} Note: ${note}.`.trim();
}

function sentence(text) {
  return text[0].toUpperCase() + text.slice(1) + ".";
}

// inspectChanged withdraws the verdict, which was about other input, and shows
// what is in the token now.
function inspectChanged() {
  pasted = locate(tokenField.value);
  showPasted();
}

function showPasted() {
  checking.cancel();
  showVerdict("unchecked", "The service has not been asked yet.");
  showInk(pasted);
  const inspected = inspect(pasted.token);
  const notes = inspected.fault === null ? pasted.notes : [...pasted.notes, inspected.fault];
  setText(element("token-hint"), notes.join(" "));
  showChoices(pasted.choices);
  element("decoded").hidden = inspected.header === null;
  showJSON("header", inspected.header);
  showJSON("claims", inspected.claims);
  showSignature(inspected.signature);
  claimed = inspected.claims?.members ?? new Map();
  showTimes();
  showInspectCommand();
}

// showInk shows the token in color beneath the field, whose own text is
// transparent.
function showInk({ start, end }) {
  const text = tokenField.value;
  // The final line break makes room for the line with the caret.
  element("ink").replaceChildren(span("wrapping", text.slice(0, start)), ...colored(text.slice(start, end)), span("wrapping", text.slice(end) + "\n"));
}

// showFault shows what is wrong with a decoded segment. A missing segment is
// null.
function showFault(part, segment) {
  const target = element(`${part}-fault`);
  const text = segment === null ? "It is missing." : segment.fault === null ? "" : `Decoded as far as possible: ${segment.fault}.`;
  target.hidden = text === "";
  setText(target, text);
}

// JSON with more pieces than this is shown without colors: one element for each
// piece would be slow.
const maxPieces = 20_000;

function showJSON(part, json) {
  const target = element(`${part}-json`);
  showFault(part, json);
  const pieces = json?.pieces ?? [];
  if (pieces.length > maxPieces) {
    target.textContent = visible(pieces.map(({ text }) => text).join(""));
    return;
  }
  target.replaceChildren(...pieces.map(({ kind, text }) => span(kind, visible(text))));
}

function showSignature(signature) {
  showFault("signature", signature);
  setText(element("signature-size"), signature === null ? "" : signatureWords(signature.bytes.length));
}

function signatureWords(size) {
  return size === 0 ? "Empty: this token is not signed." : `${size} bytes. Only the service can verify them.`;
}

// showTimes shows the time claims, and tick keeps their words up to date.
function showTimes() {
  const times = element("times");
  const named = timeClaims.filter((claim) => claimed.has(claim));
  times.hidden = named.length === 0;
  times.replaceChildren(...named.map(timeRow));
}

function timeRow(claim) {
  const { words, local, utc } = describe(claim, claimed.get(claim), Date.now() / 1000);
  const row = document.createElement("p");
  row.className = "time";
  row.append(span("code name", claim), " ", span("words", words));
  if (utc !== null) {
    row.append(" ", span("moment", local), " ", span("moment code", utc));
  }
  return row;
}

function tick() {
  const now = Date.now() / 1000;
  const shown = element("times").querySelectorAll(".words");
  timeClaims
    .filter((claim) => claimed.has(claim))
    .forEach((claim, i) => setText(shown[i], describe(claim, claimed.get(claim), now).words));
}

function showInspectCommand() {
  const { token } = pasted;
  const url = address("token/verify");
  const command = withKey.checked ? curl(url, visible(inspectBody(token))) : inspectingCurl(url, token, encoding.value);
  setText(element("inspect-command"), command);
  setText(
    element("inspect-command-hint"),
    withKey.checked
      ? "The command contains the key, which will be visible in the shell's history and in the process list."
      : 'The command asks for the key, which stays out of the shell\'s history and the process list. If the key contains " or \\, type \\" or \\\\ instead.',
  );
}

function showKey(show) {
  keyField.type = show ? "text" : "password";
  element("show-key").firstChild.data = show ? "Hide" : "Show";
}

function clear() {
  showKey(false);
  setTimeout(inspectChanged); // the reset event comes before the fields are empty
}

// The first token and the key in the service's specification. They are public,
// so showing them gives nothing away.
function fillInExample() {
  tokenField.value =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9.eyJpYXQiOjE2Njg2NzY5MDcsImp0aSI6ImYxMGZiNWY0NzQ2MWRlNGRkOGM3NjExM2NhZDc4MDNiIiwicGF5bG9hZCI6eyJkYXRhIjoidGhpcyBpcyB0ZXN0IiwiZGF0ZSI6IjIwMjItMTEtMTcifX0.LgY1OHZamo0irNBb3uGQvWRzdFEiBfjmyBOKewPAvPGqmFJGh3HaqdzDMZyX3TzKdTV35a748Xz6hoPOIxPWrA";
  keyField.value = "a9ddbcaba8c0ac1a0a812dc0c2f08514b23f2db0a68343cb8199ebb38a6d91e4ebfb378e22ad39c2d01d0b4ec9c34aa91056862ddace3fbbd6852ee60c36acbf";
  encoding.value = "utf8";
  inspectChanged();
}

// Guide

function showMintExample() {
  const body = { claims: { sub: "ada", aud: "orders", scope: "read write" }, expires_in: 3600 };
  setText(element("mint-example"), mintCommand(JSON.stringify(body)));
}

function showExamples() {
  showMintExample();
  setText(element("own-key-example"), ownKeyCurl(address("token/verify")));
  setText(element("sign-example"), signingCurl(address("token/sign"), '{"typ":"JWT","alg":"HS256"}', '{"sub":"ada","role":"editor"}'));
  setText(element("gate-example"), gateCurl(address("auth")));
  setText(element("introspect-example"), introspectingCurl(address("introspect")));
}

// Copying

async function copy(button) {
  const source = element(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    flash(button, "Copied");
  } catch {
    // A page that came over plain HTTP from another machine has no access to the
    // clipboard, and the user may have denied it.
    getSelection().selectAllChildren(source);
    flash(button, "Selected: press Ctrl+C to copy");
  }
}

function flash(button, text) {
  button.dataset.label ??= button.textContent;
  setText(button, text);
  setText(element("announcement"), text);
  clearTimeout(button.flashing);
  button.flashing = setTimeout(() => {
    setText(button, button.dataset.label);
    setText(element("announcement"), "");
  }, 2000);
}

// Wiring

function submitOnControlEnter(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.currentTarget.form.requestSubmit();
  }
}

mintForm.addEventListener("input", () => {
  showMintStatus("", false); // it was about other input
  mintChanged();
});
mintForm.addEventListener("submit", mint);
data.addEventListener("keydown", submitOnControlEnter);
element("carry").addEventListener("click", carryOver);
addEventListener("pagehide", () => (credentialField.value = "")); // the browser may keep the page in memory

tokenField.addEventListener("input", inspectChanged);
for (const field of [keyField, encoding]) {
  field.addEventListener("input", showPasted);
}
inspectForm.addEventListener("submit", check);
inspectForm.addEventListener("reset", clear);
tokenField.addEventListener("keydown", submitOnControlEnter);
withKey.addEventListener("change", showInspectCommand);
element("show-key").addEventListener("click", () => showKey(keyField.type === "password"));
element("example").addEventListener("click", fillInExample);

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", () => copy(button));
}

setText(element("host"), location.host);
element("in-the-clear").hidden = isSecureContext; // true for loopback, even without TLS
mintChanged();
inspectChanged();
showExamples();
setInterval(tick, 1000);
