// The verdict on the token shown, in two parts: its signature and its times.

import { everySecond } from "./clock.js";
import { element, setText, showIf } from "./dom.js";
import { validity } from "./validity.js";

const marks = { unchecked: "?", verified: "✓", rejected: "✕", uncheckable: "–" };

const signatureStates = {
  unchecked: "Signature not checked",
  verified: "Signature matches",
  rejected: "Signature does not match",
  uncheckable: "Signature cannot be checked here",
};

// showSignature shows one of these states and the reason for it. A request that fails is
// not a verdict: the state stays unchecked.
export function showSignature(state, reason) {
  element("verdict").dataset.state = state;
  setText(element("verdict-mark"), marks[state]);
  setText(element("verdict-state"), signatureStates[state]);
  setText(element("verdict-reason"), reason);
}

const timeStates = {
  valid: ["✓", "Valid now"],
  endless: ["∞", "Never expires"],
  expired: ["!", "Expired"],
  "not yet valid": ["!", "Not valid yet"],
  invalid: ["!", "Invalid times"],
  revoked: ["!", "Revoked"],
  doubtful: ["!", "Doubtful times"],
};

let claims = null; // of the token shown
let revoked = false;
let disagreement = "";

// showTimesOf shows the times in the claims, and goes on as time passes. With null, it
// shows nothing.
export function showTimesOf(values) {
  claims = values;
  revoked = false;
  disagreement = "";
  showTime();
}

// showAnsweredTime adds the state in the service's answer, if it has one: the service knows
// which tokens are revoked, and its clock is the one that counts.
export function showAnsweredTime(state) {
  const now = Date.now() / 1000;
  const here = [now, now - 2].map((time) => validity(claims, time).state.replace("endless", "valid")); // the answer took a moment
  revoked = state === "revoked";
  const differs = state !== undefined && !revoked && !here.includes(state);
  disagreement = differs ? `The service, whose clock differs from this one, says: ${state}.` : "";
  showTime();
}

function showTime() {
  element("time-verdict").hidden = claims === null;
  if (claims === null) {
    return;
  }
  const { state, words, note } = revoked ? { state: "revoked", words: "The service has revoked it.", note: "" } : validity(claims, Date.now() / 1000);
  const doubts = [note, disagreement].filter((doubt) => doubt !== "").join(" ");
  const shown = doubts === "" ? state : "doubtful";
  const [mark, title] = timeStates[shown];
  element("time-verdict").dataset.state = shown;
  setText(element("time-mark"), mark);
  setText(element("time-state"), title);
  setText(element("time-words"), note === "" ? words : "");
  showIf(element("time-note"), doubts);
}

everySecond(showTime);
