// The lists in claims, item by item.

import { read, visible } from "./json.js";

// lists returns the claims that are lists, with their items as texts: those in scope and
// aud, then every other array that has no object or array in it. Numbers keep their
// spelling. It takes the values of the claims in JSON, by name.
export function lists(claims) {
  const names = new Set(["scope", "aud", ...claims.keys()]);
  names.delete("_sd"); // digests (RFC 9901 §4.2.4.1), which nobody reads
  return [...names].map((name) => ({ name, items: claims.has(name) ? items(name, claims.get(name)) : [] })).filter((list) => list.items.length > 0);
}

function items(name, json) {
  if (json.startsWith("[")) {
    return scalars(json).map(text);
  }
  if (!json.startsWith('"')) {
    return [];
  }
  switch (name) {
    case "scope": // RFC 6749 §3.3
      return JSON.parse(json).split(" ").filter((item) => item !== "").map(visible);
    case "aud": // RFC 7519 §4.1.3: an array of one may be a string
      return [text(json)];
    default:
      return [];
  }
}

// scalars returns the elements of a JSON array, or nothing if one of them is an object or
// an array.
function scalars(json) {
  const { pieces } = read(json);
  const isNested = pieces.some(({ kind, text }, i) => kind === "mark" && /[[{]/.test(i === 0 ? text.slice(1) : text));
  return isNested ? [] : pieces.filter(({ kind }) => kind !== "mark").map((piece) => piece.text);
}

// text returns the text of a JSON string. Anything else, and what would look like nothing
// or like half a character, stays JSON.
function text(json) {
  const value = json.startsWith('"') ? JSON.parse(json) : json;
  return visible(value.trim() === "" || !value.isWellFormed() ? json : value);
}
