// The tokens minted in this visit: the newest one in full, those before it in a list. They
// are in memory only.

import { bearerCurl, bearerHeader } from "./command.js";
import { copy } from "./copy.js";
import { button, colored, element, setText, span } from "./dom.js";
import { inspectOwn } from "./inspect.js";
import { label } from "./label.js";
import { address } from "./service.js";

const maxEarlier = 10;

const list = element("minted-list");
const other = element("minted-other"); // shows what could not be copied, except the token

let newest = null; // {token, time, request}

// add shows a token that the service has minted. request is what the fields of the form
// asked for, or null if it does not come from them.
export function add(token, request = null) {
  if (newest !== null) {
    list.prepend(row(newest)); // the rows below keep the focus
  }
  if (list.childElementCount > maxEarlier) {
    list.lastElementChild.remove();
  }
  newest = { token, time: new Date(), request };
  show();
}

// forget forgets all tokens.
export function forget() {
  newest = null;
  list.replaceChildren();
  show();
}

// compareWith says so if the newest token is not what the fields ask for now.
export function compareWith(request) {
  const was = newest?.request ?? null;
  setText(element("minted-stale"), was === null || was === request ? "" : "This token was minted before you changed the fields.");
}

function show() {
  element("minted").hidden = newest === null;
  element("minted-token").replaceChildren(...colored(newest?.token ?? ""));
  setText(element("minted-stale"), "");
  setText(element("minted-hint"), "");
  other.hidden = true;
  setText(other, "");
  element("minted-earlier").hidden = list.childElementCount === 0;
  setText(element("minted-count"), String(list.childElementCount));
}

// row returns an earlier token as an element of the list.
function row({ token, time }) {
  const clock = time.toLocaleTimeString();
  const name = label(token);
  const source = document.createElement("p");
  source.className = "box code token";
  source.hidden = true;
  const inspect = button("Inspect", () => inspectOwn(token));
  const copying = button("Copy", () => copy(copying, token, source));
  for (const control of [inspect, copying]) {
    control.setAttribute("aria-label", `${control.textContent} the token of ${clock}, ${name}`);
  }
  const words = document.createElement("p");
  words.append(span("moment", clock), " ", span("code label", name));
  const item = document.createElement("li");
  item.append(words, inspect, copying, source);
  return item;
}

element("carry").addEventListener("click", () => inspectOwn(newest.token));
element("copy-header").addEventListener("click", ({ currentTarget }) => copy(currentTarget, bearerHeader(newest.token), other));
element("copy-curl").addEventListener("click", ({ currentTarget }) => {
  setText(element("minted-hint"), "The command contains the token, which will be visible in the shell's history and in the process list.");
  copy(currentTarget, bearerCurl(address("auth"), newest.token), other);
});
