// Looks for barriers: contrast, narrow windows, color alone, motion.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { expectNoBarriers, expectNothingCut } from "./barriers.js";
import { check, expectTime, expectVerdict, mint, open, rfcToken, service, textOf, until } from "./visit.js";

describe("accessibility", () => {
  const states = {
    empty: async () => {},
    verified: async (page) => {
      await mint(page, '{"user": "ada", "id": 12345678901234567890, "roles": ["admin", null]}', { lifetime: "90", unit: "minutes" });
      await page.getByRole("button", { name: "Inspect it" }).click();
      await page.locator("#key").fill(service.key);
      await page.locator("#key").press("Enter");
      await expectVerdict(page, "verified", /./);
    },
    rejected: async (page) => {
      await mint(page, "some text");
      await check(page, rfcToken, "wrong");
      await expectVerdict(page, "rejected", /./);
    },
    invalid: async (page) => {
      const [header, claims] = ['{"alg":"RS256"}', '{"exp":"1764150000"}'].map((part) => Buffer.from(part).toString("base64url"));
      await check(page, `${header}.${claims}.AAAA`, "k");
      await expectVerdict(page, "uncheckable", /RS256/);
      await expectTime(page, "invalid", /exp is not a number/);
    },
    refused: async (page) => {
      await page.locator("#lifetime").fill("0");
      await page.getByRole("button", { name: "Mint token" }).click();
      await until("the error", async () => /status 400/.test(await textOf(page, "#mint-status")));
      await page.getByRole("radio", { name: "JSON" }).check();
      await page.locator("#lifetime").fill("x");
      await check(page, `"Bearer ${rfcToken.slice(0, 60)}`, "k");
      await expectVerdict(page, "unchecked", /status 400/);
    },
  };

  for (const colorScheme of ["light", "dark"]) {
    for (const [state, reach] of Object.entries(states)) {
      test(`${state}, ${colorScheme}`, async () => {
        const page = await open({ colorScheme });
        await reach(page);
        await expectNoBarriers(page, `${state}-${colorScheme}`);
      });
    }
  }

  test("the states of the signature differ in words and symbol, and the three frequent ones in color", async () => {
    const page = await open({ reducedMotion: "reduce" }); // a color in transition is that of neither state
    const looks = new Set();
    const look = () => page.locator("#verdict").evaluate((verdict) => [verdict.querySelector("h3"), verdict.querySelector(".symbol")].map((part) => part.textContent).concat(getComputedStyle(verdict).borderStyle, getComputedStyle(verdict).backgroundColor));
    for (const [state, key] of [["verified", service.key], ["rejected", "wrong"]]) {
      await check(page, await mint(page, "x"), key);
      await expectVerdict(page, state, /./);
      looks.add(JSON.stringify(await look()));
    }
    await page.getByRole("button", { name: "Clear" }).click();
    await expectVerdict(page, "unchecked", /./);
    looks.add(JSON.stringify(await look()));
    await states.invalid(page);
    looks.add(JSON.stringify(await look()));
    const columns = [...looks].map((text) => JSON.parse(text));
    assert.equal(new Set(columns.map(([words]) => words)).size, 4);
    assert.equal(new Set(columns.map(([, symbol]) => symbol)).size, 4);
    assert.equal(new Set(columns.map(([, , , background]) => background)).size, 3);
    const live = await page.locator("#verdict").evaluate(({ role, ariaLive, ariaAtomic }) => ({ role, ariaLive, ariaAtomic }));
    assert.deepEqual(live, { role: "status", ariaLive: "polite", ariaAtomic: "true" });
  });

  // 640 pixels are a window of 1280 at a zoom of 200 % (WCAG 2.2, 1.4.4).
  for (const width of [320, 640, 1280, 1920]) {
    test(`${width} pixels wide`, async () => {
      const page = await open({ viewport: { width, height: 900 } });
      for (const [state, reach] of Object.entries(states)) {
        await reach(page);
        await expectNothingCut(page, `${state}-${width}`);
        await page.reload();
      }
    });
  }

  test("the colors beneath the field line up with its text", async () => {
    for (const width of [320, 1280]) {
      const page = await open({ viewport: { width, height: 900 } });
      await page.locator("#token").fill(rfcToken.repeat(3));
      const [field, ink] = await page.evaluate(() =>
        ["token", "ink"].map((id) => {
          const element = document.getElementById(id);
          const { width, x, y } = element.getBoundingClientRect();
          const { font, lineHeight, padding, wordBreak, whiteSpace, letterSpacing } = getComputedStyle(element);
          return { height: element.scrollHeight, width, x, y, font, lineHeight, padding, wordBreak, whiteSpace, letterSpacing };
        }),
      );
      assert.deepEqual(field, ink);
    }
  });

  test("if the system chooses the colors, the field shows its own text", async () => {
    const page = await open({ forcedColors: "active" });
    const look = () => page.evaluate(() => [getComputedStyle(document.getElementById("token")).color, getComputedStyle(document.getElementById("ink")).visibility]);
    const [color, ink] = await look();
    assert.notEqual(color, "rgba(0, 0, 0, 0)");
    assert.equal(ink, "hidden");
    await page.emulateMedia({ forcedColors: "none" });
    assert.deepEqual(await look(), ["rgba(0, 0, 0, 0)", "visible"]);
  });

  test("nothing moves if the user prefers that", async () => {
    for (const [reducedMotion, moves] of [["reduce", false], ["no-preference", true]]) {
      const page = await open({ reducedMotion });
      const moving = await page.evaluate(() => [...document.querySelectorAll("*")].some((element) => /[1-9]/.test(getComputedStyle(element).transitionDuration + getComputedStyle(element).animationDuration)));
      assert.equal(moving, moves);
    }
  });
});
