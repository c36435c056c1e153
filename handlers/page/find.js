// Finds tokens in text that people paste: a command, a header, JSON, a URL, a log. Only the
// service decides whether a token is well formed.

// A header is a JSON object, so a token begins like {" or like { and white space, in
// base64url. It is not a part of a longer word, but may follow an escape, such as %20, \n,
// \u0022 or the code for a color.
const beginning = /(?:(?<![\w.-])|(?<=%[0-9A-Fa-f]{2}|\\[nrt]|\\u[0-9A-Fa-f]{4}|\u001b\[[\d;]{0,9}m))e(?:y[A-DI-L]|w[0-3k-r])/g;

// A token, with what programs make of it: dots as escapes of a URL, and invisible characters
// of a word processor or a chat.
const run = /(?:[\w.-]|%2E|[\u00ad\u200b-\u200f\u2060\ufeff])+/iy;

const cleaned = (text) => text.replaceAll(/%2E/gi, ".").replaceAll(/[\u00ad\u200b-\u200f\u2060\ufeff]/g, "");

// What may follow a token, such as the disclosures of an SD-JWT (RFC 9901 §4) and the codes
// for colors of a terminal. Anything else is probably a wrong character within the token.
const ending = /$|[\s"'`\\^&;,)<>\]}|%~\u001b\u2018-\u201f]|[!?:*]+(?![\w-])/y;

// A line break within a token: a program that wraps lines may put a backslash or (in mail)
// an equals sign before it, and white space or (in a quotation) > after it. In source code,
// the lines may be strings, with an operator between them.
const lineBreak = /(?:[ \t]*[\\=]?\r?\n[ \t>|]*|(["'])[ \t]*[+.\\]?[ \t]*\r?\n[ \t]*[+.]?[ \t]*\1)(?=[\w.-])/y;

// minLine is the number of characters in the shortest line that is taken for a wrapped one.
const minLine = 24;

// maxFound bounds the number of tokens that find returns.
const maxFound = 20;

// find returns the different tokens in text, in their order. Each extends from start to
// end, where says where it was, and lines is the number of lines over which it was wrapped.
// It takes time in proportion to the size of text.
export function find(text) {
  const found = new Map(); // by token
  beginning.lastIndex = 0;
  for (let begun; found.size < maxFound && (begun = beginning.exec(text)); ) {
    const start = begun.index;
    const { token, end, lines } = extend(text, start);
    beginning.lastIndex = end;
    // The second segment of an encrypted token may be empty (RFC 7516 §5.1).
    if (/^[\w-]+\.{1,2}[\w-]/.test(token) && isEnding(text, start, end) && !found.has(token)) {
      found.set(token, { token, start, end, lines, where: whereIs(text, start) });
    }
  }
  return [...found.values()];
}

// isEnding reports whether a token from start may end before index. A slash ends it only in
// the path of a URL: elsewhere, it is a character of ordinary base64.
function isEnding(text, start, index) {
  ending.lastIndex = text[index] === "." ? index + 1 : index;
  return ending.test(text) || (text[index] === "/" && text[start - 1] === "/");
}

// extend returns the token that begins at start, over the lines over which it was wrapped.
function extend(text, start) {
  const parts = [match(run, text, start)];
  let end = start + parts[0].length;
  let state = after({ dots: 0, size: 0 }, cleaned(parts[0]));
  let sizes = null; // that the signature may have
  while (isWrapped(parts)) {
    if (state.dots === 2) {
      sizes ??= signatureSizes(cleaned(parts.join("")));
    }
    const gap = match(lineBreak, text, end);
    const part = gap === "" ? "" : match(run, text, end + gap.length);
    const next = after(state, cleaned(part));
    if (part === "" || (state.dots === 2 && (sizes.includes(state.size) || next.size > Math.max(...sizes)))) {
      break; // the signature is complete, or would be too long
    }
    parts.push(part);
    end += gap.length + part.length;
    state = next;
  }
  const joined = parts.join("");
  const raw = joined.endsWith(".") ? joined.slice(0, -1) : joined; // the end of a sentence
  return { token: cleaned(raw), end: end - (joined.length - raw.length), lines: parts.length };
}

// match returns what a sticky pattern matches at index, or "".
function match(pattern, text, index) {
  pattern.lastIndex = index;
  return pattern.exec(text)?.[0] ?? "";
}

// isWrapped reports whether the last line is as long as those between the first and it.
function isWrapped(parts) {
  const last = parts.at(-1).length;
  return last >= minLine && (parts.length < 3 || last >= parts[1].length);
}

// after returns the number of dots, and the size of the last segment, after another part.
function after({ dots, size }, part) {
  const segments = part.split(".");
  const last = segments.at(-1).length;
  return segments.length === 1 ? { dots, size: size + last } : { dots: dots + segments.length - 1, size: last };
}

// The lengths of signatures in base64url (RFC 7518 §3, RFC 8037 §3.1). Those of RSA depend
// on the size of the key.
const sizesByAlgorithm = {
  HS256: [43], HS384: [64], HS512: [86],
  ES256: [86], ES256K: [86], ES384: [128], ES512: [176],
  EdDSA: [86, 152], Ed25519: [86], Ed448: [152],
};
const rsaSizes = [342, 512, 683];

function signatureSizes(token) {
  const alg = /"alg"\s*:\s*"(\w+)"/.exec(decoded(token.split(".", 1)[0]))?.[1];
  return sizesByAlgorithm[alg] ?? rsaSizes;
}

function decoded(segment) {
  try {
    return atob(segment.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return "";
  }
}

// The places where a token can be, by what is in front of it: the first that matches.
const places = [
  [/proxy-authorization["']?\s*[:=]\s*["'\\]*(?:bearer\s+)?$/i, () => "in the header Proxy-Authorization"],
  [/authorization["'\\]*\s*[:=,]\s*[["'\\]*(?:bearer(?:\s|%20|\+)+)?$/i, () => "in the header Authorization"],
  [/#(?:[^\s"'<>]{0,400}&)?([\w.~-]{1,64})=$/, ([, name]) => `in the parameter ${name} after the # of a URL`],
  [/[?&]([\w.~-]{1,64})=$/, ([, name]) => `in the parameter ${name} of a URL`],
  [/(?:\bcookie["']?\s*[:=]|\s(?:-b|--cookie)[\s=])[^\n]{0,400}?([\w.~-]{1,64})=["']?$/i, ([, name]) => `in the cookie ${name}`],
  [/\\*["']([^"'\\\n]{1,64})\\*["']\s*:\s*\\*["'](?:bearer\s+)?$/i, ([, name]) => `in the member ${name}`],
  [/([\w.-]{1,64})\s*[:=]\s*["']?(?:bearer\s+)?$/i, ([, name]) => `after ${name}`],
  [/\bbearer\s+$/i, () => "after Bearer"],
];

// maxContext is the number of characters in front of a token in which its place is looked for.
const maxContext = 512;

function whereIs(text, start) {
  const context = text.slice(Math.max(0, start - maxContext), start);
  for (const [pattern, words] of places) {
    const place = pattern.exec(context);
    if (place !== null) {
      return words(place);
    }
  }
  return "";
}
