// Mints tokens on the page.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { decode, hold, mint, open, textOf, until, visits } from "./visit.js";

describe("mint", () => {
  test("text", async () => {
    const page = await open();
    const token = await mint(page, `it's "this" <b>test</b> \\ é 😀`);
    assert.equal(await textOf(page, "#data-kind"), "Sent as text.");
    assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]{86}$/);
    assert.equal(JSON.parse(decode(token)).payload.data, `it's "this" <b>test</b> \\ é 😀`);
    const colors = await page.locator("#minted-token > :not(.dot)").evaluateAll((parts) => parts.map((part) => getComputedStyle(part).color));
    assert.equal(new Set(colors).size, 3);
  });

  test("JSON, with every literal unchanged", async () => {
    const page = await open();
    const token = await mint(page, ' {"id": 12345678901234567890, "b": 1.50, "a": [1e400, "\\u00e9"]} ', { kind: "Detect", lifetime: "2", unit: "hours" });
    assert.match(await textOf(page, "#data-kind"), /JSON: an object/);
    assert.equal(await textOf(page, "#lifetime-hint"), "Sent as expires_in, in seconds: 7200.");
    const claims = decode(token);
    assert.ok(claims.includes('"data":{"id":12345678901234567890,"b":1.50,"a":[1e400,"\\u00e9"]}'), claims);
    const { iat, exp } = JSON.parse(claims);
    assert.equal(exp, iat + 7200);
  });

  test("data that looks like JSON, as text", async () => {
    const page = await open();
    for (const [data, kind, says, want] of [
      ["42", "Detect", "Sent as JSON: a number.", 42],
      ["42", "Text", "Sent as text.", "42"],
      ["null", "Detect", "Sent as text.", "null"],
      ["", "Detect", "Empty: sent as an empty string.", ""],
      ['{"a":1,}', "Text", "Sent as text.", '{"a":1,}'],
      ['1,"expires_in":9', "Detect", "Sent as text.", '1,"expires_in":9'],
      ['"quoted"', "JSON", "Sent as JSON: a string.", "quoted"],
    ]) {
      const token = await mint(page, data, { kind });
      assert.equal(await textOf(page, "#data-kind"), says, data);
      assert.equal(JSON.parse(decode(token)).payload.data, want, data);
      await page.reload();
    }
  });

  test("what is not JSON is not sent as JSON", async () => {
    const page = await open();
    await page.getByRole("radio", { name: "JSON" }).check();
    await page.locator("#data").fill('1,"expires_in":9');
    await page.getByRole("button", { name: "Mint token" }).click();
    assert.match(await textOf(page, "#mint-status"), /Nothing was sent/);
    assert.match(await textOf(page, "#data-kind"), /not JSON yet: text after the end \(line 1, character 2\)/);
    assert.equal(await page.locator("#data").getAttribute("aria-invalid"), "true");
    assert.equal(await page.evaluate(() => document.activeElement.id), "data");
    assert.ok(await page.locator("#minted").isHidden());
  });

  test("what begins like JSON but is not is sent only as text", async () => {
    const page = await open();
    for (const data of ['{"a":1,}', ' [1, 2', '{"a":1}\n{"a":2}', "{a}", '{"a":"\\ud800"}']) {
      await page.locator("#data").fill(data);
      await page.locator("#data").press("Control+Enter");
      assert.match(await textOf(page, "#mint-status"), /Nothing was sent/, data);
      assert.match(await textOf(page, "#data-kind"), /^This begins like JSON, but is not: .+\. Correct it, or choose Text\.$/, data);
      assert.equal(await page.locator("#data").getAttribute("aria-invalid"), "true");
      assert.match(await page.locator("#mint-command").textContent(), /^# Nothing to send yet/);
    }
    assert.ok(!visits[0].requests.some((url) => url.endsWith("/token")));
    await page.locator("#data").fill('{\n"a":1,}');
    assert.match(await textOf(page, "#data-kind"), /a comma before \} \(line 2, character 6\)/);
    const token = await mint(page, '{"a":1,}', { kind: "Text" });
    assert.equal(JSON.parse(decode(token)).payload.data, '{"a":1,}');
  });

  test("lifetimes as buttons", async () => {
    const page = await open();
    const pressed = () => page.locator("[data-lifetime][aria-pressed=true]").allTextContents();
    assert.deepEqual(await pressed(), ["Does not expire"]);
    for (const [name, seconds] of [["5 min", 300], ["1 hour", 3600], ["1 day", 86400]]) {
      await page.getByRole("button", { name }).click();
      assert.deepEqual(await pressed(), [name]);
      assert.equal(await textOf(page, "#lifetime-hint"), `Sent as expires_in, in seconds: ${seconds}.`);
      const { iat, exp } = JSON.parse(decode(await mint(page, name)));
      assert.equal(exp - iat, seconds);
    }
    await page.locator("#lifetime").fill("24");
    assert.deepEqual(await pressed(), []);
    await page.locator("#unit").selectOption("hours");
    assert.deepEqual(await pressed(), ["1 day"]); // the same lifetime
    await page.locator("#lifetime").fill("x");
    assert.deepEqual(await pressed(), []);
    await page.getByRole("button", { name: "Does not expire" }).click();
    assert.deepEqual(await pressed(), ["Does not expire"]);
    assert.equal(await page.locator("#lifetime").inputValue(), "");
    assert.ok(!("exp" in JSON.parse(decode(await mint(page, "x")))));
  });

  test("errors appear in the service's own words", async () => {
    const page = await open();
    await page.locator("#lifetime").fill("0");
    await page.getByRole("button", { name: "Mint token" }).click();
    await until("the error", async () => /status 400: send expires_in as whole seconds from 1 to 3153600000/.test(await textOf(page, "#mint-status")));
    await page.locator("#lifetime").fill("an hour");
    assert.equal(await textOf(page, "#mint-status"), "");
    assert.equal(await textOf(page, "#lifetime-hint"), "Enter a whole number.");
    await page.locator("#lifetime").fill("");
    await page.getByRole("radio", { name: "JSON" }).check();
    await page.locator("#data").fill("null");
    assert.equal(await textOf(page, "#data-kind"), "null is no data. To mint the word, choose Text.");
  });

  test("a token of older data is marked", async () => {
    const page = await open();
    await mint(page, "first");
    assert.equal(await textOf(page, "#minted-stale"), "");
    await page.locator("#data").fill("second");
    assert.match(await textOf(page, "#minted-stale"), /before you changed the fields/);
  });

  test("the answer to an older request is not shown", async () => {
    const page = await open();
    const held = await hold(page, "**/token");
    await page.locator("#data").fill("first");
    await page.getByRole("button", { name: "Mint token" }).click();
    const release = await held();
    await mint(page, "second");
    await release({ status: 200, json: { "JWT Token": "old.old.old" } });
    await page.waitForTimeout(300);
    assert.equal(JSON.parse(decode(await page.locator("#minted-token").textContent())).payload.data, "second");
  });

  test("copying", async () => {
    const page = await open();
    const token = await mint(page, "copy me");
    await page.getByRole("button", { name: "Copy token" }).click();
    await until("Copied", async () => (await textOf(page, "#announcement")) === "Copied");
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), token);
  });
});
