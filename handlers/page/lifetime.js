// The field Lifetime, and the buttons that fill it.

import { element } from "./dom.js";
import { restart } from "./undo.js";

const field = element("lifetime");
const unit = element("unit");
const buttons = document.querySelectorAll("[data-lifetime]");

// readLifetime returns the seconds to send, "" if the field is empty, or null if it is not
// a whole number; with a hint.
export function readLifetime() {
  const text = field.value.trim();
  if (text === "") {
    return { json: "", hint: "Empty: no expires_in is sent, and the token does not expire." };
  }
  if (!/^[0-9]+$/.test(text)) {
    return { json: null, hint: "Enter a whole number." };
  }
  const seconds = Number(text) * Number(unit.value);
  return { json: String(seconds), hint: `Sent as expires_in, in seconds: ${seconds}.` };
}

// showPressed marks the button for the lifetime that is in the field.
function showPressed() {
  const { json } = readLifetime();
  buttons.forEach((button) => button.setAttribute("aria-pressed", String(json === seconds(button.dataset))));
}

const seconds = ({ lifetime, unit }) => (lifetime === "" ? "" : String(lifetime * unit));

function fill({ currentTarget }) {
  field.value = currentTarget.dataset.lifetime;
  unit.value = currentTarget.dataset.unit;
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  restart(field); // its number belongs to the unit, which undo would not restore
}

for (const button of buttons) {
  button.addEventListener("click", fill);
}
for (const part of [field, unit]) {
  part.addEventListener("input", showPressed);
}
showPressed();
