// Finds barriers in a state of the page, all of whose parts it opens. The name of the
// state is for screenshots.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export async function expectNoBarriers(page, name) {
  await openAll(page);
  await screenshot(page, name);
  await page.evaluate(axe);
  const { violations, passes } = await page.evaluate(() =>
    globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
  );
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`), []);
  assert.ok(passes.some(({ id }) => id === "color-contrast"));
  // axe ignores text that is hidden from screen readers.
  for (const [text, ratio] of await page.evaluate(contrasts)) {
    assert.ok(ratio >= 4.5, `${text} has a contrast of ${ratio}`);
  }
}

// expectNothingCut checks that nothing reaches beyond the window, so that the page
// does not scroll sideways.
export async function expectNothingCut(page, name) {
  await openAll(page);
  const over = await page.evaluate(() =>
    [...document.querySelectorAll("body *")].filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5).map((element) => element.outerHTML.slice(0, 80)),
  );
  assert.deepEqual(over, [], name);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), name); // text can reach further than its element
  await screenshot(page, name);
}

const openAll = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));

// contrasts runs in the page. It returns the contrast of every colored part of a
// token.
function contrasts() {
  const luminance = (color) => {
    const [r, g, b] = color
      .match(/[\d.]+/g)
      .slice(0, 3)
      .map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return [...document.querySelectorAll(".token span, .legend span")].map((part) => {
    const box = part.closest(".box, .panel");
    const [low, high] = [getComputedStyle(part).color, getComputedStyle(box).backgroundColor].map(luminance).sort((a, b) => a - b);
    return [part.className, (high + 0.05) / (low + 0.05)];
  });
}

async function screenshot(page, name) {
  if (process.env.SCREENSHOTS) {
    await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true });
  }
}
