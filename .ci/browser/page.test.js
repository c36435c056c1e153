// Checks what protects the page and what it is made of: its policy and its modules.

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

// moduleOf returns the address of a module of the page.
function moduleOf(page, name) {
  return page.evaluate((name) => performance.getEntriesByType("resource").find((entry) => entry.name.includes(`/assets/${name}.`)).name, name);
}

describe("the modules of the page", () => {
  test("JSON is read as JSON.parse reads it, with every literal unchanged", async () => {
    const page = await open();
    const wrong = await page.evaluate(async (json) => {
      const { read } = await import(json);
      let seed = 1;
      const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
      const scalars = ["0", "-0", "1.50", "12345678901234567890", "1e400", "-1.5E-7", '""', '"a\\u00e9\\"\\\\"', '"\\ud800"', "true", "false", "null"];
      const space = () => ["", "", " ", "\n", "\t\r "][random(5)];
      const value = (depth) => {
        const kind = depth > 4 ? 0 : random(3);
        const many = [...Array(random(4)).keys()];
        if (kind === 1) return `[${space()}${many.map(() => space() + value(depth + 1) + space()).join(",")}]`;
        if (kind === 2) return `{${space()}${many.map((i) => `${space()}"n${i}"${space()}:${space()}${value(depth + 1)}${space()}`).join(",")}}`;
        return scalars[random(scalars.length)];
      };
      const parse = (text) => {
        try {
          return JSON.stringify(JSON.parse(text));
        } catch {
          return null;
        }
      };
      const literals = (text) => (text.match(/"(?:[^"\\]|\\.)*"|[^\s{}[\],:"]+/g) ?? []).join(" ");
      const wrong = [];
      let valid = 0;
      for (let i = 0; i < 6000; i++) {
        let text = space() + value(0) + space();
        if (i % 2) {
          const at = random(text.length + 1);
          text = text.slice(0, at) + ["", ",", "}", "]", '"', "0", ":", "x", "-"][random(9)] + text.slice(at + random(2));
        }
        const { fault, pieces } = read(text);
        const shown = pieces.map((piece) => piece.text).join("");
        const twice = fault?.includes("twice");
        valid += fault === null;
        if (!twice && (fault === null) !== (parse(text) !== null)) wrong.push(`fault ${fault}: ${text}`);
        if (fault === null && (parse(shown) !== parse(text) || literals(shown) !== literals(text))) wrong.push(`shown as ${shown}: ${text}`);
        if (shown.replace(/\s/g, "") !== text.replace(/\s/g, "") && !/"[^"]*\s[^"]*"/.test(text)) wrong.push(`lost: ${text}: ${shown}`);
      }
      return valid > 2000 && valid < 5900 ? wrong : [`${valid} valid`];
    }, await moduleOf(page, "json"));
    assert.deepEqual(wrong, []);
  });

  test("faults in JSON", async () => {
    const page = await open();
    const texts = ["", '{"a":', '{"a', "[1 2]", '{"a":1,"a":2}', '{"a":1,"\\u0061":2}', "{}x", "{'a':1}", "[1,]", "01", "1.", "\ufeff{}", '{"a"\n :é}'];
    const faults = await page.evaluate(
      async ([json, texts]) => {
        const { read } = await import(json);
        return texts.map((text) => read(text).fault);
      },
      [await moduleOf(page, "json"), texts],
    );
    assert.deepEqual(faults, [
      "it ends too early",
      "it ends too early",
      "it ends too early",
      "syntax error at character 4",
      'the member "a" occurs twice in one object',
      'the member "\\u0061" occurs twice in one object',
      "syntax error at character 3",
      "syntax error at character 2",
      "syntax error at character 4",
      "syntax error at character 2",
      "syntax error at character 2",
      "syntax error at character 1",
      "syntax error at line 2, character 3",
    ]);
  });

  test("times in words", async () => {
    const page = await open();
    const cases = [
      ["exp", "999820"],
      ["exp", "1000000"],
      ["exp", "1000000.5"],
      ["exp", "1005399"],
      ["exp", "1e6"],
      ["iat", "999999"],
      ["iat", "1000060"],
      ["nbf", "1086400"],
      ["nbf", "0"],
      ["exp", "99999999999999999999"],
      ["exp", "-1e400"],
      ["exp", '"1000000"'],
      ["exp", "null"],
    ];
    const described = await page.evaluate(
      async ([time, cases]) => {
        const { describe } = await import(time);
        return cases.map(([claim, literal]) => describe(claim, literal, 1_000_000)).map(({ words, utc }) => `${words} | ${utc}`);
      },
      [await moduleOf(page, "time"), cases],
    );
    assert.deepEqual(described, [
      "expired 3 minutes ago | 1970-01-12T13:43:40Z",
      "expired just now | 1970-01-12T13:46:40Z",
      "expires in less than a second | 1970-01-12T13:46:40.500Z",
      "expires in 1 hour 29 minutes | 1970-01-12T15:16:39Z",
      "expired just now | 1970-01-12T13:46:40Z",
      "issued 1 second ago | 1970-01-12T13:46:39Z",
      "issued in the future: in 1 minute | 1970-01-12T13:47:40Z",
      "becomes valid in 1 day | 1970-01-13T13:46:40Z",
      "became valid 11 days 13 hours ago | 1970-01-01T00:00:00Z",
      "expires after the year 9999 | null",
      "expired before the year 1 | null",
      "not a time: it is not a number | null",
      "not a time: it is not a number | null",
    ]);
  });
});
