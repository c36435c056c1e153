// The page: what the fields hold goes to the service, what it answers is shown.
// Text is put in as text alone, never as markup.

import { curl, promptingCurl } from "./command.js";
import { read, visible } from "./json.js";
import { Refusal, address, post } from "./service.js";
import { describe, timeClaims } from "./time.js";
import { inspect, unwrap } from "./token.js";

const element = (id) => document.getElementById(id);

// setText leaves an element alone that has the text already, so that a screen
// reader is not made to say it again.
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

// colored returns the three parts of a token as elements, with their dots.
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

// Latest runs one call at a time: a new one, or cancel, makes what is still
// under way end without a word.
class Latest {
  #controller = new AbortController();

  cancel() {
    this.#controller.abort();
  }

  async run(call, onAnswer, onRefusal) {
    this.cancel();
    const { signal } = (this.#controller = new AbortController());
    try {
      onAnswer(await call(signal)); // which throws once signal is aborted
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (!(error instanceof Refusal)) {
        throw error;
      }
      onRefusal(error.message);
    }
  }
}

// Mint

const mintForm = element("mint");
const data = element("data");
const lifetime = element("lifetime");
const unit = element("unit");
const mintStatus = element("mint-status");
const minting = new Latest();
let mintedBody = null; // the request that the token shown answers

const typeNames = {
  object: "an object",
  array: "an array",
  string: "a string",
  number: "a number",
  boolean: "true or false",
  null: "null",
};

// readData decides what the data is. It returns the JSON to send, null where
// there is none, and says what it was taken for.
function readData() {
  const text = data.value;
  const kind = mintForm.elements.kind.value;
  const asText = JSON.stringify(text);
  if (kind === "text") {
    return { json: asText, says: "Taken as text." };
  }
  const { fault, type } = read(text);
  if (kind === "json") {
    return fault === null ? { json: text, says: `Taken as JSON: ${typeNames[type]}.` } : { json: null, says: `This is not JSON yet: ${fault}.` };
  }
  if (fault === null && type !== "null") {
    return { json: text, says: `Taken as JSON: ${typeNames[type]}.` };
  }
  if (/^\s*[{[]/.test(text)) {
    return { json: asText, says: `Taken as text, as it is not JSON: ${fault}.` };
  }
  return { json: asText, says: text === "" ? "Empty: taken as an empty text." : "Taken as text." };
}

// readLifetime returns the seconds, null for no lifetime, NaN for what is none.
function readLifetime() {
  const text = lifetime.value.trim();
  if (text === "") {
    return null;
  }
  return /^[0-9]+$/.test(text) ? Number(text) * Number(unit.value) : NaN;
}

// mintBody returns the request to mint, or null while there is none to send.
// Characters that cannot be seen go as escapes, which stand for the same: the
// command would otherwise look like something that it is not.
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
  const { json, says } = readData();
  setText(element("data-kind"), says);
  data.setAttribute("aria-invalid", String(json === null));
  const seconds = readLifetime();
  setText(element("lifetime-hint"), lifetimeHint(seconds));
  lifetime.setAttribute("aria-invalid", String(Number.isNaN(seconds)));
  const body = mintBody();
  setText(element("mint-command"), body === null ? "# Nothing to send yet: see what is said at the fields." : curl(address("token"), body));
  setText(element("minted-stale"), mintedBody === null || body === mintedBody ? "" : "This token is of what stood above before you changed it.");
}

function lifetimeHint(seconds) {
  if (seconds === null) {
    return "Empty: the token does not expire.";
  }
  return Number.isNaN(seconds) ? "Write a whole number." : `Sent as expires_in: ${seconds} seconds.`;
}

function showMintStatus(text, failed) {
  mintStatus.classList.toggle("failed", failed);
  setText(mintStatus, text);
}

function mint(event) {
  event.preventDefault();
  const body = mintBody();
  if (body === null) {
    minting.cancel();
    showMintStatus("Nothing was sent: see what is said at the fields.", true);
    (readData().json === null ? data : lifetime).focus();
    return;
  }
  showMintStatus("Asking the service…", false);
  minting.run(
    (signal) => post("token", body, "JWT Token", signal),
    (answer) => showMinted(body, answer["JWT Token"]),
    (message) => showMintStatus(message, true),
  );
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
let claimed = new Map(); // the literals of the claims shown

const marks = { unchecked: "?", verified: "✓", rejected: "✕" };
const states = { unchecked: "Not checked", verified: "Verified", rejected: "Does not match" };

// showVerdict shows one of the three states, and why. Whatever goes wrong on
// the way to a verdict leaves the state at unchecked.
function showVerdict(state, reason, warning = "") {
  verdict.dataset.state = state;
  setText(element("verdict-mark"), marks[state]);
  setText(element("verdict-state"), states[state]);
  setText(element("verdict-reason"), reason);
  setText(element("verdict-time"), warning);
  element("verdict-time").hidden = warning === "";
}

function check(event) {
  event.preventDefault();
  const { token } = unwrap(tokenField.value);
  const missing = token === "" ? tokenField : keyField.value === "" ? keyField : null;
  if (missing !== null) {
    checking.cancel();
    showVerdict("unchecked", missing === tokenField ? "Paste a token first." : "Write the key first.");
    missing.focus();
    return;
  }
  showVerdict("unchecked", "Asking the service…");
  const body = inspectBody(token);
  checking.run(
    (signal) => post("token/verify", body, "Signature Verification", signal),
    showAnswer,
    (message) => showVerdict("unchecked", message),
  );
}

function inspectBody(token) {
  return JSON.stringify({ Token: token, Signing_key: keyField.value, Key_encoding: encoding.value });
}

function showAnswer(answer) {
  const warning = { expired: "It has expired: /auth would refuse it.", "not yet valid": "It is not valid yet: /auth would refuse it." }[answer.Validity?.state];
  if (answer["Signature Verification"] === true) {
    showVerdict("verified", "This key signed exactly this header and these claims.", warning);
  } else {
    showVerdict("rejected", sentence(answer.Reason), warning);
  }
}

function sentence(text) {
  return text[0].toUpperCase() + text.slice(1) + ".";
}

// inspectChanged takes the verdict back, which was on something else, and
// shows what is in the token now.
function inspectChanged() {
  checking.cancel();
  showVerdict("unchecked", "The service has not been asked yet.");
  const wrapped = unwrap(tokenField.value);
  showInk(wrapped);
  const inspected = inspect(wrapped.token);
  const notes = [];
  if (wrapped.removed.length > 0) {
    notes.push(`Taken off around the token: ${wrapped.removed.join(", ")}.`);
  }
  if (inspected.fault !== null) {
    notes.push(inspected.fault);
  }
  setText(element("token-hint"), notes.join(" "));
  element("decoded").hidden = inspected.header === null;
  showJSON("header", inspected.header);
  showJSON("claims", inspected.claims);
  showSignature(inspected.signature);
  claimed = inspected.claims?.members ?? new Map();
  showTimes();
  showInspectCommand();
}

// showInk writes the token in its colors beneath the text of the field, which
// is transparent.
function showInk({ start, end, token }) {
  const text = tokenField.value;
  // The line break at the end makes room for the line that the caret is on.
  element("ink").replaceChildren(span("wrapping", text.slice(0, start)), ...colored(token), span("wrapping", text.slice(end) + "\n"));
}

// showFault says of a segment that could be decoded, or null for a missing
// one, what is wrong with it.
function showFault(part, segment) {
  const target = element(`${part}-fault`);
  const text = segment === null ? "It is missing." : segment.fault === null ? "" : `Shown as far as it goes: ${segment.fault}.`;
  target.hidden = text === "";
  setText(target, text);
}

// Beyond this many pieces JSON is shown without colors, to stay quick.
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
  return size === 0 ? "Empty: nobody signed this." : `${size} bytes. Only the service can tell whether they are right.`;
}

// showTimes writes the times anew, and tick keeps their words true.
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
  const { token } = unwrap(tokenField.value);
  const url = address("token/verify");
  const command = withKey.checked ? curl(url, visible(inspectBody(token))) : promptingCurl(url, token, encoding.value);
  setText(element("inspect-command"), command);
  setText(
    element("inspect-command-hint"),
    withKey.checked
      ? "The key is in the command: it will be in the shell's history and in the list of processes."
      : 'It asks for the key, which stays out of the shell\'s history and the list of processes. Where the key has " or \\ in it, write \\" and \\\\.',
  );
}

function showKey(show) {
  keyField.type = show ? "text" : "password";
  element("show-key").firstChild.data = show ? "Hide" : "Show";
}

function clear() {
  showKey(false);
  setTimeout(inspectChanged); // once the fields are empty
}

// The first token and the key of the service's specification: published, and
// so of no worth to anyone.
function fillInExample() {
  tokenField.value =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9.eyJpYXQiOjE2Njg2NzY5MDcsImp0aSI6ImYxMGZiNWY0NzQ2MWRlNGRkOGM3NjExM2NhZDc4MDNiIiwicGF5bG9hZCI6eyJkYXRhIjoidGhpcyBpcyB0ZXN0IiwiZGF0ZSI6IjIwMjItMTEtMTcifX0.LgY1OHZamo0irNBb3uGQvWRzdFEiBfjmyBOKewPAvPGqmFJGh3HaqdzDMZyX3TzKdTV35a748Xz6hoPOIxPWrA";
  keyField.value = "a9ddbcaba8c0ac1a0a812dc0c2f08514b23f2db0a68343cb8199ebb38a6d91e4ebfb378e22ad39c2d01d0b4ec9c34aa91056862ddace3fbbd6852ee60c36acbf";
  encoding.value = "utf8";
  inspectChanged();
}

// Copying

async function copy(button) {
  const source = element(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    flash(button, "Copied");
  } catch {
    // There is no clipboard for a page that came over plain HTTP from another
    // machine, or where it is not allowed.
    getSelection().selectAllChildren(source);
    flash(button, "Selected: copy it with Ctrl+C");
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
  showMintStatus("", false); // it was on other data
  mintChanged();
});
mintForm.addEventListener("submit", mint);
data.addEventListener("keydown", submitOnControlEnter);
element("carry").addEventListener("click", carryOver);

for (const field of [tokenField, keyField, encoding]) {
  field.addEventListener("input", inspectChanged);
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
element("in-the-clear").hidden = isSecureContext; // which this machine is, without TLS
mintChanged();
inspectChanged();
setInterval(tick, 1000);
