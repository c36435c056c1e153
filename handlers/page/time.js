// The time claims (RFC 7519 §4.1.4 to §4.1.6, OpenID Connect Core §2 and §5.1) in words.

const words = {
  iat: { past: "issued", future: "issued in the future:", now: "issued just now" },
  nbf: { past: "became valid", future: "becomes valid", now: "became valid just now" },
  exp: { past: "expired", future: "expires", now: "expired just now" },
  auth_time: { past: "logged in", future: "logged in, in the future:", now: "logged in just now" },
  updated_at: { past: "updated", future: "updated in the future:", now: "updated just now" },
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
    const side = seconds > 0 ? "after the year 9999" : "before the year 1";
    return { words: `${inWords(claim, Math.sign(seconds))} ${side}`, local: null, utc: null };
  }
  const date = new Date(seconds * 1000);
  return {
    words: relative(claim, seconds - now),
    local: localFormat.format(date),
    utc: date.toISOString().replace(".000Z", "Z"),
  };
}

export const isNumber = (literal) => /^[-0-9]/.test(literal);

// Times beyond this many seconds are probably in milliseconds: it is the year 5138.
const milliseconds = 1e11;

// Where times are defined that are not a NumericDate of RFC 7519 §2.
const definitions = { auth_time: "OpenID Connect Core §2", updated_at: "OpenID Connect Core §5.1" };

const definitionOf = (claim) => definitions[claim] ?? "RFC 7519 §2";

// mistake explains why a literal is probably not the time that was meant. It returns "" if
// it probably is.
export function mistake(claim, literal) {
  if (!isNumber(literal)) {
    return notNumber(claim, literal);
  }
  return Number(literal) > milliseconds ? inMilliseconds(claim, Number(literal)) : "";
}

function notNumber(claim, literal) {
  const advice = /^"-?[0-9.]+"$/.test(literal) ? ": remove the quotes" : "";
  const refused = claim in definitions ? "" : ", and others refuse the token";
  return `${claim} is not a number${advice}. ${definitionOf(claim)} wants seconds since 1970${refused}.`;
}

function inMilliseconds(claim, value) {
  const meant = new Date(value);
  const time = Number.isNaN(meant.getTime()) ? "" : ` It probably means ${meant.toISOString().replace(/\.\d+Z$/, "Z")}: divide it by 1000.`;
  return `${claim} is in milliseconds, it seems, but ${definitionOf(claim)} counts in seconds.${time}`;
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

function relative(claim, difference) {
  const size = Math.floor(Math.abs(difference));
  if (size === 0) {
    return difference > 0 ? `${words[claim].future} in less than a second` : words[claim].now;
  }
  const distance = difference > 0 ? `in ${duration(size)}` : `${duration(size)} ago`;
  return `${inWords(claim, difference)} ${distance}`;
}

// duration returns seconds in words, in the largest unit that fits and the next smaller
// one. It rounds down.
function duration(seconds) {
  const i = units.findIndex(([, length]) => seconds >= length);
  const [unit, length] = units[i];
  const parts = [counted(Math.floor(seconds / length), unit)];
  if (i + 1 < units.length) {
    const [nextUnit, nextLength] = units[i + 1];
    parts.push(counted(Math.floor((seconds % length) / nextLength), nextUnit));
  }
  return parts.filter((part) => part !== "").join(" ");
}

function counted(count, unit) {
  return count === 0 ? "" : `${count} ${unit}${count === 1 ? "" : "s"}`;
}

function inWords(claim, difference) {
  return difference > 0 ? words[claim].future : words[claim].past;
}
