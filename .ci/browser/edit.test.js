// Edits a token on the page and signs it again.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { credential, start } from "./service.js";
import { check, decode, expectTime, expectVerdict, mint, open, rfcKey, rfcToken, textOf, until } from "./visit.js";

const header = (token) => Buffer.from(token.split(".")[0], "base64url").toString();
const signButton = (page) => page.getByRole("button", { name: "Sign with the key above" });
const mintButton = (page) => page.getByRole("button", { name: "Mint with this service's key" });
const openEditor = (page) => page.getByText("Edit and sign again", { exact: true }).click();

// signed waits for a status that begins with a word, and returns the token.
async function signed(page, word) {
  await until(word, async () => (await textOf(page, "#sign-status")).startsWith(word));
  return page.locator("#signed-token").textContent();
}

describe("edit and sign again", () => {
  test("with the key in the form", async () => {
    const page = await open();
    await check(page, rfcToken, rfcKey, "base64url");
    await openEditor(page);
    assert.equal(await page.locator("#edit-header").inputValue(), '{\n  "typ": "JWT",\n  "alg": "HS256"\n}');
    assert.equal(await page.locator("#edit-claims").inputValue(), '{\n  "iss": "joe",\n  "exp": 1300819380,\n  "http://example.com/is_root": true\n}');
    await page.locator("#edit-claims").fill('{"iss":"joe","id":12345678901234567890,\n "n":1.50, "exp":9300819380}');
    await signButton(page).click();
    const token = await signed(page, "Signed.");
    assert.equal(header(token), '{"typ":"JWT","alg":"HS256"}');
    assert.equal(decode(token), '{"iss":"joe","id":12345678901234567890,"n":1.50,"exp":9300819380}');
    await page.getByRole("button", { name: "Copy the signed token" }).click();
    await until("the copy", async () => (await page.evaluate(() => navigator.clipboard.readText())) === token);
    await page.getByRole("button", { name: "Inspect the signed token" }).click();
    assert.equal(await page.locator("#token").inputValue(), token);
    await expectVerdict(page, "verified", /This key signed/);
    await expectTime(page, "valid", /expires in \d+ years/);
    assert.equal(await page.locator("#edit-claims").inputValue(), '{"iss":"joe","id":12345678901234567890,\n "n":1.50, "exp":9300819380}'); // as it was edited
    await page.locator("#token").fill(rfcToken);
    assert.match(await page.locator("#edit-claims").inputValue(), /1300819380/);
  });

  test("with another algorithm, or one that the service does not have", async () => {
    const page = await open();
    await check(page, rfcToken, rfcKey, "base64url");
    await openEditor(page);
    await page.locator("#edit-header").fill('{"alg":"HS384","kid":"a1"}');
    await page.locator("#edit-claims").press("Control+Enter");
    assert.equal(header(await signed(page, "Signed.")), '{"alg":"HS384","kid":"a1"}');
    await page.locator("#edit-header").fill('{"alg":"RS256"}');
    await signButton(page).click();
    await signed(page, "The service responded with status 400");
  });

  test("with the service's key", async () => {
    const page = await open();
    const first = await mint(page, '{"id":12345678901234567890}', { lifetime: "1", unit: "hours" });
    await page.getByRole("button", { name: "Inspect it" }).click();
    await openEditor(page);
    const claims = await page.locator("#edit-claims").inputValue();
    await page.locator("#edit-claims").fill(claims.replace("{", '{\n  "sub": "ada",').replace("12345678901234567890", "98765432109876543210"));
    await mintButton(page).click();
    const token = await signed(page, "Minted. The header, iat, jti and the date in payload come from the service.");
    const [before, now] = [first, token].map((each) => JSON.parse(decode(each)));
    assert.match(decode(token), /"data":\{"id":98765432109876543210\}/);
    assert.equal(now.sub, "ada");
    assert.notEqual(now.jti, before.jti);
    assert.ok(Math.abs(now.exp - before.exp) <= 1);
    await page.locator("#key").fill("wrong"); // which is for other tokens
    await page.getByRole("button", { name: "Inspect the signed token" }).click();
    await expectVerdict(page, "verified", /The service's key [0-9a-f]{8} signed/);
  });

  test("a fault is shown at its line", async () => {
    const page = await open();
    await openEditor(page);
    const sent = [];
    page.on("request", (request) => sent.push(request.url()));
    for (const [field, text, hint, line, caret] of [
      ["claims", '{\n  "a": 1,\n  b: 2\n}', /^! This cannot be signed: .*\(line 3, character 3\)\.$/, "  b: 2", 14],
      ["claims", '{\n  "a": 1,\n  "a": 2\n}', /twice.*\(line 3, character 3\)/, '  "a": 2', 14],
      ["claims", "[1,\n2]", /it is not a JSON object/, "[1,", 0],
      ["header", '{"alg":"HS256"', /no closing \}/, '{"alg":"HS256"', 14],
      ["header", '{"alg":"\\ud800"}', /lone surrogate/, '{"alg":"\\ud800"}', 8],
    ]) {
      const box = page.locator(`#edit-${field}`);
      const before = await box.inputValue();
      await box.fill(text);
      assert.match(await page.locator(`#edit-${field}-hint`).evaluate((element) => getComputedStyle(element, "::before").content.slice(1, -1) + element.textContent), hint);
      assert.equal(await box.getAttribute("aria-invalid"), "true");

      assert.equal(await page.locator(`#edit-${field}-ink .faulty`).textContent(), line);
      for (const button of field === "claims" ? [signButton, mintButton] : [signButton]) {
        await button(page).click();
        await signed(page, "Nothing was sent: see the hint below the field.");
        assert.deepEqual(await page.evaluate(() => [document.activeElement.id, document.activeElement.selectionStart]), [`edit-${field}`, caret]);
      }
      await box.fill(before);
      assert.equal(await textOf(page, `#edit-${field}-hint`), "");
      assert.equal(await box.getAttribute("aria-invalid"), "false");
    }
    assert.deepEqual(sent, []);
  });

  test("what cannot be sent", async () => {
    const page = await open();
    await openEditor(page);
    await signButton(page).click();
    await signed(page, "Enter the key above first");
    assert.equal(await page.evaluate(() => document.activeElement.id), "key");
    await page.keyboard.type("k");
    assert.equal(await textOf(page, "#sign-status"), "");
    await page.locator("#edit-claims").fill('{"exp":1}');
    await mintButton(page).click();
    await signed(page, "Nothing was sent: exp has passed");
    assert.equal(await page.evaluate(() => document.activeElement.id), "edit-claims");
    assert.ok(await page.locator("#signed").isHidden());
  });

  test("without a token, a new one begins", async () => {
    const page = await open();
    await openEditor(page);
    assert.equal(await page.locator("#edit-claims").inputValue(), "{}");
    await page.locator("#edit-claims").fill('{"sub":"ada"}');
    await page.locator("#key").fill("a key");
    await signButton(page).click();
    const token = await signed(page, "Signed.");
    assert.equal(header(token), '{"typ":"JWT","alg":"HS512"}');
    await page.getByRole("button", { name: "Inspect the signed token" }).click();
    await expectVerdict(page, "verified", /This key signed/);
  });

  test("without a key, the main button mints", async () => {
    const page = await open();
    const main = () => page.locator("#sign button.primary").textContent();
    await openEditor(page);
    assert.equal(await main(), "Mint with this service's key");
    await page.locator("#edit-header").fill("{"); // which is the service's own
    await page.locator("#edit-claims").fill('{"sub":"ada"}');
    await page.locator("#edit-claims").press("Control+Enter");
    assert.equal(JSON.parse(decode(await signed(page, "Minted."))).sub, "ada");
    await page.locator("#key").fill("k");
    assert.equal(await main(), "Sign with the key above");
    await page.getByRole("button", { name: "Clear" }).click();
    await until("the other button", async () => (await main()) === "Mint with this service's key");
    assert.ok(await page.locator("#signed").isHidden());
    assert.equal(await page.locator("#signed-token").textContent(), "");
    await page.locator("#token").fill(rfcToken);
    assert.match(await page.locator("#edit-claims").inputValue(), /"joe"/);
  });

  test("the fields follow the token until they are edited", async () => {
    const page = await open();
    const claims = () => page.locator("#edit-claims").inputValue();
    await openEditor(page);
    await page.locator("#token").fill(rfcToken);
    assert.match(await claims(), /"joe"/);
    await page.getByRole("button", { name: "Fill in an example" }).click();
    assert.match(await claims(), /this is test/);
    await page.locator("#edit-claims").fill('{"mine":true}');
    await page.locator("#token").fill(rfcToken);
    assert.equal(await claims(), '{"mine":true}');
    await signed(page, "These are your edits, not the token above.");
    await signButton(page).click();
    await signed(page, "Signed.");
    for (const change of [
      () => page.locator("#edit-claims").fill('{"mine":false}'),
      () => page.locator("#key").fill("another key"),
      () => page.locator("#encoding").selectOption("base64"),
    ]) {
      assert.equal(await textOf(page, "#signed-stale"), "");
      await change();
      assert.match(await textOf(page, "#signed-stale"), /before you changed the fields or the key/);
      await page.locator("#encoding").selectOption("utf8");
      await signButton(page).click();
      await signed(page, "Signed.");
    }
    await page.getByRole("button", { name: "Start from the token above" }).click();
    assert.match(await claims(), /"joe"/);
    assert.equal(await page.evaluate(() => document.activeElement.id), "edit-claims");
  });
});

describe("a service that requires a credential", () => {
  let guarded;
  before(async () => (guarded = await start({ credential })));
  after(() => guarded?.stop());

  test("gets it when an edited token is minted, and not when one is signed", async () => {
    const page = await open({}, guarded.origin);
    await openEditor(page);
    await page.locator("#key").fill("k");
    await signButton(page).click();
    await signed(page, "Signed.");
    await mintButton(page).click();
    await until("the question", () => page.locator("#credential").isVisible());
    await page.locator("#credential").fill(credential);
    await page.keyboard.press("Enter");
    const token = await signed(page, "Minted.");
    await page.getByRole("button", { name: "Inspect the signed token" }).click();
    await expectVerdict(page, "verified", /The service's key/);
    assert.deepEqual(Object.keys(JSON.parse(decode(token))), ["iat", "jti"]);
  });
});
