// The meanings of registered names.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";

const { meanings } = await import(join(process.env.PAGE, "meanings.js"));

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
