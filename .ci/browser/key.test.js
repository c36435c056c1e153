// Pastes keys with line breaks.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, test } from "node:test";

import { expectNothingCut } from "./barriers.js";
import { open, textOf, until, verdictOf } from "./visit.js";

const left = "The field left out the line break at the end of the pasted text.";
const joined = (lines) => `The pasted text has ${lines} lines, which the field joined. Paste one line only: a key file of this service has one key in each line.`;

async function paste(page, text) {
  await page.evaluate((copied) => navigator.clipboard.writeText(copied), text);
  await page.locator("#key").focus();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Control+v");
}

function sign(key) {
  const input = [`{"alg":"HS256"}`, "{}"].map((segment) => Buffer.from(segment).toString("base64url")).join(".");
  return `${input}.${createHmac("sha256", key).update(input).digest("base64url")}`;
}

describe("a line break after a key", () => {
  for (const [name, lineBreak] of [
    ["LF", "\n"],
    ["CR LF", "\r\n"],
  ]) {
    test(`${name}, with which the token was signed`, async () => {
      const page = await open({ viewport: { width: 320, height: 900 } });
      await page.locator("#token").fill(sign(`a secret${lineBreak}`));
      await paste(page, `a secret${lineBreak}`);
      await until("the verdict", async () => (await verdictOf(page)) === "rejected");
      assert.equal(
        await textOf(page, "#verdict-reason"),
        `The signature does not match the key as sent, but it matches with a line break (${name}) at its end: enter the key in hex or base64, with that line break.`,
      );
      assert.equal(await textOf(page, "#key-hint"), left);
      await expectNothingCut(page, "key-line-break-320");
    });
  }

  test("is not part of the hexadecimal digits that the key looks like", async () => {
    const page = await open();
    await page.locator("#token").fill(sign("beef\r\n"));
    await page.locator("#encoding").selectOption("hex");
    await page.locator("#key").fill("beef");
    await until("the verdict", async () => (await verdictOf(page)) === "rejected");
    assert.match(await textOf(page, "#verdict-reason"), / it matches as utf8 with a line break \(CR LF\) at its end: enter the key in hex or base64, with that line break\.$/);
  });

  test("is left out of the key", async () => {
    const page = await open();
    await page.locator("#token").fill(sign("a secret"));
    await paste(page, "a secret\n");
    await until("the verdict", async () => (await verdictOf(page)) === "verified");
    assert.equal(await textOf(page, "#key-hint"), left);
  });
});

describe("the key field", () => {
  test("says what it does to line breaks", async () => {
    const page = await open();
    for (const [pasted, hint] of [
      ["key", ""],
      ["key\n", left],
      ["key\r\n", left],
      ["key\n\n", left],
      ["one\ntwo", joined(2)],
      ["one\r\ntwo\r\nthree\r\n", joined(3)],
      ["one\n\ntwo", joined(3)],
      ["\nkey", joined(2)],
    ]) {
      await paste(page, pasted);
      assert.equal(await textOf(page, "#key-hint"), hint, JSON.stringify(pasted));
    }
  });

  test("says what is not a key", async () => {
    const page = await open();
    for (const [pasted, hint] of [
      ['{"kty":"oct","k":"c2VjcmV0"}', /^This is a JSON Web Key \(RFC 7517\)\. Enter only the value of its member k/],
      ["-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n", /^This is a PEM file/],
      ['{"kty":"RSA","n":"AQAB","e":"AQAB"}', /^$/],
      ["secret", /^$/],
    ]) {
      await paste(page, pasted);
      assert.match(await textOf(page, "#key-hint"), hint);
    }
  });

  test("says so until it is edited", async () => {
    const page = await open();
    const edits = {
      typing: () => page.locator("#key").press("x"),
      undo: () => page.locator("#key").press("Control+z"),
      example: () => page.getByRole("button", { name: "Fill in an example" }).click(),
      clear: () => page.getByRole("button", { name: "Clear" }).click(),
    };
    for (const [name, edit] of Object.entries(edits)) {
      await paste(page, "key\n");
      assert.equal(await textOf(page, "#key-hint"), left);
      await edit();
      assert.equal(await textOf(page, "#key-hint"), "", name);
    }
  });

  test("says so while it shows the key, too", async () => {
    const page = await open();
    await page.getByRole("button", { name: "Show the key" }).click();
    await paste(page, "key\n");
    assert.equal(await page.locator("#key").inputValue(), "key");
    assert.equal(await textOf(page, "#key-hint"), left);
  });
});
