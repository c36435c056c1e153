// Buttons that copy.

import { element, setText, showIf } from "./dom.js";

// copy copies text. If the clipboard is out of reach, it shows the text in source, and
// selects it.
export async function copy(button, text, source) {
  try {
    await navigator.clipboard.writeText(text);
    flash(button, "Copied");
  } catch {
    // A page that came over plain HTTP from another machine has no access to the
    // clipboard, and the user may have denied it.
    showIf(source, text);
    getSelection().selectAllChildren(source);
    flash(button, "Selected: copy it now");
  }
}

function flash(button, text) {
  button.dataset.label ??= button.textContent;
  setText(button, text);
  setText(element("announcement"), text);
  clearTimeout(button.flashing);
  button.flashing = setTimeout(() => {
    setText(button, button.dataset.label);
    setText(element("announcement"), "");
  }, 2000);
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const source = element(button.dataset.copy);
  button.addEventListener("click", () => copy(button, source.textContent, source));
}
