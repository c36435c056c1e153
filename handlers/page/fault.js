// Says what is wrong with a text that is not JSON (RFC 8259), in a few words.

// diagnose returns what is wrong where a reader of text stopped, and at which offset: at
// is the end of the last piece that it read, expected what the grammar demands next, and
// open lists the objects and arrays around that, innermost last.
export function diagnose({ text, at: end, expected, open }) {
  const at = end + /^[ \t\n\r]*/.exec(text.slice(end))[0].length;
  const rest = text.slice(at);
  const container = open.at(-1);
  if (rest === "") {
    return { at, what: `${begun(text, container)} has no closing ${closing[container.mark]}` };
  }
  if (rest[0] === '"' && (expected === "name" || expected === "value")) {
    return inString(text, at);
  }
  if (/^[}\]]/.test(rest) && text[end - 1] === ",") {
    return { at: end - 1, what: `a comma before ${rest[0]}` };
  }
  if (/^[}\]]/.test(rest) && container !== undefined && rest[0] !== closing[container.mark]) {
    return { at, what: `${rest[0]} instead of ${closing[container.mark]} for ${begun(text, container)}` };
  }
  return { at, what: say(unexpected[expected], rest) };
}

// A table has a pattern in each row, and a function that puts what it matches into words.
// The first row that matches counts.
function say(table, text) {
  const [pattern, words] = table.find(([pattern]) => pattern.test(text));
  return words(clip(pattern.exec(text)[0]));
}

const word = /^[\p{L}\p{N}_$.+-]+/u;
const piece = /^(?:"[^"\n]*"?|[\p{L}\p{N}_$.+-]+|.)/su;

const comment = [/^(?:\/[/*]|#)/, () => "a comment, which JSON does not have"];
const invisible = [/^[\p{Z}\p{C}]/u, (c) => (c === "\ufeff" ? "a byte order mark" : `the character ${codePoint(c)}`)];
const quote = [/^['`\u2018-\u201f]/, (c) => `the quote ${c} instead of "`];
const missing = (what) => [piece, (next) => `${what} is missing before ${next}`];

// What is found in place of what the grammar expects.
const unexpected = {
  name: [comment, invisible, quote, [word, (name) => `the name ${name} needs quotes`], missing("a name")],
  colon: [comment, invisible, missing("a colon")],
  value: [comment, invisible, quote, [word, (text) => say(notValues, text)], missing("a value")],
  comma: [comment, invisible, quote, [/^[^"{[\p{L}\p{N}_$.+-]/u, (c) => `an unexpected ${c}`], missing("a comma")],
  end: [comment, [piece, () => "text after the end"]],
};

// Words and numbers that other languages have.
const notValues = [
  [/^(?:true|false|null)$/i, (text) => `${text} instead of ${text.toLowerCase()}`],
  [/^(?:none|nil|undefined)$/i, (text) => `${text} instead of null`],
  [/^[+-]?(?:nan|inf|infinity)$/i, (text) => `${text}, which JSON does not have`],
  [/^[+-]?0[box].*/i, (text) => `${text} is not decimal`],
  [/^\+\.?\d.*/, (text) => `${text} has a + in front`],
  [/^-?0\d+.*/, (text) => `${text} has a 0 in front`],
  [/^-?\.\d.*/, (text) => `${text} has no digit before the point`],
  [/^-?\d+\.(?:$|e).*/i, (text) => `${text} has no digit after the point`],
  [/^[-+.\d].*/, (text) => `${text} is not a number, and text needs quotes`],
  [/^.*/, (text) => `${text} needs quotes`],
];

const names = { "{": "object", "[": "array" };
const closing = { "{": "}", "[": "]" };

function begun(text, { mark, at }) {
  return `the ${names[mark]} that begins on line ${lineOf(text, at)}`;
}

const goodPart = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*/y;

// inString returns the first fault in the string that begins at start.
function inString(text, start) {
  goodPart.lastIndex = start;
  goodPart.exec(text);
  const at = goodPart.lastIndex;
  const rest = text.slice(at, at + 2);
  return { at, what: rest === "" || rest === "\\" ? `the string that begins on line ${lineOf(text, start)} has no closing "` : say(notInStrings, rest) };
}

const notInStrings = [
  [/^[\n\r]/, () => 'a line break in a string: write \\n, or end the string with "'],
  [/^\t/, () => "a tab in a string: write \\t"],
  [/^[^\\]/, (c) => `the control character ${codePoint(c)} in a string`],
  [/^\\u/, (escape) => `${escape} without four hexadecimal digits`],
  [/^\\./s, (escape) => `${escape} is not an escape: a backslash is \\\\`],
];

function codePoint(character) {
  return `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

// clip returns a text that may be long, or its beginning.
export function clip(text) {
  const [beginning] = /^.{0,24}/su.exec(text);
  return beginning === text ? text : `${beginning}…`;
}

function lineOf(text, at) {
  return text.slice(0, at).split("\n").length;
}

// place returns the line and the character at an offset in text, both counted from 1.
export function place(text, at) {
  const line = text.slice(text.lastIndexOf("\n", at - 1) + 1, at);
  return `line ${lineOf(text, at)}, character ${[...line].length + 1}`;
}
