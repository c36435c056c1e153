// The compact serialization of a JWT (RFC 7515 §3.1), parsed leniently to show
// as much as possible. Only the service decides whether a token is well formed
// and whether its signature verifies.

import { read, visible } from "./json.js";

// decode decodes the segments of a token; those that are missing are null. The segments
// after the header of an encrypted token are in encrypted, which is null otherwise.
export function decode(token) {
  const segments = token === "" ? [] : token.split(".");
  const [first, claims, signature] = segments;
  const header = first === undefined ? null : jsonSegment(first);
  const isEncrypted = segments.length === 5 && header.members.has("enc"); // RFC 7516 §4.1.2
  const decoded = { header, claims: null, signature: null, encrypted: null };
  if (isEncrypted) {
    decoded.encrypted = segments.slice(1).map((segment, i) => ({ name: encryptedNames[i], ...decodeBase64url(segment) }));
  } else {
    decoded.claims = claims === undefined ? null : claimsSegment(claims);
    decoded.signature = signature === undefined ? null : decodeBase64url(signature);
  }
  return { ...decoded, fault: segmentsFault(segments.length, decoded) };
}

// The segments of an encrypted token after its header (RFC 7516 §3.1).
const encryptedNames = ["Encrypted key", "Initialization vector", "Ciphertext", "Authentication tag"];

function segmentsFault(count, { header, claims, encrypted }) {
  if (header === null) {
    return null;
  }
  if (header.type !== "object") {
    return claims?.type === "object" && claims.fault === null
      ? "The beginning of the token seems to be missing: tokens begin with eyJ."
      : "This is not a JWT, which begins with a JSON object in base64url. Other kinds of token can be checked only by their issuer.";
  }
  if (encrypted !== null) {
    return "Five segments: this is an encrypted token (JWE, RFC 7516), which only its recipient can read.";
  }
  switch (count) {
    case 3:
      return null;
    case 1:
      return "The claims and the signature are missing: a JWT has three segments, separated by dots.";
    case 2:
      return "The signature is missing: a JWT has three segments, separated by dots.";
    default:
      return `A JWT has three segments; this has ${count}. Only the first three are shown.`;
  }
}

function jsonSegment(segment) {
  const decoded = decodeBase64url(segment);
  const { text, fault } = decodeUTF8(decoded.bytes);
  if (fault !== null && !/^\s*\{/.test(text)) {
    return { ...read(""), fault: "it is not text" };
  }
  const json = read(text);
  return { ...json, fault: decoded.fault ?? fault ?? json.fault ?? (json.type === "object" ? null : "it is not a JSON object") };
}

// claimsSegment decodes the second segment, which may lack its content (RFC 7515,
// appendix F).
function claimsSegment(segment) {
  const json = jsonSegment(segment);
  return segment === "" ? { ...json, fault: "it is empty, so the signature may be over content that is sent separately" } : json;
}

// decodeBase64url decodes a segment as base64url without padding (RFC 7515 §2), up to the
// first character that is in no alphabet of base64.
export function decodeBase64url(segment) {
  const [good] = /^[\w+/-]*/.exec(segment);
  const whole = good.length % 4 === 1 ? good.slice(0, -1) : good;
  const binary = atob(whole.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (c) => c.charCodeAt(0));
  return { bytes, fault: base64urlFault(segment) };
}

const wrongCharacters = new Map([
  ["=", "it is padded with =, which a JWT leaves out"],
  ["+", "it has + of ordinary base64, where base64url has -"],
  ["/", "it has / of ordinary base64, where base64url has _"],
]);

function base64urlFault(segment) {
  const at = segment.search(/[^\w-]/);
  if (at >= 0) {
    const character = String.fromCodePoint(segment.codePointAt(at));
    const what = wrongCharacters.get(character) ?? (/\s/.test(character) ? "it has white space" : `it has ${visible(character)}, which is not in the alphabet of base64url`);
    return `${what} (character ${at + 1})`;
  }
  const last = segment.slice(segment.length - (segment.length % 4));
  if (last.length === 1) {
    return "it is cut short";
  }
  // The last character has two or four bits that must be zero (RFC 4648 §3.5).
  return /^(?:.[^AQgw]|..[^AEIMQUYcgkosw048])$/.test(last) ? "it is cut short, or its last character is wrong" : null;
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
