// JSON as text: every literal keeps its spelling. JSON.parse would change
// 12345678901234567890 into 12345678901234567000.

const piecePattern = new RegExp(
  [
    "[ \\t\\n\\r]*(?:",
    "(?<mark>[{}[\\],:])|",
    '(?<string>"[^"\\\\\\u0000-\\u001f]*(?:\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\\\\u0000-\\u001f]*)*")|',
    "(?<number>-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)|",
    "(?<literal>true|false|null)",
    ")",
  ].join(""),
  "y",
);

const whiteSpace = /[ \t\n\r]*/y;

// Deeper levels get no more indentation: it would be far longer than the text
// itself.
const maxIndent = 24;

// read parses text as JSON (RFC 8259), as far as possible. It returns
//   pieces   the text, formatted for people: {kind, text}, in order
//   type     "object", "array", "string", "number", "boolean" or "null"
//   members  the literals of the outermost object's scalar members, by name
//   fault    a description of the first error, or null
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
    this.fault = null;
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
      this.begin(mark === "{" ? "object" : "array");
      this.put("mark", mark);
      this.open.push({ mark, names: new Set(), name: null });
      this.expected = mark === "{" ? "name" : "value";
      this.justOpened = true;
      return true;
    }
    if (string !== undefined) {
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
    if (this.open.length === 1 && this.open[0].mark === "{") {
      this.members.set(this.open[0].name, literal);
    }
    this.afterValue();
  }

  name(string) {
    const object = this.innermost();
    object.name = JSON.parse(string);
    if (object.names.has(object.name)) {
      this.fault ??= `the member ${visible(string)} occurs twice in one object`;
    }
    object.names.add(object.name);
    this.newLine();
    this.put("name", string);
    this.justOpened = false;
    this.expected = "colon";
    return true;
  }

  separate(mark) {
    if (this.expected !== (mark === "," ? "comma" : "colon")) {
      return false;
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
    this.open.pop();
    if (!this.justOpened) {
      this.newLine();
    }
    this.justOpened = false;
    this.put("mark", mark);
    this.afterValue();
    return true;
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
    whiteSpace.lastIndex = this.at;
    whiteSpace.exec(this.text);
    const rest = this.text.slice(whiteSpace.lastIndex);
    if (rest === "" && this.expected === "end") {
      return;
    }
    const cut = rest === "" || /^"[^"]*$/.test(rest);
    this.fault ??= cut ? "it ends too early" : `syntax error at ${place(this.text, whiteSpace.lastIndex)}`;
    if (rest !== "") {
      this.put("rest", rest);
    }
  }
}

function place(text, at) {
  const lines = text.slice(0, at).split("\n");
  const column = [...lines[lines.length - 1]].length + 1;
  return lines.length === 1 ? `character ${column}` : `line ${lines.length}, character ${column}`;
}

// Control characters, invisible ones, and those that reorder the text around
// them.
const invisible = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

// visible replaces these characters with JSON escapes, so that nothing in the
// text is hidden. The value of a JSON string stays the same.
export function visible(text) {
  return text.replace(invisible, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}
