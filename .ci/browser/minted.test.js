// The tokens minted in a visit, and the ways to copy them.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { expectNoBarriers, expectNothingCut } from "./barriers.js";
import { expectVerdict, mint, open, service, textOf, until } from "./visit.js";

const newest = (page) => page.locator("#minted-token").textContent();
const rows = (page) => page.locator("#minted-list li");
const labels = (page) => page.locator("#minted-list .label").allTextContents();
const openList = (page) => page.locator("#minted-earlier summary").click();
const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());

// refuseClipboard makes the clipboard refuse, as it does if the user has denied access.
const refuseClipboard = (page) => page.evaluate(() => (navigator.clipboard.writeText = () => Promise.reject(new DOMException("", "NotAllowedError"))));

describe("the tokens minted in a visit", () => {
  test("the newest in full, the ten before it in a list", async () => {
    const page = await open();
    const tokens = [];
    for (let i = 0; i < 13; i++) {
      assert.equal(await page.locator("#minted-earlier").isVisible(), i > 1);
      tokens.unshift(await mint(page, `number ${i}`));
      await until("the newest", async () => (await newest(page)) === tokens[0]);
    }
    assert.equal(await textOf(page, "#minted-earlier summary"), "Minted earlier in this visit (10)");
    await openList(page);
    assert.deepEqual(await labels(page), Array.from({ length: 10 }, (_, i) => `number ${11 - i}`));
    for (const i of [0, 9]) {
      await rows(page).nth(i).getByRole("button", { name: "Copy" }).click();
      await until("the copy", async () => (await clipboard(page)) === tokens[i + 1]);
      await rows(page).nth(i).getByRole("button", { name: "Inspect" }).click();
      assert.equal(await page.locator("#token").inputValue(), tokens[i + 1]);
      await expectVerdict(page, "verified", /service's key/);
    }
    assert.match(await rows(page).first().locator(".moment").textContent(), /^\d\d:\d\d:\d\d$/);
  });

  test("each with what it was for", async () => {
    const page = await open();
    for (const [data, claims] of [
      ["\u202eevil\n  <b>text</b>\u200b", ""],
      ["😀".repeat(100), ""],
      ['{"user": "ada"}', ""],
      ["", ""],
      ["data", '{"aud": "x", "sub": "gr\\u0061ce"}'],
      ["", '{"aud": "x"}'],
      ["last", ""],
    ]) {
      await page.locator("#mint-claims").fill(claims);
      await mint(page, data);
    }
    assert.deepEqual(await labels(page), ["aud: x", "sub: grace", "empty text", '{"user":"ada"}', `${"😀".repeat(60)}…`, "\\u202eevil <b>text</b>\\u200b"]);
  });

  test("are forgotten at a button", async () => {
    const page = await open();
    const tokens = [await mint(page, "one"), await mint(page, "two")];
    await page.getByText("Edit and sign again", { exact: true }).click();
    await page.getByRole("button", { name: "Mint with this service's key" }).click();
    await until("a token", async () => (await textOf(page, "#sign-status")).startsWith("Minted."));
    tokens.push(await newest(page));
    assert.equal(await page.locator("#signed-token").textContent(), tokens[2]);
    await openList(page);
    assert.deepEqual(await labels(page), ["two", "one"]);
    await page.getByRole("button", { name: "Forget these tokens" }).click();
    assert.ok(await page.locator("#minted").isHidden());
    assert.match(await textOf(page, "#announcement"), /^The tokens are forgotten\./);
    assert.equal(await page.evaluate(() => document.activeElement.id), "data");
    const content = await page.content();
    assert.ok(!tokens.some((token) => content.includes(token.slice(0, 60)) || content.includes(token.split(".")[2])));
    await mint(page, "three");
    assert.ok(await page.locator("#minted-earlier").isHidden());
  });

  test("leave the focus where it is when another one comes", async () => {
    const page = await open();
    for (const data of ["one", "two"]) {
      await mint(page, data);
    }
    await openList(page);
    const inspect = rows(page).getByRole("button", { name: /^Inspect the token of .*, one$/ });
    await inspect.focus();
    await page.locator("#mint").evaluate((form) => form.requestSubmit());
    await until("another row", async () => (await rows(page).count()) === 2);
    assert.ok(await inspect.evaluate((button) => button === document.activeElement));
  });

  test("are gone after a reload", async () => {
    const page = await open();
    await mint(page, "one");
    await mint(page, "two");
    await page.reload();
    assert.ok(await page.locator("#minted").isHidden());
    assert.equal(await newest(page), "");
    assert.equal(await rows(page).count(), 0);
  });
});

describe("copying the newest token", () => {
  const ways = [
    ["Copy token", (token) => token],
    ["Copy as header", (token) => `Authorization: Bearer ${token}`],
    ["Copy as curl", (token) => `curl -sS ${service.origin}/auth \\\n  -i \\\n  -H 'Authorization: Bearer ${token}'`],
  ];

  test("as itself, as a header, as a command", async () => {
    const page = await open();
    await mint(page, "older");
    const token = await mint(page, "copy me");
    for (const [name, text] of ways) {
      await page.getByRole("button", { name }).click();
      await until(name, async () => (await clipboard(page)) === text(token));
      await until("Copied", async () => (await textOf(page, "#announcement")) === "Copied");
    }
    assert.ok(await page.locator("#minted-other").isHidden());
    assert.match(await textOf(page, "#minted-hint"), /^The command contains the token/);
    await mint(page, "next");
    assert.equal(await textOf(page, "#minted-hint"), "");
  });

  test("if the clipboard is refused, what to copy is shown and selected", async () => {
    const page = await open();
    const earlier = await mint(page, "older");
    const token = await mint(page, "copy me");
    await refuseClipboard(page);
    const expectSelected = (text) => until(text, () => page.evaluate((text) => getSelection().toString() === text, text));
    for (const [name, text] of ways) {
      await page.getByRole("button", { name }).click();
      await expectSelected(text(token));
      assert.match(await textOf(page, "#announcement"), /^Selected: copy it now/);
    }
    assert.ok(await page.locator("#minted-other").isVisible());
    assert.equal(await newest(page), token);
    await openList(page);
    await rows(page).first().getByRole("button", { name: "Copy" }).click();
    await expectSelected(earlier);
    await mint(page, "next");
    assert.ok(await page.locator("#minted-other").isHidden());
    assert.ok(!(await page.content()).includes("Authorization: Bearer eyJ"));
  });
});

describe("the list", () => {
  for (const colorScheme of ["light", "dark"]) {
    test(`has no barriers, ${colorScheme}`, async () => {
      const page = await open({ colorScheme, reducedMotion: "reduce" });
      for (const data of ["text", '{"user": "ada", "roles": ["admin", "editor"]}', "last"]) {
        await mint(page, data);
      }
      await refuseClipboard(page);
      await page.getByRole("button", { name: "Copy as curl" }).click();
      await page.locator("#minted-other").waitFor();
      await expectNoBarriers(page, `minted-${colorScheme}`);
      const names = await page.locator("#minted-list button").evaluateAll((buttons) => buttons.map((button) => button.ariaLabel));
      assert.equal(new Set(names).size, 4);
    });
  }

  test("fits a narrow window", async () => {
    const page = await open({ viewport: { width: 320, height: 900 } });
    await mint(page, "W".repeat(200));
    await mint(page, "last");
    await refuseClipboard(page);
    await openList(page);
    await rows(page).first().getByRole("button", { name: "Copy" }).click();
    await page.getByRole("button", { name: "Copy as curl" }).click();
    await expectNothingCut(page, "minted-320");
  });
});
