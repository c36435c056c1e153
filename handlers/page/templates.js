// Inserts members into a JSON object that is edited as text. Everything else stays as it is
// spelled.

import { read } from "./json.js";

// insert adds a member with a value, a JSON text, to the end of the object in text, or to
// a new object if text is blank. It changes nothing if the object has a member of that
// name. It returns the text, with start and end of the member's value there, inside the
// quotes if that is a string; or null if text is not a JSON object.
export function insert(text, name, value) {
  if (text.trim() === "") {
    return added("{\n  ", name, value, "\n}");
  }
  const { fault, type, members } = read(text);
  if (fault !== null || type !== "object") {
    return null;
  }
  if (members.has(name)) {
    return { text, ...inside(members.get(name), valueAt(text, name)) };
  }
  const before = text.trimEnd().slice(0, -1).trimEnd();
  return added(before + (members.size === 0 ? "" : `,${gap(before)}`), name, value, text.slice(before.length));
}

function added(before, name, value, after) {
  const head = `${before}${JSON.stringify(name)}: `;
  return { text: head + value + after, ...inside(value, head.length) };
}

// gap returns the white space before the first member if that begins a line, or else a
// space.
function gap(object) {
  const space = /\{(\s*)/.exec(object)[1];
  return space.includes("\n") ? space : " ";
}

function inside(value, at) {
  const quote = value.startsWith('"') ? 1 : 0;
  return { start: at + quote, end: at + value.length - quote };
}

// valueAt returns where in text, a JSON object, the value of a member begins.
function valueAt(text, name) {
  let depth = 0;
  for (const { 0: piece, index, groups } of text.matchAll(/(?<open>[{[])|[}\]]|(?<string>"[^"\\]*(?:\\.[^"\\]*)*")(?<colon>\s*:\s*)?/g)) {
    if (groups.string === undefined) {
      depth += groups.open === undefined ? -1 : 1;
    } else if (depth === 1 && groups.colon !== undefined && JSON.parse(groups.string) === name) {
      return index + piece.length;
    }
  }
}
