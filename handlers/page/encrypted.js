// Shows the segments of an encrypted token that nobody can read here.

import { element, span } from "./dom.js";
import { counted } from "./words.js";

// showEncrypted shows what decode returns about an encrypted token in place of the claims
// and the signature. For any other token, segments is null.
export function showEncrypted(segments) {
  element("encrypted-part").hidden = segments === null;
  element("claims-part").hidden = segments !== null;
  element("signature-part").hidden = segments !== null;
  element("encrypted-segments").replaceChildren(...(segments ?? []).flatMap(row));
}

function row(segment) {
  const term = document.createElement("dt");
  const size = document.createElement("dd");
  term.textContent = segment.name;
  size.append(sizeOf(segment));
  if (segment.fault !== null) {
    size.append(" ", span("fault", `Decoded as far as possible: ${segment.fault}.`));
  }
  return [term, size];
}

// The key is empty if the key of the content is agreed on, or known (RFC 7516 §5.1).
function sizeOf({ name, bytes }) {
  return name === "Encrypted key" && bytes.length === 0 ? "none: the recipient has the key already, or derives it" : counted(bytes.length, "byte");
}
