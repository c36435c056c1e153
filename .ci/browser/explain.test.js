// Explains what is in a token, without a browser.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";

const load = (name) => import(join(process.env.PAGE, name));
const { meanings } = await load("meanings.js");
const { lists } = await load("lists.js");
const { describe: describeTime, mistake, timeClaims } = await load("time.js");

const all = [...meanings.header, ...meanings.encryptedHeader, ...meanings.claims];

describe("meanings", () => {
  test("each is one or two short sentences with the section that defines it", () => {
    assert.ok(all.length > 80);
    for (const [name, { words, source }] of all) {
      assert.match(words, /^[A-Z].*[^. ]\.$/, name);
      assert.ok(words.split(". ").length <= 2, name);
      assert.ok(words.length <= 110, `${name} has ${words.length} characters`);
      assert.match(source, /^((RFC [1-9]\d{3}|OpenID Connect (Core|Front-Channel Logout)) §[1-9]\d*(\.[1-9]\d*)*|POST \/token of this service)$/, name);
    }
    for (const part of Object.values(meanings)) {
      assert.equal(new Set([...part.values()].map(({ words }) => words)).size, part.size);
    }
  });

  test("no name is explained twice", async () => {
    const text = await readFile(join(process.env.PAGE, "meanings.js"), "utf8");
    for (const part of ["header", "claims"]) {
      const rows = text.split(`const ${part} = [`)[1].split("\n];")[0].match(/^  \[/gm);
      assert.equal(meanings[part].size, rows.length, part);
    }
    assert.equal(meanings.encryptedHeader.size, meanings.header.size);
  });

  test("all names that the RFCs for JWS and JWT register are there, in the order of their sections", () => {
    const registered = {
      header: [["RFC 7515", 1, "alg jku jwk kid x5u x5c x5t x5t#S256 typ cty crit"]],
      claims: [["RFC 7519", 1, "iss sub aud exp nbf iat jti"], ["RFC 8693", null, "act scope client_id may_act"]],
    };
    for (const [part, groups] of Object.entries(registered)) {
      for (const [rfc, subsection, names] of groups) {
        names.split(" ").forEach((name, i) => {
          assert.equal(meanings[part].get(name)?.source, `${rfc} §4.${subsection === null ? "" : `${subsection}.`}${i + 1}`, name);
        });
      }
    }
    "jku jwk kid x5u x5c x5t x5t#S256".split(" ").forEach((name, i) => {
      assert.equal(meanings.encryptedHeader.get(name).source, `RFC 7516 §4.1.${i + 4}`, name);
    });
    for (const name of "azp nonce auth_time at_hash c_hash acr amr name email cnf roles groups entitlements sid payload".split(" ")) {
      assert.ok(meanings.claims.has(name), name);
    }
    for (const name of ["enc", "zip", "b64"]) {
      assert.ok(meanings.header.has(name), name);
    }
    for (const name of ["constructor", "__proto__", "", "role"]) {
      assert.equal(meanings.claims.get(name), undefined, name);
    }
  });
});

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

describe("times", () => {
  test("two units, down to the second", () => {
    const words = (seconds) => describeTime("exp", String(seconds), 0).words;
    assert.equal(words(299), "expires in 4 minutes 59 seconds");
    assert.equal(words(60), "expires in 1 minute");
    assert.equal(words(59), "expires in 59 seconds");
    assert.equal(words(3661), "expires in 1 hour 1 minute");
    assert.equal(words(-61), "expired 1 minute 1 second ago");
  });

  test("every time claim has words for the past, the present and the future", () => {
    assert.deepEqual(timeClaims, ["iat", "nbf", "exp", "auth_time", "updated_at"]);
    for (const claim of timeClaims) {
      assert.match(describeTime(claim, "1", 100).words, / 1 minute 39 seconds ago$/);
      assert.match(describeTime(claim, "100", 100).words, / just now$/);
      assert.match(describeTime(claim, "200", 100).words, / (?:in 1 minute 40 seconds|1 minute 40 seconds in the future)$/);
      assert.equal(mistake(claim, "200"), "");
    }
  });

  test("mistakes are explained", () => {
    assert.equal(mistake("exp", "1764150000000"), "exp seems to be in milliseconds, but RFC 7519 §2 counts in seconds. It probably means 2025-11-26T09:40:00Z: divide it by 1000.");
    assert.equal(mistake("iat", '"1764150000"'), "iat is not a number: remove the quotes. RFC 7519 §2 wants seconds since 1970, and others refuse the token.");
    assert.equal(mistake("updated_at", '"2025-11-26T09:40:00Z"'), "updated_at is not a number. OpenID Connect Core §5.1 wants seconds since 1970.");
    assert.equal(mistake("exp", "1e400"), "exp is too large for a date. RFC 7519 §2 counts in seconds since 1970.");
  });
});
