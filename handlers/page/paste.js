// Finds the token in pasted text, and says what is around it.

import { find, maxFound } from "./find.js";

// What may be around a token. The patterns for the end begin with what may not be before it:
// otherwise they would be tried from each character of a run within the text.
const wrappings = [
  { what: "white space", start: /^\s+/, end: /(?<!\s)\s+$/ },
  { what: "quotes", start: /^["'`\u2018-\u201f]+/, end: /(?<!["'`\u2018-\u201f])["'`\u2018-\u201f]+$/ },
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
      const atEnd = wrapping.end?.exec(inner.slice(atStart))?.[0].length ?? 0;
      if (atStart + atEnd > 0) {
        removed.add(wrapping.what);
      }
      start += atStart;
      end -= atEnd;
    }
  }
  const token = withoutDots(text.slice(start, end));
  if (token.length < end - start) {
    removed.add("dots");
    end = start + token.length;
  }
  return { start, end, token, removed: [...removed] };
}

// withoutDots removes the dots that end a sentence, or that replace the rest of a token. The
// first two are the token's own.
const withoutDots = (text) => (/^[\w-]+\.(?:[\w-]+\.)?$/.test(text) ? text : text.replace(/(?<![.\u2026])[.\u2026]+$/, ""));

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
