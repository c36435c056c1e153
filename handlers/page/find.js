// Finds tokens in text that people paste: a command, a header, JSON, a URL, a log. Only the
// service decides whether a token is well formed.

// A header is a JSON object, so a token begins like {" or like { and white space, in
// base64url. It is not a part of a longer word, but may follow an escape, such as %20, \n,
// \u0022 or the code for a color.
const beginning = /(?:(?<![\w.-])|(?<=%[0-9A-Fa-f]{2}|\\[nrt]|\\u[0-9A-Fa-f]{4}|\u001b\[[\d;]{0,9}m))e(?:y[A-DI-L]|w[0-3k-r])/g;

// A token as programs alter it: with dots as escapes of a URL or of a pattern, and with
// invisible characters of a word processor or a chat.
const run = /(?:[\w.-]|%2E|\\{1,2}\.|[\u00ad\u200b-\u200f\u2060\ufeff])+/iy;

const cleaned = (text) => text.replaceAll(/%2E|\\+\./gi, ".").replaceAll(/[\u00ad\u200b-\u200f\u2060\ufeff]/g, "");

// What may follow a token, such as the disclosures of an SD-JWT (RFC 9901 §4) and the codes
// for colors of a terminal. Anything else is probably a wrong character within the token.
const ending = /$|[\s"'`\\^&;,()<>\]}|%#~\u001b]|[!?:*=]+(?![\w!?:*=-]|\.+[\w-])|(?=[^\u0000-\u007f])\P{L}/uy;

// A line break within a token: a program that wraps lines may put a backslash or (in mail)
// an equals sign before it, and white space, > (in a quotation) or + (in a diff) after it.
// In source code, the lines may be strings, with an operator between them.
const lineBreak = /(?:[ \t]*[\\=]?\r?\n[ \t>|+]*|(["'])[ \t]*(?:[+.\\][ \t]*)?\r?\n[ \t]*(?:[+.][ \t]*)?\1)(?=[\w.-])/y;

// minLine is the number of characters in the shortest line that is taken for a wrapped one.
const minLine = 24;

// maxFound is the largest number of tokens that find returns.
export const maxFound = 20;

// find returns the different tokens in text, in their order. Each extends from start to
// end, where says where it was, lines is the number of lines over which it was wrapped,
// and isSelective is true for an SD-JWT, which disclosures follow (RFC 9901 §4).
// It takes time in proportion to the size of text.
export function find(text) {
  const found = new Map(); // by token
  beginning.lastIndex = 0;
  for (let begun; found.size < maxFound && (begun = beginning.exec(text)); ) {
    const start = begun.index;
    const { token, end, lines } = extend(text, start);
    beginning.lastIndex = end;
    if (isToken(token) && isEnding(text, start, end) && !found.has(token)) {
      found.set(token, { token, start, end, lines, where: whereIs(text, start), isSelective: text[end] === "~" });
    }
  }
  return [...found.values()];
}

// isToken reports whether a text that begins like a token may be one: it has two segments or
// more, of which the second may be empty if the token is encrypted (RFC 7516 §5.1), and a
// name that headers have (RFC 7515 §4.1) if its header can be decoded. What has none may be
// claims, after a header with a wrong character in it.
function isToken(token) {
  const header = decoded(token.split(".", 1)[0]);
  return /^[\w-]+\.{1,2}[\w-]/.test(token) && (header === "" || /"(?:alg|typ|kid|enc)"|\\u/.test(header));
}

// isEnding reports whether a token from start may end before index. A slash ends it only in
// the path of a URL: elsewhere, it is a character of ordinary base64.
function isEnding(text, start, index) {
  ending.lastIndex = index + match(/\.*/y, text, index).length;
  return ending.test(text) || (text[index] === "/" && text[start - 1] === "/");
}

// extend returns the token that begins at start, over the lines over which it was wrapped.
function extend(text, start) {
  const parts = [match(run, text, start)];
  let end = start + parts[0].length;
  let state = after({ dots: 0, size: 0 }, cleaned(parts[0]));
  let whole = null; // what follows from the header
  while (isWrapped(parts)) {
    if (state.dots > 0) {
      whole ??= wholeSizes(cleaned(parts.join("")));
    }
    const gap = match(lineBreak, text, end);
    const part = gap === "" ? "" : match(run, text, end + gap.length);
    if (part === "" || isWhole(state, whole) || (whole !== null && state.dots >= whole.dots && goesBeyond(after(state, cleaned(part)), whole))) {
      break;
    }
    parts.push(part);
    end += gap.length + part.length;
    state = after(state, cleaned(part));
  }
  const joined = parts.join("");
  // Other dots at the end end a sentence, or leave something out. The second one belongs to
  // a token that is not signed.
  const raw = joined.endsWith(".") && state.dots !== 2 ? joined.replace(/(?<!\.)\.+$/, "") : joined;
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

const isWhole = ({ dots, size }, whole) => dots === whole?.dots && whole.sizes.includes(size);

const goesBeyond = ({ dots, size }, whole) => dots > whole.dots || size > Math.max(...whole.sizes);

// The lengths of signatures in base64url (RFC 7518 §3, RFC 8037 §3.1). Those of RSA depend
// on the size of the key.
const sizesByAlgorithm = new Map([
  ["HS256", [43]], ["HS384", [64]], ["HS512", [86]],
  ["ES256", [86]], ["ES256K", [86]], ["ES384", [128]], ["ES512", [176]],
  ["EdDSA", [86, 152]], ["Ed25519", [86]], ["Ed448", [152]], ["none", [0]],
]);
const rsaSizes = [342, 512, 683];
const tagSizes = [22, 32, 43]; // of an encrypted token's last segment (RFC 7518 §5)

// wholeSizes returns the number of dots in a token that begins like this, and the sizes
// that its last segment may have.
function wholeSizes(token) {
  const header = decoded(token.split(".", 1)[0]);
  if (/"enc"\s*:/.test(header)) {
    return { dots: 4, sizes: tagSizes };
  }
  const alg = /"alg"\s*:\s*"(\w+)"/.exec(header)?.[1];
  return { dots: 2, sizes: sizesByAlgorithm.get(alg) ?? rsaSizes };
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
  [/(?<![\w-])authorization["'\\]*\s*[:=,]\s*[["'\\]*(?:[a-z]{1,20}(?:\s|%20|\+)+)?$/i, () => "in the header Authorization"],
  [/[^\s"'<>]#(?:[^\s"'<>]{0,400}&)?([\w.~-]{1,64})=$/, ([, name]) => `in the parameter ${name} after the # of a URL`],
  [/[^\s"'<>]\?(?:[^\s"'<>]{0,400}&)?([\w.~-]{1,64})=$/, ([, name]) => `in the parameter ${name} of a URL`],
  [/(?:\bcookie["']?\s*[:=]|\s(?:-b|--cookie)[\s=])\s*["']?(?:[^\s"';=]{1,64}=[^\s"';]{0,400};\s*)*([\w.~-]{1,64})=["']?$/i, ([, name]) => `in the cookie ${name}`],
  [/\\*["']([^"'\\\n]{1,64})\\*["']\s*:\s*\\*["'](?:bearer\s+)?$/i, ([, name]) => `in the member ${name}`],
  [/([\w.-]{1,64})\s*[:=]\s*["']?(?:bearer\s+)?$/i, ([, name]) => `after "${name}"`],
  [/\bbearer\s+$/i, () => 'after "Bearer"'],
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
