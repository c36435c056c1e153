// Shows what is in a token.

import { element, setText, showIf, span } from "./dom.js";
import { showEncrypted } from "./encrypted.js";
import { visible } from "./json.js";
import { meanings } from "./meanings.js";
import { showSummary } from "./summary.js";
import { explain, hideMeaning, makeReachable } from "./tooltip.js";
import { counted } from "./words.js";

// showDecoded shows the segments of a token, as decode returns them.
export function showDecoded({ header, claims, signature, encrypted }) {
  hideMeaning();
  element("decoded").hidden = header === null;
  showJSON("header", header, encrypted === null ? meanings.header : meanings.encryptedHeader);
  showJSON("claims", claims, meanings.claims);
  showFault("signature", signature);
  showEncrypted(encrypted);
  setText(element("signature-size"), signature === null ? "" : signatureWords(signature));
  showSummary(claims?.members ?? new Map());
}

// showFault shows what is wrong with a decoded segment. A missing segment is
// null.
function showFault(part, segment) {
  showIf(element(`${part}-fault`), segment === null ? "It is missing." : faultWords(segment));
}

function faultWords({ fault, pieces }) {
  if (fault === null) {
    return "";
  }
  return pieces?.length === 0 ? `It cannot be decoded: ${fault}.` : `Decoded as far as possible: ${fault}.`;
}

// JSON with more pieces than this is shown without colors and meanings: one element for
// each piece would be slow. So would a longer text.
const maxPieces = 20_000;
const maxCharacters = 64 << 10;

function showJSON(part, json, known) {
  const target = element(`${part}-json`);
  showFault(part, json);
  const pieces = json?.pieces ?? [];
  const text = pieces.map(({ text }) => text).join("");
  if (pieces.length > maxPieces || text.length > maxCharacters) {
    target.textContent = visible(text.slice(0, maxCharacters)) + (text.length > maxCharacters ? `\n… and ${text.length - maxCharacters} more characters` : "");
  } else {
    target.replaceChildren(...pieces.map((piece) => shownPiece(piece, known)));
  }
  makeReachable(target);
}

function shownPiece({ kind, text, depth }, known) {
  const shown = span(kind, visible(text));
  const meaning = depth === 1 ? known.get(JSON.parse(text)) : undefined;
  if (meaning !== undefined) {
    explain(shown, meaning);
  }
  return shown;
}

function signatureWords({ bytes: { length: size }, fault }) {
  return size === 0 && fault === null ? "Empty: this token is not signed." : `${counted(size, "byte")}.`;
}
