// Whether a token is valid at a time (RFC 7519 §4.1.4, §4.1.5), as the gate decides it.

import { describe } from "./time.js";

// Times beyond this many seconds are probably in milliseconds: it is the year 5138.
const milliseconds = 1e11;

// validity returns the state at a time in Unix seconds, given the values of the claims in
// JSON: "valid", "expired", "not yet valid", "endless" without exp, or "invalid" if a time
// is not a number; with words about the next change or the last one, and a note if a
// mistake is likely, or "".
export function validity(claims, now) {
  const times = ["exp", "nbf"].filter((name) => claims.has(name));
  const wrong = times.filter((name) => !isNumber(claims.get(name)));
  if (wrong.length > 0) {
    return { state: "invalid", words: wrong.map((name) => wrongTime(name, claims.get(name))).join(" "), note: "" };
  }
  const suspects = times.filter((name) => Math.abs(Number(claims.get(name))) > milliseconds);
  return { ...valid(claims, now), note: suspects.map((name) => inMilliseconds(name, Number(claims.get(name)))).join(" ") };
}

const isNumber = (json) => /^[-0-9]/.test(json);

function valid(claims, now) {
  const said = (name) => `It ${describe(name, claims.get(name), now).words}.`;
  if (claims.has("exp") && Number(claims.get("exp")) <= now) {
    return { state: "expired", words: said("exp") };
  }
  if (claims.has("nbf") && Number(claims.get("nbf")) > now) {
    return { state: "not yet valid", words: said("nbf") };
  }
  return claims.has("exp") ? { state: "valid", words: said("exp") } : { state: "endless", words: "It has no exp, so it is valid for as long as its key is." };
}

function wrongTime(name, json) {
  const advice = /^"-?[0-9.]+"$/.test(json) ? `: remove the quotes` : "";
  return `${name} is not a number${advice}. RFC 7519 §2 wants seconds since 1970, and others refuse the token.`;
}

function inMilliseconds(name, value) {
  const meant = new Date(value);
  const time = Number.isNaN(meant.getTime()) ? "" : ` It probably means ${meant.toISOString().replace(/\.\d+Z$/, "Z")}: divide it by 1000.`;
  return `${name} is in milliseconds, it seems, but RFC 7519 §2 counts in seconds.${time}`;
}
