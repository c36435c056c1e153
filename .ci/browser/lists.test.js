// Finds the lists in claims.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";

const { lists } = await import(join(process.env.PAGE, "lists.js"));

describe("lists", () => {
  const found = (claims) => lists(new Map(Object.entries(claims))).map(({ name, items }) => [name, ...items]);

  test("scope and aud come first, then other arrays in their order", () => {
    assert.deepEqual(found({ amr: '["pwd", "otp"]', sub: '"ada"', aud: '"shop"', exp: "1", scope: '"read  write "' }), [
      ["scope", "read", "write"],
      ["aud", "shop"],
      ["amr", "pwd", "otp"],
    ]);
    assert.deepEqual(found({ scope: '["read","write all"]', aud: '["shop","forum"]' }), [
      ["scope", "read", "write all"],
      ["aud", "shop", "forum"],
    ]);
  });

  test("every item keeps its spelling", () => {
    assert.deepEqual(found({ ids: '[12345678901234567890, 1.50, 1e400, -0, true, null]' }), [["ids", "12345678901234567890", "1.50", "1e400", "-0", "true", "null"]]);
    assert.deepEqual(found({ texts: '["a\\u00e9\\"\\\\/", "\\u202ex", "", " ", "\\ud800", "[", "{"]' }), [["texts", 'aé"\\/', "\\u202ex", '""', '" "', '"\\ud800"', "[", "{"]]);
  });

  test("anything else is no list", () => {
    const nested = { a: "[{}]", b: "[[1]]", c: "[1,[2]]", d: '[1,{"e":2}]', f: "[[]]" };
    assert.deepEqual(found({ ...nested, scope: "1", aud: '{"a":"b"}', empty: "[]", text: '"a b"', none: "null" }), []);
    assert.deepEqual(found({ scope: '""', aud: "null" }), []);
  });
});
