// Undo and redo in the text fields of the page, for each field alone.
//
// The browser's own undo takes back edits of other fields once those of this one are used
// up, and loses its way when a script sets a field. So the page never lets it run.

import { History } from "./history.js";

const histories = new WeakMap();
let composing = false; // whether an input method is at work

// historyOf returns the history of a field. It begins with the text that the field has in
// a new or cleared form.
function historyOf(field) {
  if (!histories.has(field)) {
    histories.set(field, new History({ text: field.defaultValue, start: 0, end: 0 }));
  }
  return histories.get(field);
}

const stateOf = ({ value, selectionStart, selectionEnd }) => ({ text: value, start: selectionStart, end: selectionEnd });

// hasHistory reports whether target is a field with a history. The credential has none:
// the page forgets it.
const hasHistory = (target) => typeof target?.selectionStart === "number" && !target.readOnly && target.id !== "credential";

// setValue sets the text of a field, which the user can undo. Like setting its value, it
// dispatches no event.
export function setValue(field, text) {
  record(field, "set"); // if it was set otherwise
  field.value = text;
  record(field, "set");
}

// restart begins a new history of a field.
export function restart(field) {
  histories.set(field, new History(stateOf(field)));
}

function record(field, kind) {
  historyOf(field).record(stateOf(field), kind);
}

// restore undoes or redoes a step in a field.
function restore(field, inputType) {
  const history = historyOf(field);
  const state = inputType === "historyUndo" ? history.undo(stateOf(field)) : history.redo(stateOf(field));
  if (state !== undefined) {
    field.value = state.text;
    field.setSelectionRange(state.start, state.end);
    field.dispatchEvent(new InputEvent("input", { bubbles: true, inputType }));
  }
}

// shortcut returns what the keys pressed ask for, or "".
function shortcut({ key, ctrlKey, metaKey, shiftKey, altKey }) {
  if (ctrlKey === metaKey || altKey) {
    return ""; // AltGr is Ctrl and Alt
  }
  switch (key.toLowerCase()) {
    case "z":
      return shiftKey ? "historyRedo" : "historyUndo";
    case "y":
      return ctrlKey && !shiftKey ? "historyRedo" : "";
    default:
      return "";
  }
}

// The browser sends no beforeinput for a shortcut if its own history is empty.
function keyPressed(event) {
  const inputType = shortcut(event);
  if (inputType !== "" && !composing && hasHistory(event.target)) {
    event.preventDefault();
    restore(event.target, inputType);
  }
}

// The browser's menu sends historyUndo to the field that it would change, which need not
// be the one in use.
function inputComes(event) {
  if (["historyUndo", "historyRedo"].includes(event.inputType)) {
    event.preventDefault();
    if (!composing && hasHistory(document.activeElement)) {
      restore(document.activeElement, event.inputType);
    }
  } else if (!composing && hasHistory(event.target)) {
    historyOf(event.target).expect(stateOf(event.target), event.inputType);
  }
}

function inputCame(event) {
  if (!composing && hasHistory(event.target)) {
    record(event.target, event.inputType);
  }
}

// What an input method composes is one step, whatever the field shows in between.
function compositionStarts({ target }) {
  composing = true;
  if (hasHistory(target)) {
    historyOf(target).expect(stateOf(target), "composition");
  }
}

function compositionEnds({ target }) {
  composing = false;
  if (hasHistory(target)) {
    record(target, "composition");
  }
}

function forget(event) {
  [...event.target.elements].forEach((field) => histories.delete(field));
}

// In the capturing phase, before the page's own listeners, which may set fields.
document.addEventListener("keydown", keyPressed, true);
document.addEventListener("beforeinput", inputComes, true);
document.addEventListener("input", inputCame, true);
document.addEventListener("compositionstart", compositionStarts, true);
document.addEventListener("compositionend", compositionEnds, true);
document.addEventListener("reset", forget, true);
