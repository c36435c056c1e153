// Shows what is in a token.

import { everySecond } from "./clock.js";
import { element, setText, showIf, span } from "./dom.js";
import { showEncrypted } from "./encrypted.js";
import { visible } from "./json.js";
import { describe, timeClaims } from "./time.js";

let shown = new Map(); // the values of the claims in JSON, by name

// showDecoded shows the segments of a token, as decode returns them.
export function showDecoded({ header, claims, signature, encrypted }) {
  element("decoded").hidden = header === null;
  showJSON("header", header);
  showJSON("claims", claims);
  showFault("signature", signature);
  showEncrypted(encrypted);
  setText(element("signature-size"), signature === null ? "" : signatureWords(signature.bytes.length));
  shown = claims?.members ?? new Map();
  showTimes();
}

// showFault shows what is wrong with a decoded segment. A missing segment is
// null.
function showFault(part, segment) {
  const text = segment === null ? "It is missing." : segment.fault === null ? "" : `Decoded as far as possible: ${segment.fault}.`;
  showIf(element(`${part}-fault`), text);
}

// JSON with more pieces than this is shown without colors: one element for each
// piece would be slow.
const maxPieces = 20_000;

function showJSON(part, json) {
  const target = element(`${part}-json`);
  showFault(part, json);
  const pieces = json?.pieces ?? [];
  if (pieces.length > maxPieces) {
    target.textContent = visible(pieces.map(({ text }) => text).join(""));
    return;
  }
  target.replaceChildren(...pieces.map(({ kind, text }) => span(kind, visible(text))));
}

function signatureWords(size) {
  return size === 0 ? "Empty: this token is not signed." : `${size} bytes. Only the service can verify them.`;
}

// showTimes shows the time claims, and tick keeps their words up to date.
function showTimes() {
  const times = element("times");
  const named = timeClaims.filter((claim) => shown.has(claim));
  times.hidden = named.length === 0;
  times.replaceChildren(...named.map(timeRow));
}

function timeRow(claim) {
  const { words, local, utc } = describe(claim, shown.get(claim), Date.now() / 1000);
  const row = document.createElement("p");
  row.className = "time";
  row.append(span("code name", claim), " ", span("words", words));
  if (utc !== null) {
    row.append(" ", span("moment", local), " ", span("moment code", utc));
  }
  return row;
}

everySecond(() => {
  const now = Date.now() / 1000;
  const words = element("times").querySelectorAll(".words");
  timeClaims.filter((claim) => shown.has(claim)).forEach((claim, i) => setText(words[i], describe(claim, shown.get(claim), now).words));
});
