// Shows what is wrong with JSON and with tokens, and what is in an encrypted token.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { expectNoBarriers, expectNothingCut } from "./barriers.js";
import { open, textOf, verdictOf, visits } from "./visit.js";

const encode = (content) => Buffer.from(content).toString("base64url");
const jwe = (header) => [encode(header), "A".repeat(342), "A".repeat(16), "A".repeat(84), "A".repeat(22)].join(".");

describe("faults", () => {
  test("of data to mint, at their line", async () => {
    const page = await open();
    await page.getByRole("radio", { name: "JSON" }).check();
    for (const [data, fault] of [
      ['{\n  "a": 1,\n}', "a comma before } (line 2, character 9)"],
      ["{'a': 1}", `the quote ' instead of " (line 1, character 2)`],
      ['{\n  "a": [1,\n  2', "the array that begins on line 2 has no closing ] (line 3, character 4)"],
      ["", "it is empty"],
    ]) {
      await page.locator("#data").fill(data);
      assert.equal(await textOf(page, "#data-kind"), `This is not JSON yet: ${fault}.`);
    }
  });

  test("of the segments of a token", async () => {
    const page = await open();
    const header = encode('{"alg":"HS256"}');
    for (const [token, part, fault] of [
      [`${header}.e30=.AAAA`, "claims", "Decoded as far as possible: it is padded with =, which a JWT leaves out (character 4)"],
      [`${header}.${encode('{"a":"\\ud800"}')}.AAAA`, "claims", "Decoded as far as possible: \\ud800 is a lone surrogate, half a character (line 1, character 7)"],
      [`${encode('{"alg":"HS256",}')}.e30.AAAA`, "header", "Decoded as far as possible: a comma before } (line 1, character 15)"],
      [`${header}.e30.AAB`, "signature", "Decoded as far as possible: it is cut short, or its last character is wrong"],
      [`${header}..AAAA`, "claims", "It cannot be decoded: it is empty, so the signature may be over content that is sent separately"],
    ]) {
      await page.locator("#token").fill(token);
      assert.equal(await textOf(page, `#${part}-fault`), `${fault}.`);
    }
  });
});

describe("an encrypted token", () => {
  test("is shown as far as anybody can read it", async () => {
    const page = await open();
    await page.locator("#token").fill(`Authorization: Bearer ${jwe('{"alg":"RSA-OAEP","enc":"A256GCM","cty":"JWT"}')}`);
    assert.match(await textOf(page, "#token-hint"), /encrypted token \(JWE, RFC 7516\), which only its recipient can read\.$/);
    assert.match(await textOf(page, "#header-json"), /"enc": "A256GCM"/);
    assert.match(await textOf(page, "#encrypted-part"), /Nobody can read the claims without the recipient's key\./);
    assert.deepEqual((await textOf(page, "#encrypted-segments")).split("\n").filter((line) => line !== ""), [
      "Encrypted key", "256 bytes", "Initialization vector", "12 bytes", "Ciphertext", "63 bytes", "Authentication tag", "16 bytes",
    ]);
    assert.equal(await verdictOf(page), "uncheckable");
    assert.equal(await textOf(page, "#verdict-state"), "Signature cannot be checked here");
    assert.match(await textOf(page, "#verdict-reason"), /without the recipient's key\. Its cty says that a token is inside, which may be signed/);
    for (const id of ["#claims-part", "#signature-part", "#time-verdict"]) {
      assert.ok(await page.locator(id).isHidden(), id);
    }
  });

  test("nobody asks the service about it", async () => {
    const page = await open();
    await page.locator("#key").fill("k");
    await page.locator("#token").fill(jwe('{"alg":"dir","enc":"A256GCM"}'));
    await page.getByRole("button", { name: "Check signature" }).click();
    await page.getByRole("button", { name: "Check with this service's key" }).click();
    await page.waitForTimeout(600); // longer than the pause in typing
    assert.match(await textOf(page, "#verdict-reason"), /A signed token may be inside\.$/);
    assert.ok(!visits[0].requests.some((url) => url.endsWith("/token/verify")));
  });

  test("its faults, and the way back to a token that is signed", async () => {
    const page = await open();
    await page.locator("#token").fill(`${encode('{"alg":"dir","enc":"A256GCM",}')}..AA.A+AA.AA==`);
    assert.equal(await textOf(page, "#header-fault"), "Decoded as far as possible: a comma before } (line 1, character 29).");
    assert.match(await textOf(page, "#encrypted-segments"), /none: the recipient has the key already/);
    assert.match(await textOf(page, "#encrypted-segments"), /3 bytes\s.*\+ of ordinary base64[^]*1 byte\s.*padded with =/);
    await page.locator("#token").fill(`${encode('{"alg":"HS256"}')}.${encode('{"exp":1}')}.AAAA`);
    assert.ok(await page.locator("#encrypted-part").isHidden());
    for (const id of ["#claims-part", "#signature-part", "#time-verdict"]) {
      assert.ok(await page.locator(id).isVisible(), id);
    }
  });

  test("has no barriers, on a phone and in the dark", async () => {
    for (const options of [{}, { viewport: { width: 320, height: 900 }, colorScheme: "dark" }]) {
      const page = await open(options);
      await page.locator("#token").fill(`${jwe('{"alg":"dir","enc":"A256GCM"}')}=`);
      await expectNoBarriers(page, `encrypted-${options.colorScheme ?? "light"}`);
      await expectNothingCut(page, `encrypted-${options.colorScheme ?? "light"}`);
    }
  });
});
