// Mints tokens with claims of their own on the page.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { expectNoBarriers, expectNothingCut } from "./barriers.js";
import { decode, mint, open, textOf, until, visits } from "./visit.js";

const field = (page) => page.locator("#mint-claims");
const hint = (page) => textOf(page, "#claims-hint");
const insert = (page, name) => page.getByRole("button", { name: `+ ${name}` }).click();
const selected = (page) => field(page).evaluate((field) => [document.activeElement === field, field.value.slice(field.selectionStart, field.selectionEnd)]);

// minted mints what is in the fields and returns the claims, as they are spelled.
async function minted(page) {
  await page.getByRole("button", { name: "Mint token" }).click();
  await until("a token", async () => (await textOf(page, "#mint-status")) === "Minted.");
  return decode(await page.locator("#minted-token").textContent());
}

// refused tries to mint and checks that the page sends nothing and leads to the field.
async function refused(page) {
  await page.getByRole("button", { name: "Mint token" }).click();
  assert.match(await textOf(page, "#mint-status"), /^Nothing was sent/);
  assert.equal(await field(page).getAttribute("aria-invalid"), "true");
  assert.equal(await page.evaluate(() => document.activeElement.id), "mint-claims");
  assert.match(await page.locator("#mint-command").textContent(), /^# Nothing to send yet/);
  assert.ok(!visits[0].requests.some((url) => url.endsWith("/token")));
}

describe("claims", () => {
  test("with every literal unchanged, after the data", async () => {
    const page = await open();
    await field(page).fill(' {"sub": "ada",\n "id": 12345678901234567890, "x": [1.50, "\\u00e9"]} ');
    assert.equal(await hint(page), "Sent as claims: sub, id, x.");
    const claims = decode(await mint(page, "data", { lifetime: "5", unit: "minutes" }));
    assert.match(claims, /"payload":\{"data":"data","date":"[-\d]+"\},"sub":"ada","id":12345678901234567890,"x":\[1\.50,"\\u00e9"\]\}$/);
    const { iat, exp } = JSON.parse(claims);
    assert.equal(exp - iat, 300);
  });

  test("without data", async () => {
    const page = await open();
    assert.equal(await hint(page), "Empty: no claims are sent.");
    await field(page).fill('{"sub": "ada"}');
    assert.equal(await textOf(page, "#data-kind"), "Empty: no user_data is sent, only the claims.");
    assert.match(await minted(page), /^\{"iat":\d+,"jti":"[0-9a-f]{32}","sub":"ada"\}$/);
    await page.getByRole("radio", { name: "Text" }).check();
    assert.match(await minted(page), /"payload":\{"data":"",.*"sub":"ada"\}$/);
    await page.getByRole("radio", { name: "Detect" }).check();
    await field(page).fill("{}");
    assert.equal(await hint(page), "Sent as claims: an empty object.");
    assert.match(await minted(page), /^\{"iat":\d+,"jti":"[0-9a-f]{32}"\}$/);
    await field(page).fill(" ");
    assert.equal(await textOf(page, "#data-kind"), "Empty: sent as an empty string.");
    assert.match(await minted(page), /"payload":\{"data":"",/);
  });

  test("faults are shown at the field, and nothing is sent", async () => {
    const page = await open();
    for (const [text, says] of [
      ['{\n  "sub": "ada",\n}', /^This is not JSON yet: .*a comma before \} \(line 2, character 15\)/],
      ['{"sub":"ada","sub":"eve"}', /^This is not JSON yet: the member "sub" occurs twice/],
      ['["sub"]', /^Claims are a JSON object, such as \{"sub": "ada"\}\.$/],
      ["null", /^Claims are a JSON object/],
      ['{"sub":"ada","iat":1}', /^iat is set for every token: leave it out\.$/],
      ['{"jti":"x"}', /^jti is set for every token/],
      ['{"\\u0065xp":1}', /^exp comes from the field Lifetime; use that instead\.$/],
      ['{"payload":{}}', /^payload comes from the field Data; use that instead\.$/],
    ]) {
      await field(page).fill(text);
      assert.match(await hint(page), says, text);
      await refused(page);
    }
    await field(page).fill('{"a":{"iat":1}}'); // only at the top
    assert.equal(await hint(page), "Sent as claims: a.");
    assert.match(await minted(page), /"a":\{"iat":1\}\}$/);
    assert.equal(await field(page).getAttribute("aria-invalid"), "false");
  });

  test("what the service alone refuses is in its own words", async () => {
    const page = await open();
    await field(page).fill('{"aud": 5}');
    await page.getByRole("button", { name: "Mint token" }).click();
    await until("the error", async () => /status 400: .*aud must be a string or an array of strings/.test(await textOf(page, "#mint-status")));
  });

  test("the hint names a few claims, with invisible characters", async () => {
    const page = await open();
    const names = ["\u202eevil", "x".repeat(100), ...Array(20).keys()];
    await field(page).fill(JSON.stringify(Object.fromEntries(names.map((name) => [name, 1]))));
    assert.equal(await hint(page), `Sent as claims: 0, 1, 2, 3, 4, 5, 6, 7 and 14 more.`);
    await field(page).fill('{"\u202eevil": 1}');
    assert.equal(await hint(page), "Sent as claims: \\u202eevil.");
    assert.ok((await minted(page)).includes('"\\u202eevil":1'));
  });
});

describe("the options of a request", () => {
  test("are the fields other than Data, on one line", async () => {
    const page = await open();
    const options = () =>
      page.evaluate(async () => {
        const { name } = performance.getEntriesByType("resource").find(({ name }) => name.includes("/assets/mint.") && name.endsWith(".js"));
        return (await import(name)).options();
      });
    assert.equal(await options(), "");
    await page.locator("#data").fill("{"); // which does not matter
    await field(page).fill('{\n"sub": "\u200bada",\n\n"x": 1.50}');
    assert.equal(await options(), '"claims":{ "sub": "\\u200bada",  "x": 1.50}');
    await page.getByRole("button", { name: "5 min" }).click();
    assert.equal(await options(), '"claims":{ "sub": "\\u200bada",  "x": 1.50},"expires_in":300');
    for (const [id, text] of [["lifetime", "x"], ["mint-claims", "{"]]) {
      await page.locator(`#${id}`).fill(text);
      await page.locator("#data").focus();
      assert.equal(await options(), null);
      assert.equal(await page.evaluate(() => document.activeElement.id), id);
    }
  });
});

describe("the buttons that insert claims", () => {
  test("write an object, whose values can be typed over", async () => {
    const page = await open();
    await insert(page, "sub");
    assert.deepEqual(await selected(page), [true, "ada"]);
    await page.keyboard.type("grace");
    await insert(page, "aud");
    assert.deepEqual(await selected(page), [true, "orders"]);
    await insert(page, "scope");
    assert.equal(await field(page).inputValue(), '{\n  "sub": "grace",\n  "aud": "orders",\n  "scope": "read write"\n}');
    assert.equal(await hint(page), "Sent as claims: sub, aud, scope.");
    const { iat, jti, ...claims } = JSON.parse(await minted(page));
    assert.ok(iat > 0 && jti.length === 32);
    assert.deepEqual(claims, { sub: "grace", aud: "orders", scope: "read write" });
  });

  test("leave the rest alone, and a member that exists", async () => {
    const page = await open();
    await field(page).fill('{"sub":"x", "n":1.50}');
    await insert(page, "sub");
    assert.equal(await field(page).inputValue(), '{"sub":"x", "n":1.50}');
    assert.deepEqual(await selected(page), [true, "x"]);
    await insert(page, "aud");
    assert.equal(await field(page).inputValue(), '{"sub":"x", "n":1.50, "aud": "orders"}');
  });

  test("leave what is not an object, and say so", async () => {
    const page = await open();
    for (const [text, says] of [['{"a":1,}', /^Nothing was inserted\. This is not JSON yet/], ["[]", /^Nothing was inserted\. Claims are a JSON object/]]) {
      await field(page).fill(text);
      await insert(page, "sub");
      assert.equal(await field(page).inputValue(), text);
      assert.match(await hint(page), says);
      assert.equal(await page.evaluate(() => document.activeElement.id), "mint-claims");
      await page.keyboard.press("End");
      await page.keyboard.type(" ");
      assert.doesNotMatch(await hint(page), /inserted/);
    }
  });
});

describe("with claims, the panel", () => {
  test("goes from the data to the button in order", async () => {
    const page = await open();
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
    await page.locator("#data").focus();
    for (const want of ["+ sub", "+ aud", "+ scope", "mint-claims", "Does not expire", "5 min", "1 hour", "1 day", "lifetime", "unit", "Mint token"]) {
      await page.keyboard.press("Tab");
      assert.equal(await focused(), want);
    }
    await field(page).fill('{"sub": "ada"}');
    await field(page).press("Control+Enter");
    await until("a token", async () => (await textOf(page, "#mint-status")) === "Minted.");
  });

  for (const colorScheme of ["light", "dark"]) {
    test(`has no barriers, ${colorScheme}`, async () => {
      const page = await open({ colorScheme, reducedMotion: "reduce" });
      await page.getByRole("button", { name: "1 hour" }).click();
      await insert(page, "sub");
      await expectNoBarriers(page, `claims-${colorScheme}`);
      await field(page).fill('{"sub": "ada",\n}');
      await expectNoBarriers(page, `claims-fault-${colorScheme}`);
    });
  }

  test("fits a narrow window", async () => {
    const page = await open({ viewport: { width: 320, height: 900 } });
    await field(page).fill(`{"${"x".repeat(200)}": 1, "exp": 1}`);
    await expectNothingCut(page, "claims-320");
  });
});
