// Judges the times of tokens.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";

const { read } = await import(join(process.env.PAGE, "json.js"));
const { validity } = await import(join(process.env.PAGE, "validity.js"));

const now = 1_700_000_000;
const judge = (claims, at = now) => validity(read(claims).members, at);

// Each row is claims in JSON, and their state now.
const states = [
  ["{}", "endless"],
  ['{"iat":1700000001}', "endless"],
  ['{"nbf":1700000000}', "endless"], // from its second on (RFC 7519 §4.1.5)
  ['{"nbf":1700000000.5}', "not yet valid"],
  ['{"nbf":1700000001}', "not yet valid"],
  ['{"exp":1700000001}', "valid"],
  ['{"exp":1700000000.5}', "valid"],
  ['{"exp":1.7000000005e9}', "valid"],
  ['{"exp":1700000000}', "expired"], // from its second on (RFC 7519 §4.1.4)
  ['{"exp":1.7e9}', "expired"],
  ['{"exp":0}', "expired"],
  ['{"exp":-1}', "expired"],
  ['{"exp":-1e400}', "expired"],
  ['{"exp":1e400}', "valid"],
  ['{"nbf":1e400}', "not yet valid"],
  ['{"exp":1699999999,"nbf":1700000001}', "expired"],
  ['{"exp":1700000002,"nbf":1700000001}', "not yet valid"],
  ['{"exp":1700000001,"nbf":1700000000}', "valid"],
  ['{"exp":1700003600000}', "valid"],
  ['{"exp":"1700003600"}', "invalid"],
  ['{"exp":null}', "invalid"],
  ['{"exp":true}', "invalid"],
  ['{"exp":{"at":1700003600}}', "invalid"],
  ['{"exp":[1700003600]}', "invalid"],
  ['{"exp":1,"nbf":""}', "invalid"],
  ['{"EXP":1,"payload":{"exp":1}}', "endless"],
];

describe("validity", () => {
  test("states", () => {
    for (const [claims, state] of states) {
      assert.equal(judge(claims).state, state, claims);
      assert.notEqual(judge(claims).words, "", claims);
    }
  });

  test("turns at the second", () => {
    const claims = '{"nbf":1700000000,"exp":1700000010}';
    for (const [at, state] of [[now - 0.001, "not yet valid"], [now, "valid"], [now + 9.999, "valid"], [now + 10, "expired"]]) {
      assert.equal(judge(claims, at).state, state, at);
    }
  });

  test("times that are not numbers", () => {
    assert.match(judge('{"exp":"1700003600"}').words, /^exp is not a number: remove the quotes\. RFC 7519 §2 wants seconds since 1970/);
    assert.match(judge('{"exp":"tomorrow"}').words, /^exp is not a number\. /);
    assert.match(judge('{"exp":1,"nbf":null}').words, /^nbf is not a number\. /);
    assert.match(judge('{"exp":{},"nbf":null}').words, /^exp is not a number\. .* nbf is not a number\. /);
  });

  test("times that exclude each other", () => {
    for (const claims of ['{"exp":1700000050,"nbf":1700000100}', '{"exp":1700000050,"nbf":1700000050}']) {
      assert.equal(judge(claims).note, "It is never valid, because it does not become valid before it expires.");
    }
    assert.equal(judge('{"exp":1700000051,"nbf":1700000050}').note, "");
  });

  test("times in milliseconds", () => {
    assert.match(judge('{"iat":1700003600000}').note, /^iat seems to be in milliseconds/);
    assert.match(judge('{"exp":1700003600000}').note, /^exp seems to be in milliseconds.*2023-11-14T23:13:20Z: divide it by 1000\.$/);
    assert.match(judge('{"exp":1700003600,"nbf":1700000000000}').note, /^nbf seems to be in milliseconds/);
    assert.equal(judge('{"exp":1e400}').note, "exp is too large for a date. RFC 7519 §2 counts in seconds since 1970.");
    for (const claims of ["{}", '{"exp":1700003600}', '{"exp":100000000000}', '{"auth_time":1700003600000}', '{"exp":"1700003600000"}']) {
      assert.equal(judge(claims).note, "", claims);
    }
  });
});
