// The compact serialization of a JWT (RFC 7515 §3.1), parsed leniently to show
// as much as possible. Only the service decides whether a token is well formed
// and whether its signature verifies.

import { read } from "./json.js";

const wrappings = [
  { what: "white space", start: /^\s+/, end: /\s+$/ },
  { what: "quotes", start: /^["'`\u2018-\u201f]+/, end: /["'`\u2018-\u201f]+$/ },
  { what: "Authorization:", start: /^authorization:/i },
  { what: "Bearer", start: /^bearer\s+/i },
];

// maxLayers bounds how many times the wrappings are looked for: each time takes a time in
// proportion to the text, and people paste a few layers.
const maxLayers = 8;

// unwrap finds the token in pasted text that has little else: it extends from start to
// end, and removed lists what is around it.
export function unwrap(text) {
  let start = 0;
  let end = text.length;
  const removed = new Set();
  for (let layer = 0, before = null; layer < maxLayers && before !== end - start; layer++) {
    before = end - start;
    for (const wrapping of wrappings) {
      const inner = text.slice(start, end);
      const atStart = wrapping.start.exec(inner)?.[0].length ?? 0;
      const atEnd = wrapping.end?.exec(inner.slice(atStart))?.[0].length ?? 0;
      if (atStart + atEnd > 0) {
        removed.add(wrapping.what);
      }
      start += atStart;
      end -= atEnd;
    }
  }
  return { start, end, token: text.slice(start, end), removed: [...removed] };
}

// inspect decodes the segments of a token; those that are missing are null.
export function inspect(token) {
  const segments = token === "" ? [] : token.split(".");
  const [header, claims, signature] = segments;
  return {
    fault: countFault(segments.length),
    header: header === undefined ? null : jsonSegment(header),
    claims: claims === undefined ? null : jsonSegment(claims),
    signature: signature === undefined ? null : decodeBase64url(signature),
  };
}

function countFault(count) {
  switch (count) {
    case 0:
    case 3:
      return null;
    case 1:
      return "The claims and the signature are missing: a JWT has three segments, separated by dots.";
    case 2:
      return "The signature is missing: a JWT has three segments, separated by dots.";
    case 5:
      return "Five segments: this is an encrypted token (JWE), which no signing key can open.";
    default:
      return `A JWT has three segments; this has ${count}. Only the first three are shown.`;
  }
}

function jsonSegment(segment) {
  const decoded = decodeBase64url(segment);
  const { text, fault } = decodeUTF8(decoded.bytes);
  const json = read(text);
  return { ...json, fault: decoded.fault ?? fault ?? json.fault ?? (json.type === "object" ? null : "it is not a JSON object") };
}

// decodeBase64url decodes a segment as base64url without padding (RFC 4648 §5),
// up to the first character that is not in the alphabet.
export function decodeBase64url(segment) {
  const good = /^[A-Za-z0-9_-]*/.exec(segment)[0];
  let fault = null;
  if (good.length < segment.length) {
    fault = `character ${good.length + 1} is not in the base64url alphabet`;
  } else if (good.length % 4 === 1) {
    fault = "it is cut short";
  }
  const whole = good.length % 4 === 1 ? good.slice(0, -1) : good;
  const binary = atob(whole.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (c) => c.charCodeAt(0));
  return { bytes, fault };
}

function decodeUTF8(bytes) {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), fault: null };
  } catch {
    // stream drops a character that is cut off at the end.
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: true });
    return { text, fault: "it is not valid UTF-8" };
  }
}
