// Whether a token is valid at a time (RFC 7519 §4.1.4, §4.1.5), as the gate decides it.

import { describe, isNumber, mistake } from "./time.js";

// validity returns the state at a time in Unix seconds, given the values of the claims in
// JSON: "valid", "expired", "not yet valid", "endless" without exp, or "invalid" if a time
// is not a number; with words about the next change or the last one, and a note if the
// times are probably not what was meant, or "".
export function validity(claims, now) {
  const mistakes = (names) => names.map((name) => (claims.has(name) ? mistake(name, claims.get(name)) : "")).filter((words) => words !== "");
  const wrong = ["exp", "nbf"].filter((name) => claims.has(name) && !isNumber(claims.get(name)));
  if (wrong.length > 0) {
    return { state: "invalid", words: mistakes(wrong).join(" "), note: "" };
  }
  const doubts = mistakes(["exp", "nbf", "iat"]);
  if (doubts.length === 0 && Number(claims.get("exp")) <= Number(claims.get("nbf"))) {
    doubts.push("It is never valid, because it does not become valid before it expires.");
  }
  return { ...valid(claims, now), note: doubts.join(" ") };
}

function valid(claims, now) {
  const said = (name) => `It ${describe(name, claims.get(name), now).words}.`;
  if (claims.has("exp") && Number(claims.get("exp")) <= now) {
    return { state: "expired", words: said("exp") };
  }
  if (claims.has("nbf") && Number(claims.get("nbf")) > now) {
    return { state: "not yet valid", words: said("nbf") };
  }
  return claims.has("exp") ? { state: "valid", words: said("exp") } : { state: "endless", words: "It has no exp claim, so it never expires by itself." };
}
