// Turns claims into requests to mint, under Node.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";

const { remint } = await import(join(process.env.PAGE, "remint.js"));

describe("remint", () => {
  test("requests", () => {
    for (const [claims, want] of [
      ["{}", '{"claims":{}}'],
      ['{"iat":1,"jti":"x"}', '{"claims":{}}'],
      ['{"iat":1,"exp":1600,"jti":"x","payload":{"data":{"id":12345678901234567890},"date":"2026-01-01"}}', '{"user_data":{"id":12345678901234567890},"expires_in":600}'],
      ['{"payload":{"data":1.50},"sub":"ada","n":1e400}', '{"user_data":1.50,"claims":{"sub":"ada","n":1e400}}'],
      ['{ "10": 1, "2": [ 1, 2 ],\n "__proto__": {"a": "\\u00e9"}, "exp": 1000.6 }', '{"claims":{"10":1,"2":[ 1, 2 ],"__proto__":{"a": "\\u00e9"}},"expires_in":1}'],
      ['{"payload":{"data":""}}', '{"user_data":""}'],
      ['{"a\\"b":1}', '{"claims":{"a\\"b":1}}'],
    ]) {
      assert.deepEqual(remint(claims, 1000), { body: want, fault: null });
      JSON.parse(want);
    }
  });

  test("what the service cannot take over", () => {
    for (const [claims, fault] of [
      ['{"exp":1000}', /exp has passed/],
      ['{"exp":1000.4}', /exp has passed/],
      ['{"exp":"2000"}', /exp is not a number: remove the quotes\./],
      ['{"exp":null}', /exp is not a number\./],
      ['{"exp":[2000]}', /exp is not a number\./],
      ['{"exp":1764150000000}', /exp seems to be in milliseconds.*divide it by 1000\.$/],
      ['{"payload":"mine"}', /payload belongs to the service/],
      ['{"payload":{}}', /payload belongs to the service/],
      ['{"payload":{"data":null}}', /payload belongs to the service/],
      ['{"payload":{"data":1,"more":2}}', /payload belongs to the service/],
      ['{"payload":[{"data":1}]}', /payload belongs to the service/],
    ]) {
      const { body, fault: got } = remint(claims, 1000);
      assert.equal(body, null);
      assert.match(got, fault, claims);
    }
  });
});
