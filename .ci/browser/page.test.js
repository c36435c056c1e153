// Checks what protects the page: its policy, and its warning about plain HTTP.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { insecureHost, mint, open, service, textOf, visits } from "./visit.js";

describe("the policy", () => {
  test("holds", async () => {
    const page = await open();
    const violations = await page.evaluate(async () => {
      const script = document.createElement("script");
      script.textContent = "globalThis.ran = true";
      document.body.append(script);
      document.body.setAttribute("style", "color: red");
      await fetch("http://127.0.0.1:9/").catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 100));
      return [...new Set(globalThis.violations.splice(0))].sort();
    });
    assert.deepEqual(violations, ["connect-src", "script-src-elem", "style-src-attr"]);
    assert.equal(await page.evaluate(() => globalThis.ran), undefined);
    visits[0].complaints.length = 0; // the console reports the violations, too
  });

  test("from another machine without TLS, the page warns and copying still works", async () => {
    const page = await open({ permissions: [] }, service.origin.replace("127.0.0.1", insecureHost));
    assert.equal(await page.evaluate(() => isSecureContext), false);
    assert.match(await textOf(page, ".promise"), /came over plain HTTP from another machine: anyone on the network path can read/);
    const token = await mint(page, "x");
    await page.getByRole("button", { name: "Copy token" }).click();
    assert.equal(await page.evaluate(() => getSelection().toString()), token);
    const local = await open();
    assert.ok(await local.locator("#in-the-clear").isHidden());
  });
});
