// The tokens minted in this visit: the newest one in full, those before it in a list. They
// are in memory only.

import { bearerCurl, bearerHeader } from "./command.js";
import { copy } from "./copy.js";
import { button, colored, element, setText, span } from "./dom.js";
import { inspectOwn } from "./inspect.js";
import { visible } from "./json.js";
import { address } from "./service.js";

const maxEarlier = 10;
const maxLabel = 60; // characters

const list = element("minted-list");
const other = element("minted-other"); // shows what could not be copied, except the token

let minted = []; // {token, label, time, request}, the newest first

// add shows a token that the service has minted. The label says what the token is for.
// request is what the fields of the form asked for, or null if it does not come from them.
export function add(token, label, request = null) {
  minted = [{ token, label: clip(label), time: new Date(), request }, ...minted].slice(0, maxEarlier + 1);
  show();
}

// forget forgets all tokens.
export function forget() {
  minted = [];
  show();
}

// compareWith says so if the newest token is not what the fields ask for now.
export function compareWith(request) {
  const was = minted[0]?.request ?? null;
  setText(element("minted-stale"), was === null || was === request ? "" : "This token was minted before you changed the fields.");
}

// clip returns the beginning of a label, on one line.
function clip(label) {
  const characters = [...visible(label.slice(0, 4 * maxLabel)).replace(/\s+/g, " ").trim()];
  return characters.length > maxLabel ? `${characters.slice(0, maxLabel).join("")}…` : characters.join("");
}

function show() {
  const [newest, ...earlier] = minted;
  element("minted").hidden = newest === undefined;
  element("minted-token").replaceChildren(...colored(newest?.token ?? ""));
  setText(element("minted-stale"), "");
  other.hidden = true;
  setText(other, "");
  element("minted-earlier").hidden = earlier.length === 0;
  setText(element("minted-count"), String(earlier.length));
  list.replaceChildren(...earlier.map(row));
}

// row returns an earlier token as an element of the list.
function row({ token, label, time }) {
  const clock = time.toLocaleTimeString();
  const source = document.createElement("p");
  source.className = "box code token";
  source.hidden = true;
  const inspect = button("Inspect", () => inspectOwn(token));
  const copying = button("Copy", () => copy(copying, token, source));
  for (const control of [inspect, copying]) {
    control.setAttribute("aria-label", `${control.textContent} the token of ${clock}, ${label}`);
  }
  const words = document.createElement("p");
  words.append(span("moment", clock), " ", span("code label", label));
  const item = document.createElement("li");
  item.append(words, inspect, copying, source);
  return item;
}

element("carry").addEventListener("click", () => inspectOwn(minted[0].token));
for (const [id, text] of [
  ["copy-header", bearerHeader],
  ["copy-curl", (token) => bearerCurl(address("auth"), token)],
]) {
  element(id).addEventListener("click", ({ currentTarget }) => copy(currentTarget, text(minted[0].token), other));
}
