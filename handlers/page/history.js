// The undo history of a field.

// A history holds at most this many texts, with at most this many characters in all.
const maxTexts = 1000;
const maxCharacters = 4 << 20;

// Edits of these kinds form one step if each begins where the one before has ended.
const continuous = ["insertText", "deleteContentBackward", "deleteContentForward"];

// History holds the states of a field: its text, with the start and end of the selection.
export class History {
  #past = []; // the oldest first
  #present;
  #future = []; // the nearest last
  #kind = ""; // of the edit that led to the present
  #continues = false; // whether the next edit belongs to the same step

  constructor(state) {
    this.#present = state;
  }

  // expect prepares for an edit of the given kind.
  expect(state, kind) {
    this.record(state, "set"); // if a script has set the field
    const { start, end } = this.#present;
    this.#continues = kind === this.#kind && continuous.includes(kind) && state.start === start && state.end === end;
    this.#present = state;
  }

  // record makes state the present, after an edit of the given kind. It does nothing if
  // the text is the same.
  record(state, kind) {
    if (state.text !== this.#present.text) {
      if (!this.#continues || kind !== this.#kind || (kind === "insertText" && beginsWord(state))) {
        this.#past = newest([...this.#past, this.#present]);
      }
      this.#present = state;
      this.#future = [];
      this.#kind = kind;
    }
    this.#continues = false;
  }

  // undo returns the state to go back to, or undefined if there is none.
  undo(state) {
    this.record(state, "set");
    return this.#move(this.#past, this.#future);
  }

  // redo returns the state to go forward to, or undefined if there is none.
  redo(state) {
    this.record(state, "set");
    return this.#move(this.#future, this.#past);
  }

  #move(from, to) {
    if (from.length === 0) {
      return undefined;
    }
    to.push(this.#present);
    this.#present = from.pop();
    this.#kind = "";
    return this.#present;
  }
}

// beginsWord reports whether the character before the caret is the first of a word.
const beginsWord = ({ text, start }) => /\s\S$/.test(text.slice(Math.max(start - 2, 0), start));

// newest returns the last states, as many as a history may hold.
function newest(states) {
  let first = states.length;
  for (let room = maxCharacters; first > 0 && states.length - first < maxTexts; first--) {
    room -= states[first - 1].text.length;
    if (room < 0) {
      break;
    }
  }
  return states.slice(first);
}
