// The verdict on the token shown, in two parts: its signature and its times.

import { everySecond } from "./clock.js";
import { element, setText, showIf } from "./dom.js";
import { validity } from "./validity.js";

const symbols = { unchecked: "?", verified: "✓", rejected: "✕", uncheckable: "–" };

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
  setText(element("verdict-symbol"), symbols[state]);
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
let answered; // the state in the service's answer, if there is one

// showTimesOf shows the times in the claims, and goes on as time passes. With null, it
// shows nothing.
export function showTimesOf(values) {
  claims = values;
  answered = undefined;
  showTime(Date.now() / 1000);
}

// showAnsweredTime adds the state in the service's answer to a request that was sent at a
// time in Unix seconds. The service knows which tokens are revoked, and its clock is the one
// that counts.
export function showAnsweredTime(state, asked) {
  const now = Date.now() / 1000;
  const meanwhile = [asked - 2, now + 2].map(stateHere); // clocks are rarely closer
  answered = meanwhile.includes(state) ? undefined : state;
  showTime(now);
}

// stateHere returns the state by the clock of this machine, in the service's words.
const stateHere = (now) => validity(claims, now).state.replace("endless", "valid");

// disagreement says that the service's clock differs, for as long as that matters.
function disagreement(now) {
  return [undefined, "revoked", stateHere(now)].includes(answered) ? "" : `The service, whose clock differs from this computer's, said when it was asked: ${answered}.`;
}

function showTime(now) {
  element("time-verdict").hidden = claims === null;
  if (claims === null) {
    return;
  }
  const { state, words, note } = answered === "revoked" ? { state: "revoked", words: "The service has revoked it.", note: "" } : validity(claims, now);
  const disagrees = disagreement(now);
  const doubts = [note, disagrees].filter((doubt) => doubt !== "").join(" ");
  // What has expired is no longer in doubt, unless the service says otherwise.
  const shown = doubts === "" || (state === "expired" && disagrees === "") ? state : "doubtful";
  const [symbol, title] = timeStates[shown];
  element("time-verdict").dataset.state = shown;
  setText(element("time-symbol"), symbol);
  setText(element("time-state"), title);
  setText(element("time-words"), note === "" || state === "expired" ? words : "");
  showIf(element("time-note"), doubts);
}

everySecond(showTime);
