// The time claims (RFC 7519 §4.1.4 to §4.1.6, OpenID Connect Core §2 and §5.1) in words.

import { counted } from "./words.js";

const words = {
  iat: { past: "issued" },
  nbf: { past: "became valid", future: "becomes valid" },
  exp: { past: "expired", future: "expires" },
  auth_time: { past: "logged in" },
  updated_at: { past: "updated" },
};

export const timeClaims = Object.keys(words);

// The years 1 to 9999, the range of RFC 3339. The service has the same limits.
const earliest = -62135596799;
const latest = 253402300799;

// describe returns words, local and utc for a time claim, given its literal in
// the token and the current time in Unix seconds. If the literal is not a
// number, or not within those years, local and utc are null.
export function describe(claim, literal, now) {
  if (!isNumber(literal)) {
    return { words: "not a time: it is not a number", local: null, utc: null };
  }
  const seconds = Number(literal);
  if (seconds < earliest || seconds > latest) {
    const { past, future = past } = words[claim];
    return { words: seconds > 0 ? `${future} after the year 9999` : `${past} before the year 1`, local: null, utc: null };
  }
  const date = new Date(seconds * 1000);
  return {
    words: relative(claim, seconds - now),
    local: localFormat.format(date),
    utc: date.toISOString().replace(".000Z", "Z"),
  };
}

export const isNumber = (literal) => /^[-0-9]/.test(literal);

// Smaller units than seconds, with how many of them a second has.
const smallerUnits = [["milliseconds", 1e3], ["microseconds", 1e6], ["nanoseconds", 1e9]];

// Where times are defined that are not a NumericDate of RFC 7519 §2.
const definitions = { auth_time: "OpenID Connect Core §2", updated_at: "OpenID Connect Core §5.1" };

const definitionOf = (claim) => definitions[claim] ?? "RFC 7519 §2";

// mistake explains why a literal is probably not the time that was meant. It returns "" if
// it probably is.
export function mistake(claim, literal) {
  if (!isNumber(literal)) {
    return notNumber(claim, literal);
  }
  return Number(literal) > latest ? tooLarge(claim, Number(literal)) : "";
}

function notNumber(claim, literal) {
  const advice = /^"-?[0-9.]+"$/.test(literal) ? ": remove the quotes" : "";
  const rejected = claim in definitions ? "" : ", and other implementations reject the token";
  return `${claim} is not a number${advice}. ${definitionOf(claim)} wants seconds since 1970${rejected}.`;
}

function tooLarge(claim, value) {
  const [unit, size] = smallerUnits.find(([, size]) => value / size <= latest) ?? [];
  if (unit === undefined) {
    return `${claim} is too large for a date. ${definitionOf(claim)} counts in seconds since 1970.`;
  }
  const meant = new Date((value / size) * 1000).toISOString().replace(/\.\d+Z$/, "Z");
  return `${claim} seems to be in ${unit}, but ${definitionOf(claim)} counts in seconds. It probably means ${meant}: divide it by ${size}.`;
}

const localFormat = new Intl.DateTimeFormat(undefined, {
  weekday: "short",
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZoneName: "short",
});

const units = [
  ["year", 31556952],
  ["month", 2629746],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

// relative returns words about a claim whose time is a difference in seconds from now.
function relative(claim, difference) {
  const { past, future } = words[claim];
  const size = Math.floor(Math.abs(difference));
  const distance = size === 0 ? "less than a second" : duration(size);
  if (difference > 0) {
    return future === undefined ? `${past} ${distance} in the future` : `${future} in ${distance}`;
  }
  return `${past} ${size === 0 ? "just now" : `${distance} ago`}`;
}

// duration returns seconds in words, in the largest unit that fits and the next smaller
// one. It rounds down.
function duration(seconds) {
  const i = units.findIndex(([, length]) => seconds >= length);
  const [unit, length] = units[i];
  const [nextUnit, nextLength] = units[i + 1] ?? [];
  const rest = Math.floor((seconds % length) / nextLength) || 0;
  const whole = counted(Math.floor(seconds / length), unit);
  return rest === 0 ? whole : `${whole} ${counted(rest, nextUnit)}`;
}
