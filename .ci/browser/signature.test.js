// Says who can check the signature of a token, by its header and claims.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

const { read } = await import(join(process.env.PAGE, "json.js"));
const { obstacle, sealed } = await import(join(process.env.PAGE, "signature.js"));

const membersOf = (value) => read(typeof value === "string" ? value : JSON.stringify(value)).members;

// Each row is a header, claims, and what to say about them; nothing if the service can
// check the signature.
const obstacles = [
  [{ alg: "HS256" }, {}, /^$/],
  [{ typ: "JWT", alg: "HS384", kid: "a" }, { iss: "https://login.example.com" }, /^$/],
  ['{"alg":"HS\\u0035\\u00312"}', {}, /^$/],

  [
    { alg: "RS256", kid: "2026-01" },
    { iss: "https://login.example.com/" },
    /^It takes the issuer's public key \(RSA, kid 2026-01\) to check RS256\. This service checks HS256, HS384, HS512\. If that is the issuer you expect, look for jwks_uri in https:\/\/login\.example\.com\/\.well-known\/openid-configuration\.$/,
  ],
  [{ alg: "RS512" }, {}, /^It takes the issuer's public key \(RSA\) to check RS512\. This service checks HS256, HS384, HS512\.$/],
  [{ alg: "PS384" }, { iss: "joe" }, /public key \(RSA\) to check PS384\. .* HS512\.$/],
  [{ alg: "ES256" }, { iss: "http://login.example.com" }, /public key \(elliptic curve\) to check ES256\. .* HS512\.$/],
  [{ alg: "ES256K", kid: 7 }, { iss: 7 }, /public key \(elliptic curve\) to check ES256K/],
  [{ alg: "EdDSA" }, {}, /public key \(Edwards curve\) to check EdDSA/],
  [{ alg: "Ed25519" }, {}, /public key \(Edwards curve\) to check Ed25519/],

  [{ alg: "none" }, {}, /^The algorithm is none: nobody signed this token, so anybody can change it\.$/],
  [{ alg: "None" }, {}, /nobody signed this token/],
  [{ alg: "hs512" }, {}, /^The algorithm is hs512, but alg is case-sensitive \(RFC 7515 §4\.1\.1\): it must be HS512\.$/],
  [{ alg: "HS1" }, {}, /^This service does not know the algorithm HS1\. It checks HS256, HS384, HS512\.$/],
  [{ alg: "RS1" }, {}, /does not know the algorithm RS1\./],
  [{ alg: "ES512K" }, {}, /does not know/],
  [{ alg: "a\u202eb" }, {}, /does not know the algorithm a\\u202eb\./],
  [{ alg: "" }, {}, /^The alg in the header is empty\.$/],
  [{}, { alg: "HS256" }, /^The header has no alg, so nobody knows how to check the signature\.$/],
  [{ alg: 256 }, {}, /^The alg in the header is not a string\.$/],
  [{ alg: null }, {}, /is not a string/],
  [{ alg: ["HS256"] }, {}, /is not a string/],
  [{ alg: "HS256", crit: ["exp"] }, {}, /^The header has crit: /],
  [{ alg: "RS256", crit: [] }, {}, /^The header has crit: /],
];

test("obstacle", () => {
  for (const [header, claims, words] of obstacles) {
    assert.match(obstacle(membersOf(header), membersOf(claims)), words, JSON.stringify(header));
  }
});

test("sealed", () => {
  for (const [header, nested] of [
    [{ alg: "RSA-OAEP", enc: "A256GCM" }, false],
    [{ alg: "dir", enc: "A128GCM", cty: "JWT" }, true],
    [{ cty: "application/jwt" }, true],
    [{ cty: "json" }, false],
    [{ cty: null }, false],
  ]) {
    assert.match(sealed(membersOf(header)), nested ? /recipient's key\. Its cty says that a token is inside/ : /recipient's key\. A signed token may be inside\.$/);
  }
});
