// Says in a few words what a minted token is for.

import { read, visible } from "./json.js";
import { setByService } from "./remint.js";
import { decode } from "./token.js";

const maxCharacters = 60;

// label returns the subject of a token that this service has minted, or else its data, or
// else its claims, on one line.
export function label(token) {
  const { members } = decode(token).claims;
  if (members.has("sub")) {
    return `sub: ${text(members.get("sub"))}`;
  }
  if (members.has("payload")) {
    return text(read(members.get("payload")).members.get("data")) || "empty text";
  }
  const others = [...members].filter(([name]) => !setByService.includes(name));
  return others.map(([name, value]) => `${name}: ${text(value)}`).join(", ") || "no data";
}

// text returns a JSON text, or what it is if it is a string: as one line, or the beginning
// of one.
function text(json) {
  const value = (json.startsWith('"') ? JSON.parse(json) : json).trim();
  const characters = [...visible(value.slice(0, 4 * maxCharacters)).replace(/\s+/g, " ")];
  return characters.length > maxCharacters ? `${characters.slice(0, maxCharacters).join("")}…` : characters.join("");
}
