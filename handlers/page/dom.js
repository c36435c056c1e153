// What all parts of the page share to show things. Text becomes text, never markup.

export const element = (id) => document.getElementById(id);

// setText does not touch an element that already has the text: a screen reader
// would announce it again.
export function setText(target, text) {
  if (target.textContent !== text) {
    target.textContent = text;
  }
}

// showIf shows text in target, or hides target if text is empty.
export function showIf(target, text) {
  target.hidden = text === "";
  setText(target, text);
}

// showStatus shows how an action went.
export function showStatus(target, text, failed) {
  target.classList.toggle("failed", failed);
  setText(target, text);
}

export function span(className, text) {
  const part = document.createElement("span");
  part.className = className;
  part.textContent = text;
  return part;
}

// button returns a button that calls onClick.
export function button(text, onClick) {
  const result = document.createElement("button");
  result.type = "button";
  result.textContent = text;
  result.addEventListener("click", onClick);
  return result;
}

// colored returns the parts of a token and the dots between them as elements.
export function colored(token) {
  const [header, claims, ...rest] = token.split(".");
  const parts = [span("header", header)];
  if (claims !== undefined) {
    parts.push(span("dot", "."), span("claims", claims));
  }
  if (rest.length > 0) {
    parts.push(span("dot", "."), span("signature", rest.join(".")));
  }
  return parts;
}

export function submitOnControlEnter(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.currentTarget.form.requestSubmit();
  }
}
