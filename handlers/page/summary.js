// The summary of a token's claims: its times in words, and its lists item by item.

import { everySecond } from "./clock.js";
import { element, setText, span } from "./dom.js";
import { visible } from "./json.js";
import { lists } from "./lists.js";
import { describe, mistake, timeClaims } from "./time.js";

// More lists, items and characters than these are only counted.
const maxLists = 20;
const maxItems = 50;
const maxCharacters = 200;

let ticking = []; // the words that change as time passes: {target, claim, literal}

// showSummary shows the claims that people look for, given the values of all claims in
// JSON, by name.
export function showSummary(claims) {
  ticking = [];
  const times = timeClaims.filter((claim) => claims.has(claim)).map((claim) => timeRow(claim, claims.get(claim)));
  const rows = [...times, ...listRows(lists(claims))];
  element("summary").hidden = rows.length === 0;
  element("summary").replaceChildren(...rows.flat());
}

function row(name, ...content) {
  const term = document.createElement("dt");
  term.className = "code";
  term.textContent = shortened(visible(name));
  const description = document.createElement("dd");
  description.append(...content);
  return [term, description];
}

function timeRow(claim, literal) {
  const doubt = mistake(claim, literal);
  if (doubt !== "") {
    return row(claim, span("words", doubt));
  }
  const { words, local, utc } = describe(claim, literal, Date.now() / 1000);
  const target = span("words", words);
  ticking.push({ target, claim, literal });
  return row(claim, target, ...(utc === null ? [] : [" ", span("moment", local), " ", span("moment code", utc)]));
}

function listRows(found) {
  const rows = found.slice(0, maxLists).map(({ name, items }) => row(name, itemList(items)));
  return found.length > maxLists ? [...rows, row("…", `${found.length - maxLists} more lists`)] : rows;
}

function itemList(items) {
  const list = document.createElement("ul");
  list.className = "items";
  list.append(...items.slice(0, maxItems).map((item) => listItem("code item", shortened(item))));
  if (items.length > maxItems) {
    list.append(listItem("", `and ${items.length - maxItems} more`));
  }
  return list;
}

function listItem(className, text) {
  const item = document.createElement("li");
  item.className = className;
  item.textContent = text;
  return item;
}

function shortened(text) {
  const start = new RegExp(`^[^]{0,${maxCharacters}}`, "u").exec(text)[0];
  return start === text ? text : `${start}…`;
}

everySecond((now) => {
  ticking.forEach(({ target, claim, literal }) => setText(target, describe(claim, literal, now).words));
});
