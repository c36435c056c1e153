// Shows what a name means, in a tooltip below it: while the pointer or the focus is on the
// name, or after a tap. Escape closes it (WCAG 2.2, 1.4.13).

import { element, setText } from "./dom.js";

const tooltip = element("meaning");

// A pause in milliseconds in which the pointer can reach the tooltip, or another name.
const pause = 200;

const meaningOf = new WeakMap(); // by name
let shown = null; // the name whose meaning is shown
let timer;

// explain gives a name a meaning.
export function explain(name, meaning) {
  meaningOf.set(name, meaning);
  name.classList.add("explained");
  name.setAttribute("role", "button"); // not a <button>, in which no selection can begin
  name.tabIndex = -1;
}

// makeReachable makes the names in target one tab stop. The arrow keys move between them.
export function makeReachable(target) {
  const first = target.querySelector(".explained");
  if (first === null) {
    target.removeAttribute("aria-describedby");
  } else {
    first.tabIndex = 0;
    target.setAttribute("aria-describedby", "meanings-hint");
  }
}

function show(name) {
  hideMeaning();
  shown = name;
  const { words, source } = meaningOf.get(name);
  setText(element("meaning-words"), words);
  setText(element("meaning-source"), source);
  name.setAttribute("aria-describedby", tooltip.id);
  place(name);
}

// place shows the tooltip below the line of name, or above it if the window ends there.
function place(name) {
  const part = name.closest(".part");
  part.append(tooltip);
  tooltip.hidden = false;
  const { top, bottom } = name.getBoundingClientRect();
  const height = tooltip.offsetHeight;
  const isAbove = bottom + height > innerHeight && top >= height;
  tooltip.style.top = `${(isAbove ? top - height : bottom) - part.getBoundingClientRect().top}px`;
}

// hideMeaning closes the tooltip.
export function hideMeaning() {
  clearTimeout(timer);
  tooltip.hidden = true;
  shown?.removeAttribute("aria-describedby");
  shown = null;
}

function hideSoon() {
  clearTimeout(timer);
  timer = setTimeout(() => shown !== document.activeElement && hideMeaning(), pause);
}

const nameAt = (target) => target.closest(".explained");

function pointerMoved({ target, pointerType, buttons }) {
  const name = nameAt(target);
  if (pointerType === "touch" || buttons !== 0) {
    return; // a tap is a click, and a tooltip would be in the way of a selection
  }
  if (name === null && !tooltip.contains(target)) {
    hideSoon();
    return;
  }
  clearTimeout(timer);
  if (name !== null && name !== shown) {
    show(name);
  }
}

function keyPressed(event) {
  if (event.altKey || event.ctrlKey || event.metaKey) {
    return; // Alt and an arrow key leave the page
  }
  const name = nameAt(event.target);
  const next = name && neighbor(name, event.key);
  if (next) {
    next.focus();
  } else if (name && (event.key === "Enter" || event.key === " ")) {
    show(name);
  } else {
    return;
  }
  event.preventDefault();
}

// neighbor returns the name to which a key leads from name.
function neighbor(name, key) {
  const names = [...name.parentElement.querySelectorAll(".explained")];
  const i = names.indexOf(name);
  switch (key) {
    case "ArrowDown":
    case "ArrowRight":
      return names[i + 1];
    case "ArrowUp":
    case "ArrowLeft":
      return names[i - 1];
    case "Home":
      return names[0];
    case "End":
      return names.at(-1);
  }
}

function focused({ target }) {
  const name = nameAt(target);
  if (name === null) {
    return;
  }
  name.parentElement.querySelector('.explained[tabindex="0"]').tabIndex = -1;
  name.tabIndex = 0;
  if (name.matches(":focus-visible")) {
    show(name);
  }
}

// pressed keeps the mouse from moving the focus to a name: Chromium would select nothing if
// the user drags from there.
function pressed({ target }) {
  const name = nameAt(target);
  if (name !== null) {
    const { tabIndex } = name;
    name.removeAttribute("tabindex");
    setTimeout(() => (name.tabIndex = tabIndex));
  }
}

function clicked({ target }) {
  const name = nameAt(target);
  if (name !== null && getSelection().isCollapsed) {
    show(name);
  }
}

const decoded = element("decoded");
decoded.addEventListener("pointerover", pointerMoved);
decoded.addEventListener("pointerleave", ({ pointerType }) => pointerType !== "touch" && hideSoon());
decoded.addEventListener("focusin", focused);
// Without a relatedTarget, the press of a pointer took the focus, or another window did.
decoded.addEventListener("focusout", ({ relatedTarget }) => relatedTarget !== null && hideMeaning());
decoded.addEventListener("mousedown", pressed);
decoded.addEventListener("click", clicked);
decoded.addEventListener("keydown", keyPressed);
document.addEventListener("pointerdown", ({ target }) => tooltip.contains(target) || hideMeaning());
document.addEventListener("keydown", ({ key }) => key === "Escape" && hideMeaning());
