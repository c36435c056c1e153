// JSON as text. Nothing here goes through JSON.parse and back, which would
// change 12345678901234567890 into 12345678901234567000: every literal stays
// as it is spelled.

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

// Deeper levels are not indented any further: the white space would outgrow
// the text by far.
const maxIndent = 24;

// read takes text apart as JSON (RFC 8259), as far as it goes. It returns
//   pieces   the text laid out for reading: {kind, text}, in order
//   type     "object", "array", "string", "number", "boolean" or "null"
//   members  the literals of the outermost object's scalar members, by name
//   fault    what is wrong, in words, or null
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
    this.open = []; // the objects and arrays around the place, innermost last
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

  // accept takes the next piece, or returns false where it cannot stand here.
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
      this.fault ??= `the member ${visible(string)} stands twice in one object`;
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

  // stop ends the reading: at the end of the text, or at what is no JSON,
  // which is shown as it stands.
  stop() {
    this.done = true;
    whiteSpace.lastIndex = this.at;
    whiteSpace.exec(this.text);
    const rest = this.text.slice(whiteSpace.lastIndex);
    if (rest === "" && this.expected === "end") {
      return;
    }
    const cut = rest === "" || /^"[^"]*$/.test(rest);
    this.fault ??= cut ? "it ends too early" : `it is not JSON from ${place(this.text, whiteSpace.lastIndex)} on`;
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

// Control characters, and those that reorder or hide what stands beside them.
const invisible = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

// visible spells such characters as JSON escapes, so that what one sees is
// what is there. In a JSON string it stands for the same value.
export function visible(text) {
  return text.replace(invisible, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}
