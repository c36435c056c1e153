// A first visit, without the README: a token is minted, inspected, broken and mended, by the
// words on the page alone.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";

import { decode, open, until } from "./visit.js";

// The README shows this much of the page.
const picture = { width: 1280, height: 1390 };

describe("a first visit", () => {
  test("mints, inspects, breaks and mends a token", async () => {
    const page = await open({ viewport: picture, timezoneId: "Europe/Paris", reducedMotion: "reduce" });
    const press = (name) => page.getByRole("button", { name, exact: true }).click();
    const reads = (words) => until(words, () => page.getByRole("heading", { name: words }).isVisible());

    await page.getByLabel("Data user_data").fill('{"user": "ada", "account": 12345678901234567890}');
    await press("1 hour");
    await press("Mint token");
    await press("Inspect it");
    await reads("Signature matches");
    await reads("Valid now");
    await takePicture(page);

    const token = page.getByLabel("Token", { exact: true });
    const whole = await token.inputValue();
    await token.press("End");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Backspace");
    await page.keyboard.type(whole.at(-2) === "A" ? "B" : "A");
    await reads("Signature does not match");
    await page.keyboard.press("Control+Z");
    await page.keyboard.press("Control+Z");
    await reads("Signature matches");
    assert.equal(await token.inputValue(), whole);

    await page.getByText("Edit and sign again").click();
    const claims = page.getByLabel("Claims", { exact: true }).last();
    await until("the claims", async () => (await claims.inputValue()).includes("ada"));
    await claims.fill((await claims.inputValue()).replace("ada", "grace"));
    await press("Mint with this service's key");
    await press("Inspect the signed token");
    await reads("Signature matches");
    assert.equal(JSON.parse(decode(await token.inputValue())).payload.data.user, "grace");
  });
});

async function takePicture(page) {
  if (process.env.SCREENSHOTS) {
    await page.evaluate(() => document.activeElement.blur());
    await page.mouse.move(0, 0);
    await page.screenshot({ path: join(process.env.SCREENSHOTS, "page.png") });
  }
}
