// JSON as text: every literal keeps its spelling. JSON.parse would change
// 12345678901234567890 into 12345678901234567000.

import { clip, diagnose, place } from "./fault.js";

const piecePattern = new RegExp(
  [
    "[ \\t\\n\\r]*(?:",
    "(?<mark>[{}[\\],:])|",
    '(?<string>"[^"\\\\\\u0000-\\u001f]*(?:\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\\\\u0000-\\u001f]*)*")|',
    "(?<number>-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\\w.+-]))|",
    "(?<literal>true|false|null)(?![\\w.+-])",
    ")",
  ].join(""),
  "y",
);

// Deeper levels get no more indentation: it would be far longer than the text
// itself.
const maxIndent = 24;

// The service reads no deeper, and neither do many others.
const maxDepth = 10_000;

// read parses text as JSON (RFC 8259), as far as possible. It returns
//   pieces   the text, formatted for people: {kind, text}, in order, with the depth of
//            names: 1 in the outermost object
//   type     "object", "array", "string", "number", "boolean" or "null"
//   members  the values of the outermost object's members as they are in text, by name
//   fault    what is wrong first, with its line and character, or null
//   faultAt  its offset in text
export function read(text) {
  const reader = new Reader(text);
  while (!reader.done) {
    reader.step();
  }
  return reader;
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.done = false;
    this.pieces = [];
    this.type = null;
    this.members = new Map();
    this.valueAt = 0; // where the value of the last outermost member begins
    this.fault = null;
    this.faultAt = text.length;
    this.open = []; // the enclosing objects and arrays, innermost last
    this.expected = "value"; // or "name", "colon", "comma", "end"
    this.justOpened = false;
  }

  step() {
    piecePattern.lastIndex = this.at;
    const found = piecePattern.exec(this.text);
    const accepted = found && this.accept(found.groups);
    if (accepted) {
      this.at = piecePattern.lastIndex;
      return;
    }
    this.stop();
  }

  // accept consumes a piece. It returns false if the grammar does not allow the
  // piece here.
  accept({ mark, string, number, literal }) {
    if (mark === "}" || mark === "]") {
      return this.close(mark);
    }
    if (mark === "," || mark === ":") {
      return this.separate(mark);
    }
    if (this.expected === "name") {
      return string !== undefined && this.name(string);
    }
    if (this.expected !== "value") {
      return false;
    }
    if (mark !== undefined) {
      if (this.open.length === maxDepth) {
        this.fail("it nests deeper than 10,000 levels", piecePattern.lastIndex - 1);
        return false;
      }
      this.begin(mark === "{" ? "object" : "array");
      this.put("mark", mark);
      this.open.push({ mark, at: piecePattern.lastIndex - 1, names: new Set(), name: null });
      this.expected = mark === "{" ? "name" : "value";
      this.justOpened = true;
      return true;
    }
    if (string !== undefined) {
      this.checkCharacters(string);
      this.scalar("string", "string", string);
    } else if (number !== undefined) {
      this.scalar("number", "number", number);
    } else {
      this.scalar(literal === "null" ? "null" : "boolean", "literal", literal);
    }
    return true;
  }

  begin(type) {
    this.type ??= type;
    if (this.innermost()?.mark === "[") {
      this.newLine();
    }
    this.justOpened = false;
  }

  scalar(type, kind, literal) {
    this.begin(type);
    this.put(kind, literal);
    this.afterValue();
  }

  // checkCharacters finds an escape that is half a character, which the service refuses
  // (RFC 7493 §2.1).
  checkCharacters(string) {
    const at = string.includes("\\u") ? loneSurrogate(string) : -1;
    if (at >= 0) {
      this.fail(`${string.slice(at, at + 6)} is a lone surrogate, half a character`, piecePattern.lastIndex - string.length + at);
    }
  }

  // fail keeps the first fault, at an offset in text. The reader goes on.
  fail(what, at) {
    if (this.fault === null) {
      this.fault = visible(`${what} (${place(this.text, at)})`);
      this.faultAt = at;
    }
  }

  name(string) {
    const object = this.innermost();
    object.name = JSON.parse(string);
    this.checkCharacters(string);
    if (object.names.has(object.name)) {
      this.fail(`the member ${clip(string)} occurs twice in one object`, piecePattern.lastIndex - string.length);
    }
    object.names.add(object.name);
    this.newLine();
    this.pieces.push({ kind: "name", text: string, depth: this.open.length });
    this.justOpened = false;
    this.expected = "colon";
    return true;
  }

  separate(mark) {
    if (this.expected !== (mark === "," ? "comma" : "colon")) {
      return false;
    }
    if (mark === ":" && this.open.length === 1) {
      this.valueAt = piecePattern.lastIndex;
    } else {
      this.addMember();
    }
    this.put("mark", mark === "," ? "," : ": ");
    this.expected = mark === "," && this.innermost().mark === "{" ? "name" : "value";
    return true;
  }

  close(mark) {
    const opening = mark === "}" ? "{" : "[";
    if (this.innermost()?.mark !== opening || !(this.justOpened || this.expected === "comma")) {
      return false;
    }
    if (!this.justOpened) {
      this.addMember();
    }
    this.open.pop();
    if (!this.justOpened) {
      this.newLine();
    }
    this.justOpened = false;
    this.put("mark", mark);
    this.afterValue();
    return true;
  }

  // addMember adds the outermost object's member that ends before the mark just read: until
  // then, its value may be cut short.
  addMember() {
    if (this.open.length === 1 && this.open[0].mark === "{") {
      this.members.set(this.open[0].name, this.text.slice(this.valueAt, piecePattern.lastIndex - 1).trim());
    }
  }

  afterValue() {
    this.expected = this.open.length > 0 ? "comma" : "end";
  }

  innermost() {
    return this.open[this.open.length - 1];
  }

  newLine() {
    this.put("mark", "\n" + "  ".repeat(Math.min(this.open.length, maxIndent)));
  }

  put(kind, text) {
    const last = this.pieces[this.pieces.length - 1];
    if (last?.kind === kind) {
      last.text += text;
    } else {
      this.pieces.push({ kind, text });
    }
  }

  // stop ends the parse, at the end of the text or at a syntax error. It keeps the
  // rest of the text as one piece, unchanged.
  stop() {
    this.done = true;
    const rest = this.text.slice(this.at).replace(/^[ \t\n\r]+/, "");
    if (rest === "" && this.expected === "end") {
      return;
    }
    if (rest === "" && this.type === null) {
      this.fault = "it is empty";
      return;
    }
    const { what, at } = diagnose(this);
    this.fail(what, at);
    if (rest !== "") {
      this.put("rest", rest);
    }
  }
}

// loneSurrogate returns the offset of the first escape in a JSON string that is a
// surrogate without its other half, or -1.
function loneSurrogate(string) {
  for (const { index, groups } of string.matchAll(/\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(?<lone>\\u[dD][89a-fA-F]..)|\\./g)) {
    if (groups.lone !== undefined) {
      return index;
    }
  }
  return -1;
}

// Control characters, invisible ones, and those that reorder the text around them. In emoji
// and in scripts such as Arabic, U+FE0F and joiners are a part of the spelling.
const invisible = /(?![\t\n\ufe0f]|(?<=[^\u0000-\u024f\s\p{C}])[\u200c\u200d](?=[^\u0000-\u024f\s\p{C}]))[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

// visible replaces these characters with JSON escapes, so that nothing in the
// text is hidden. The value of a JSON string stays the same.
export function visible(text) {
  return text.replace(invisible, (character) => character.split("").map(escaped).join(""));
}

const escaped = (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0");
