// The field Claims, and the buttons that insert claims.

import { element, setText } from "./dom.js";
import { read, visible } from "./json.js";
import { setByService } from "./remint.js";
import { insert } from "./templates.js";

const field = element("mint-claims");

// The claims that a button inserts, with the values to replace.
const templates = { sub: '"ada"', aud: '"orders"', scope: '"read write"' };

// What to do instead of sending a claim that the service sets.
const instead = {
  iat: "iat is set for every token: leave it out.",
  jti: "jti is set for every token: leave it out.",
  exp: "exp comes from the field Lifetime; use that instead.",
  payload: "payload comes from the field Data; use that instead.",
};

// The hint names at most this many claims.
const maxNames = 8;

// hasClaims reports whether there is anything in the field.
export const hasClaims = () => field.value.trim() !== "";

// readClaims returns the JSON to send, "" if the field is empty, or null if it is wrong;
// with a hint.
export function readClaims() {
  if (!hasClaims()) {
    return { json: "", hint: "Empty: no claims are sent." };
  }
  const { fault, type, members } = read(field.value);
  const wrong = fault === null ? misuse(type, members) : `This is not JSON yet: ${fault}.`;
  if (wrong !== undefined) {
    return { json: null, hint: wrong };
  }
  return { json: field.value.trim(), hint: sentWords([...members.keys()]) };
}

function misuse(type, members) {
  if (type !== "object") {
    return 'Claims are a JSON object, such as {"sub": "ada"}.';
  }
  return instead[setByService.find((name) => members.has(name))];
}

function sentWords(names) {
  if (names.length === 0) {
    return "Sent as claims: an empty object.";
  }
  const named = names.slice(0, maxNames).map((name) => visible(name.slice(0, 60)));
  const more = names.length - named.length;
  return `Sent as claims: ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}.`;
}

function insertClaim({ currentTarget }) {
  const name = currentTarget.dataset.claim;
  const inserted = insert(field.value, name, templates[name]);
  field.focus();
  if (inserted === null) {
    setText(element("claims-hint"), `Nothing was inserted. ${readClaims().hint}`);
    return;
  }
  if (inserted.text !== field.value) {
    field.value = inserted.text;
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
  field.setSelectionRange(inserted.start, inserted.end);
}

for (const button of document.querySelectorAll("[data-claim]")) {
  button.addEventListener("click", insertClaim);
}
