// The time claims (RFC 7519 §4.1.4 to §4.1.6) in words.

const words = {
  iat: { past: "issued", future: "issued in the future:", now: "issued just now" },
  nbf: { past: "became valid", future: "becomes valid", now: "became valid just now" },
  exp: { past: "expired", future: "expires", now: "expired just now" },
};

export const timeClaims = Object.keys(words);

// The years 1 to 9999, the range of RFC 3339. The service has the same limits.
const earliest = -62135596799;
const latest = 253402300799;

// describe returns words, local and utc for a time claim, given its literal in
// the token and the current time in Unix seconds. If the literal is not a
// number, or not within those years, local and utc are null.
export function describe(claim, literal, now) {
  if (!/^[-0-9]/.test(literal)) {
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

// duration returns seconds in words, in the largest unit that fits and, from an
// hour up, the next smaller one. It rounds down.
function duration(seconds) {
  const i = units.findIndex(([, length]) => seconds >= length);
  const [unit, length] = units[i];
  const parts = [counted(Math.floor(seconds / length), unit)];
  if (length >= 3600) {
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
