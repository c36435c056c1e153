// Finds the token in pasted text, and says what is around it.

import { find, maxFound } from "./find.js";

// What may be in front of a token, and the characters that may be behind it.
const wrappings = [
  { what: "white space", start: /^\s+/, end: /\s/ },
  { what: "quotes", start: /^["'`\u2018-\u201f]+/, end: /["'`\u2018-\u201f]/ },
  { what: "“Authorization:”", start: /^authorization:/i },
  { what: "“Bearer”", start: /^bearer\s+/i },
  { what: "dots", start: /^\.+/ },
];

// maxLayers bounds how many times the wrappings are looked for: each time takes time in
// proportion to the text, and people paste a few layers.
const maxLayers = 8;

// unwrap finds the token in pasted text that has little else: it extends from start to
// end, and removed lists what is around it.
function unwrap(text) {
  let start = 0;
  let end = text.length;
  const removed = new Set();
  for (let layer = 0, before = null; layer < maxLayers && before !== end - start; layer++) {
    before = end - start;
    for (const wrapping of wrappings) {
      const inner = text.slice(start, end);
      const atStart = wrapping.start.exec(inner)?.[0].length ?? 0;
      const atEnd = countAtEnd(inner.slice(atStart), wrapping.end);
      if (atStart + atEnd > 0) {
        removed.add(wrapping.what);
      }
      start += atStart;
      end -= atEnd;
    }
  }
  // The end of a sentence, or of a text that was shortened.
  const dots = /^(?:[\w-]+\.){3}$|(?:\.{2,}|\u2026)$/.test(text.slice(start, end)) ? countAtEnd(text.slice(start, end), /[.\u2026]/) : 0;
  if (dots > 0) {
    removed.add("dots");
    end -= dots;
  }
  return { start, end, token: text.slice(start, end), removed: [...removed] };
}

// countAtEnd returns how many characters at the end of text match a pattern, if there is
// one. A pattern with $ would be tried from each character of text.
function countAtEnd(text, pattern) {
  let count = 0;
  while (pattern?.test(text[text.length - 1 - count] ?? "x")) {
    count++;
  }
  return count;
}

// locate finds the token in pasted text: it extends from start to end, and notes are what
// to say about it. If text has several tokens, choices are these, and token is "".
export function locate(text) {
  const { removed, ...unwrapped } = unwrap(text);
  const found = /^[\w.-]*$/.test(unwrapped.token) ? [] : find(text);
  switch (found.length) {
    case 0:
      if (!/^(?:[\w.-]*$|e[yw])/.test(unwrapped.token)) {
        return { start: 0, end: 0, token: "", choices: [], notes: ["There is no whole token in this text. Tokens begin with eyJ."] };
      }
      return { ...unwrapped, choices: [], notes: removed.length === 0 ? [] : [`Ignored around the token: ${removed.join(", ")}.`] };
    case 1:
      return { ...chosen(found[0]), choices: [] };
    default:
      return { start: 0, end: 0, token: "", choices: found, notes: [`There are ${found.length} tokens${found.length === maxFound ? " or more" : ""}. Choose one to inspect.`] };
  }
}

// chosen returns one of the tokens that were found, with notes.
export function chosen({ where, lines, isSelective, ...place }) {
  const note = ["Found the token", where, lines > 1 ? `on ${lines} lines, which the page joined` : ""].filter((part) => part !== "").join(" ");
  return { ...place, notes: [`${note}.`, ...(isSelective ? ["It is an SD-JWT: the disclosures after it are not shown."] : [])] };
}
