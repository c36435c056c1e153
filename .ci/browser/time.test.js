// Puts the time claims into words.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

const { describe, mistake, timeClaims } = await import(join(process.env.PAGE, "time.js"));

// Each row is a claim, its value in JSON, its words at the second 1,000,000, and its time.
const times = [
  ["exp", "999820", "expired 3 minutes ago", "1970-01-12T13:43:40Z"],
  ["exp", "1000000", "expired just now", "1970-01-12T13:46:40Z"],
  ["exp", "1e6", "expired just now", "1970-01-12T13:46:40Z"],
  ["exp", "1000000.5", "expires in less than a second", "1970-01-12T13:46:40.500Z"],
  ["exp", "1000001", "expires in 1 second", "1970-01-12T13:46:41Z"],
  ["exp", "1000059", "expires in 59 seconds", "1970-01-12T13:47:39Z"],
  ["exp", "1000060", "expires in 1 minute", "1970-01-12T13:47:40Z"],
  ["exp", "1000299", "expires in 4 minutes 59 seconds", "1970-01-12T13:51:39Z"],
  ["exp", "1003661", "expires in 1 hour 1 minute", "1970-01-12T14:47:41Z"],
  ["exp", "1005340", "expires in 1 hour 29 minutes", "1970-01-12T15:15:40Z"],
  ["iat", "999999", "issued 1 second ago", "1970-01-12T13:46:39Z"],
  ["iat", "1000060", "issued 1 minute in the future", "1970-01-12T13:47:40Z"],
  ["nbf", "1086400", "becomes valid in 1 day", "1970-01-13T13:46:40Z"],
  ["nbf", "0", "became valid 11 days 13 hours ago", "1970-01-01T00:00:00Z"],
  ["exp", "-1", "expired 11 days 13 hours ago", "1969-12-31T23:59:59Z"],
  ["exp", "99999999999999999999", "expires after the year 9999", null],
  ["exp", "1e400", "expires after the year 9999", null],
  ["exp", "-1e400", "expired before the year 1", null],
  ["exp", '"1000000"', "not a time: it is not a number", null],
  ["exp", "null", "not a time: it is not a number", null],
  ["exp", "{}", "not a time: it is not a number", null],
];

test("describe", () => {
  for (const [claim, json, words, utc] of times) {
    const described = describe(claim, json, 1_000_000);
    assert.deepEqual([described.words, described.utc], [words, utc], `${claim} ${json}`);
    assert.equal(described.local === null, utc === null);
  }
});

test("every time claim has words for the past, the present and the future", () => {
  assert.deepEqual(timeClaims, ["iat", "nbf", "exp", "auth_time", "updated_at"]);
  for (const claim of timeClaims) {
    assert.match(describe(claim, "1", 100).words, / 1 minute 39 seconds ago$/);
    assert.match(describe(claim, "100", 100).words, / just now$/);
    assert.match(describe(claim, "200", 100).words, / (?:in 1 minute 40 seconds|1 minute 40 seconds in the future)$/);
    assert.equal(mistake(claim, "200"), "");
  }
});

test("mistakes are explained", () => {
  assert.equal(mistake("exp", "1764150000000"), "exp seems to be in milliseconds, but RFC 7519 §2 counts in seconds. It probably means 2025-11-26T09:40:00Z: divide it by 1000.");
  assert.match(mistake("exp", "1764150000000000"), /in microseconds.* It probably means 2025-11-26T09:40:00Z: divide it by 1000000\.$/);
  assert.match(mistake("exp", "1764150000123456789"), /in nanoseconds.* It probably means 2025-11-26T09:40:00Z: divide it by 1000000000\.$/);
  assert.match(mistake("exp", "253402300799000"), /in milliseconds.* It probably means 9999-12-31T23:59:59Z: divide it by 1000\.$/);
  assert.equal(mistake("exp", "253402300799"), ""); // the last second of the year 9999, which some programs use for never
  assert.equal(mistake("iat", '"1764150000"'), "iat is not a number: remove the quotes. RFC 7519 §2 wants seconds since 1970, and other implementations reject the token.");
  assert.equal(mistake("updated_at", '"2025-11-26T09:40:00Z"'), "updated_at is not a number. OpenID Connect Core §5.1 wants seconds since 1970.");
  assert.equal(mistake("exp", "1e400"), "exp is too large for a date. RFC 7519 §2 counts in seconds since 1970.");
});
