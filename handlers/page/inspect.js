// Finds the token in the field, and shows what is in it.

import { setOwnKeys, setToken } from "./check.js";
import { showDecoded } from "./decoded.js";
import { button, colored, element, setText, span, submitOnControlEnter } from "./dom.js";
import { setKey } from "./key.js";
import { chosen, locate } from "./paste.js";
import { decode } from "./token.js";
import { setValue } from "./undo.js";
import { showTimesOf } from "./verdict.js";

const tokenField = element("token");

let pasted = locate("");
let decoded = decode("");
const listeners = [];

// inspected returns the token shown, as decode returns it.
export const inspected = () => decoded;

// whenInspected calls listener whenever another token is shown.
export function whenInspected(listener) {
  listeners.push(listener);
}

// inspectOwn inspects a token that this service has minted.
export function inspectOwn(token) {
  setOwnKeys(true);
  inspect(token);
}

// inspectSigned inspects a token that was signed with the key in the form.
export function inspectSigned(token) {
  setOwnKeys(false);
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
  listeners.forEach((listener) => listener());
  setToken(pasted, decoded);
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

function clear() {
  setOwnKeys(false);
  setTimeout(locateToken); // the reset event comes before the fields are empty
}

// The first token and the key in the service's specification. They are public,
// so showing them gives nothing away.
function fillInExample() {
  setKey("a9ddbcaba8c0ac1a0a812dc0c2f08514b23f2db0a68343cb8199ebb38a6d91e4ebfb378e22ad39c2d01d0b4ec9c34aa91056862ddace3fbbd6852ee60c36acbf", "utf8");
  inspectSigned(
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9.eyJpYXQiOjE2Njg2NzY5MDcsImp0aSI6ImYxMGZiNWY0NzQ2MWRlNGRkOGM3NjExM2NhZDc4MDNiIiwicGF5bG9hZCI6eyJkYXRhIjoidGhpcyBpcyB0ZXN0IiwiZGF0ZSI6IjIwMjItMTEtMTcifX0.LgY1OHZamo0irNBb3uGQvWRzdFEiBfjmyBOKewPAvPGqmFJGh3HaqdzDMZyX3TzKdTV35a748Xz6hoPOIxPWrA",
  );
}

tokenField.addEventListener("input", locateToken);
tokenField.addEventListener("keydown", submitOnControlEnter);
element("inspect").addEventListener("reset", clear);
element("example").addEventListener("click", fillInExample);
locateToken();
