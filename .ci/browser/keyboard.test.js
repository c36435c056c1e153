// Uses the page without a mouse.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { expectVerdict, open, service, textOf, until } from "./visit.js";

describe("with the keyboard only", () => {
  test("from the first field to the verdict", async () => {
    const page = await open();
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.dataset.copy || document.activeElement.value || document.activeElement.textContent.trim());
    const tabTo = async (...wanted) => {
      for (const want of wanted) {
        await page.keyboard.press("Tab");
        assert.equal(await focused(), want);
        assert.ok(await page.evaluate(focusShows), `the focus on ${want} is not visible`);
      }
    };
    await tabTo("Skip to Inspect", "detect");
    await page.keyboard.press("ArrowRight");
    assert.equal(await focused(), "text");
    await tabTo("data");
    await page.keyboard.type("by hand");
    await tabTo("+ sub");
    await page.keyboard.press("Enter"); // which goes to the claim
    assert.equal(await focused(), "mint-claims");
    await page.keyboard.type("grace");
    await tabTo("Does not expire", "5 min", "1 hour", "1 day", "lifetime");
    await page.keyboard.type("5");
    await tabTo("unit");
    await page.keyboard.press("ArrowDown"); // hours
    await tabTo("Mint token");
    await page.keyboard.press("Enter");
    await until("a token", async () => (await textOf(page, "#mint-status")) === "Minted.");
    await tabTo("minted-token", "carry", "minted-token", "copy-header", "copy-curl", "forget", "The same call with curl");
    await page.keyboard.press("Enter");
    await tabTo("mint-command", "mint-command", "Many tokens from a file", "token");
    for (const back of ["Many tokens from a file", "mint-command", "mint-command", "The same call with curl", "forget", "copy-curl", "copy-header", "minted-token", "carry"]) {
      await page.keyboard.press("Shift+Tab");
      assert.equal(await focused(), back);
    }
    await page.keyboard.press("Enter"); // Inspect it
    assert.equal(await focused(), "token");
    await expectVerdict(page, "verified", /The service's key/);
    await tabTo("key");
    await page.keyboard.type(service.key);
    await tabTo("show-key");
    await page.keyboard.press("Space");
    assert.equal(await page.locator("#key").getAttribute("type"), "text");
    await tabTo("encoding", "Check signature");
    await page.keyboard.press("Space");
    await expectVerdict(page, "verified", /This key signed/);
    assert.match(await textOf(page, "#summary"), /expires in 4 hours 59 minutes|expires in 5 hours/);
    await tabTo("own-keys", "example", "Clear", '"typ"', '"iat"', "Edit and sign again");
    await page.keyboard.press("Enter");
    await tabTo("edit-header", "edit-claims");
    await page.keyboard.press("Control+Enter");
    await until("a signed token", async () => (await textOf(page, "#sign-status")) === "Signed.");
    await tabTo("sign-edited", "mint-edited", "take", "signed-token", "inspect-signed", "signed-token", "The same call with curl");
    await page.keyboard.press("Enter");
    await tabTo("with-key");
    await page.keyboard.press("Space");
    await tabTo("inspect-command", "inspect-command");
    await tabTo("Mint with curl");
    await page.keyboard.press("Enter");
    await tabTo("mint-example", "mint-example");
    await tabTo("Inspect with curl", "Sign with curl", "Ask the gate with curl", "Introspect with curl", "openapi.yaml");
  });

  test("the first link leads to Inspect", async () => {
    const page = await open();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), "token");
  });

  test("Ctrl+Enter sends from a multiline field", async () => {
    const page = await open();
    await page.locator("#data").fill("x");
    await page.locator("#data").press("Control+Enter");
    await until("a token", async () => (await textOf(page, "#mint-status")) === "Minted.");
    await page.locator("#key").fill("k");
    await page.locator("#token").fill(await page.locator("#minted-token").textContent());
    await page.locator("#token").press("Control+Enter");
    await expectVerdict(page, "rejected", /./);
  });
});

// focusShows runs in the page. It reports whether the focused element or one near
// it has an outline.
function focusShows() {
  const focus = document.activeElement;
  return [focus, focus.nextElementSibling, focus.parentElement].some((element) => {
    const style = element && getComputedStyle(element);
    return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
}
