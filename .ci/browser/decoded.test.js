// Shows what the members of a token mean, and what is in its lists.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { expectNoBarriers, expectNothingCut } from "./barriers.js";
import { open, textOf, until } from "./visit.js";

const unsigned = (header, claims) => [...[header, claims].map((part) => Buffer.from(part).toString("base64url")), ""].join(".");
const inSeconds = (from) => Math.floor(Date.now() / 1000) + from;

const header = '{"typ":"JWT","alg":"HS512","x":{"alg":1}}';
const claims = `{"iss":"https://login.example.com","sub":"ada","aud":["shop","forum"],"exp":${inSeconds(599)},"iat":${inSeconds(-3700)},"auth_time":${inSeconds(-90000)},"scope":"read write","id":12345678901234567890,"roles":["admin",12345678901234567890,null],"payload":{"exp":1,"data":"x"},"own":{"sub":"no"}}`;

// inspecting opens the page with a token in the field.
async function inspecting(options, token = unsigned(header, claims)) {
  const page = await open(options);
  await page.locator("#token").fill(token);
  return page;
}

const nameIn = (page, part, name) => page.locator(`#${part}-json .explained`, { hasText: JSON.stringify(name) });
const meaningOf = async (page) => ((await page.locator("#meaning").isVisible()) ? (await textOf(page, "#meaning")).split(/\n+/) : null);
const exp = ["Expiration time: the token is no longer valid from this second on.", "RFC 7519 §4.1.4"];

// described returns the names that the tooltip describes.
const described = (page) => page.locator('[aria-describedby="meaning"]').allTextContents();
const focused = (page) => page.evaluate(() => document.activeElement.textContent);
const isClosed = (page) => until("the tooltip to close", () => page.locator("#meaning").isHidden());

// away moves the pointer to a place with no meaning.
const away = (page) => page.locator("#signature-size").hover();

describe("the meaning of a name", () => {
  test("only outermost names that are registered have one", async () => {
    const page = await inspecting();
    assert.deepEqual(await page.locator("#header-json .explained").allTextContents(), ['"typ"', '"alg"']);
    assert.deepEqual(await page.locator("#claims-json .explained").allTextContents(), ["iss", "sub", "aud", "exp", "iat", "auth_time", "scope", "roles", "payload"].map((name) => `"${name}"`));
    assert.ok(await page.locator("#meanings-hint").isVisible());
    await page.locator("#token").fill(unsigned("{}", '{"constructor":1,"__proto__":2}'));
    assert.equal(await page.locator(".explained").count(), 0);
    assert.ok(await page.locator("#meanings-hint").isHidden());
  });

  test("shows while the pointer is on the name or on the meaning", async () => {
    const page = await inspecting();
    await nameIn(page, "claims", "exp").hover();
    assert.deepEqual(await meaningOf(page), exp);
    assert.deepEqual(await described(page), ['"exp"']);
    await page.locator("#meaning-words").hover();
    await page.waitForTimeout(500); // longer than the pause after which it closes
    assert.deepEqual(await meaningOf(page), exp);
    await nameIn(page, "header", "alg").hover();
    assert.match((await meaningOf(page))[1], /^RFC 7515 §4\.1\.1$/);
    assert.deepEqual(await described(page), ['"alg"']);
    await away(page);
    await isClosed(page);
    assert.deepEqual(await described(page), []);
  });

  test("closes with Escape, wherever the focus is, and when the token changes", async () => {
    const page = await inspecting();
    await nameIn(page, "claims", "exp").hover();
    assert.deepEqual(await meaningOf(page), exp);
    await page.keyboard.press("Escape"); // the focus is in the field
    assert.equal(await meaningOf(page), null);
    await nameIn(page, "claims", "iss").hover();
    assert.notEqual(await meaningOf(page), null);
    await page.keyboard.type("x");
    assert.equal(await meaningOf(page), null);
  });

  test("the keyboard reaches each of them by one tab stop in each part", async () => {
    const page = await inspecting();
    await page.getByRole("button", { name: "Clear" }).focus();
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), '"typ"');
    assert.equal((await meaningOf(page))[1], "RFC 7515 §4.1.9");
    await page.keyboard.press("Tab");
    const seen = [await focused(page)];
    for (let name = null; name !== seen.at(-1); ) {
      name = seen.at(-1);
      assert.deepEqual(await described(page), [name]);
      await page.keyboard.press("ArrowDown");
      if ((await focused(page)) !== name) {
        seen.push(await focused(page));
      }
    }
    assert.deepEqual(seen, await page.locator("#claims-json .explained").allTextContents());
    await page.keyboard.press("Home");
    assert.equal(await focused(page), '"iss"');
    await page.keyboard.press("End");
    assert.equal(await focused(page), '"payload"');
    await page.keyboard.press("ArrowUp");
    assert.equal(await focused(page), '"roles"');
    await page.keyboard.press("Escape");
    assert.equal(await meaningOf(page), null);
    assert.equal(await focused(page), '"roles"');
    await page.keyboard.press("Enter");
    assert.equal((await meaningOf(page))[1], "RFC 9068 §2.2.3.1");
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "Edit and sign again");
    assert.equal(await meaningOf(page), null);
    await page.keyboard.press("Shift+Tab");
    assert.equal(await focused(page), '"roles"', "the part remembers where the focus was");
  });

  test("stays while its name has the focus, even if the pointer passes", async () => {
    const page = await inspecting();
    await page.getByRole("button", { name: "Clear" }).focus();
    await page.keyboard.press("Tab");
    await nameIn(page, "header", "typ").hover();
    await away(page);
    await page.waitForTimeout(500); // longer than the pause after which it closes
    assert.match((await meaningOf(page))[0], /^Type/);
    await page.locator("#inspect-title").click();
    assert.equal(await meaningOf(page), null);
  });

  test("opens with a tap and closes with a tap elsewhere", async () => {
    const page = await inspecting({ hasTouch: true, isMobile: true, viewport: { width: 390, height: 800 } });
    await nameIn(page, "claims", "exp").tap();
    assert.deepEqual(await meaningOf(page), exp);
    await page.locator("#meaning-words").tap();
    await page.waitForTimeout(500);
    assert.deepEqual(await meaningOf(page), exp);
    await nameIn(page, "claims", "iss").tap();
    assert.match((await meaningOf(page))[0], /^Issuer/);
    await page.locator("#signature-size").tap();
    assert.equal(await meaningOf(page), null);
  });

  for (const width of [320, 1280]) {
    test(`moves nothing and lies within the window, ${width} pixels wide`, async () => {
      const page = await inspecting({ viewport: { width, height: 700 } });
      const size = () => page.evaluate(() => [document.documentElement.scrollHeight, document.documentElement.scrollWidth, document.getElementById("signature-size").offsetTop]);
      const before = await size();
      for (const name of ["iss", "payload"]) {
        await nameIn(page, "claims", name).focus();
        await page.keyboard.press("Enter");
        assert.deepEqual(await size(), before);
        const { below, part, box, line } = await page.evaluate(() => {
          const box = document.getElementById("meaning").getBoundingClientRect();
          const line = document.activeElement.getBoundingClientRect();
          const part = document.activeElement.closest(".part").getBoundingClientRect();
          const at = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
          return { below: document.getElementById("meaning").contains(at), part, box, line };
        });
        assert.ok(below, "nothing covers it");
        assert.ok(box.left >= part.left && box.right <= part.right + 0.5 && box.right <= width && box.width > 0.9 * part.width);
        assert.ok(box.top >= 0 && box.bottom <= 700);
        assert.ok(Math.abs(box.top - line.bottom) < 2 || Math.abs(box.bottom - line.top) < 2);
      }
      await expectNothingCut(page, `meaning-${width}`);
    });
  }

  test("opens above its name at the end of the window", async () => {
    const page = await inspecting();
    const name = nameIn(page, "claims", "payload");
    await name.evaluate((element) => scrollTo(0, element.getBoundingClientRect().bottom + scrollY - innerHeight + 5));
    await name.hover();
    const [box, line] = [await page.locator("#meaning").boundingBox(), await name.boundingBox()];
    assert.ok(box.y >= 0 && box.y + box.height <= line.y + 1);
  });

  for (const colorScheme of ["light", "dark"]) {
    test(`has no barriers, ${colorScheme}`, async () => {
      const page = await inspecting({ colorScheme });
      await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
      await nameIn(page, "claims", "exp").hover();
      await expectNoBarriers(page, `meaning-${colorScheme}`);
      assert.deepEqual(await meaningOf(page), exp);
      assert.equal(await page.locator("#meaning").getAttribute("role"), "tooltip");
    });
  }
});

describe("JSON that is selected", () => {
  test("is the whole text", async () => {
    const page = await inspecting();
    await nameIn(page, "claims", "exp").click();
    for (const part of ["header", "claims"]) {
      const text = await page.evaluate((id) => {
        getSelection().selectAllChildren(document.getElementById(id));
        return getSelection().toString();
      }, `${part}-json`);
      assert.equal(text, await page.locator(`#${part}-json`).textContent());
      assert.equal(text.replaceAll(/\n */g, "").replaceAll('": ', '":'), part === "header" ? header : claims);
    }
  });

  test("no meaning is in the way of the pointer", async () => {
    const page = await inspecting();
    await page.locator("#claims-json").evaluate((json) => json.scrollIntoView());
    const [first, last] = [await nameIn(page, "claims", "iss").boundingBox(), await nameIn(page, "claims", "payload").boundingBox()];
    await page.mouse.move(first.x + 1, first.y + first.height / 2);
    assert.notEqual(await meaningOf(page), null);
    await page.mouse.down();
    await page.mouse.move(first.x + 1, first.y + 30, { steps: 5 });
    await page.mouse.move(last.x + last.width, last.y + last.height / 2, { steps: 10 });
    assert.equal(await meaningOf(page), null);
    await page.mouse.up();
    assert.equal(await meaningOf(page), null);
    const selected = await page.evaluate(() => getSelection().toString());
    assert.match(selected, /^"iss": "https:[^]*"payload"$/);
    assert.ok((await page.locator("#claims-json").textContent()).includes(selected));
  });
});

describe("the summary", () => {
  // rows returns the rows of the summary: a name and its texts.
  const rows = (page) => page.locator("#summary dt").evaluateAll((terms) => terms.map((term) => [term.textContent, ...[...term.nextElementSibling.querySelectorAll("li, span")].map((part) => part.textContent)]));

  test("has times in relative, local and UTC form, and lists item by item", async () => {
    const page = await inspecting();
    const found = await rows(page);
    const utc = (seconds) => new Date(seconds * 1000).toISOString().replace(".000", "");
    const { exp, auth_time } = JSON.parse(claims);
    assert.deepEqual(found.map(([name]) => name), ["iat", "exp", "auth_time", "scope", "aud", "roles"]);
    assert.match(found[1][1], /^expires in \d minutes?( \d+ seconds?)?$/);
    assert.match(found[1][2], /^\w+, .*GMT\+5:45$/);
    assert.equal(found[1][3], utc(exp));
    assert.deepEqual([found[2][1], found[2][3]], ["logged in 1 day 1 hour ago", utc(auth_time)]);
    assert.deepEqual(found.slice(3), [["scope", "read", "write"], ["aud", "shop", "forum"], ["roles", "admin", "12345678901234567890", "null"]]);
    await until("time to pass", async () => (await rows(page))[1][1] !== found[1][1]);
    assert.equal(await page.locator("#summary").evaluate((summary) => summary.closest("[aria-live], [role=status]")), null);
  });

  test("explains times that are mistakes", async () => {
    const page = await inspecting({}, unsigned('{"alg":"HS512"}', '{"exp":1764150000000,"iat":"1764150000"}'));
    assert.deepEqual(await rows(page), [
      ["iat", "iat is not a number: remove the quotes. RFC 7519 §2 wants seconds since 1970, and other implementations reject the token."],
      ["exp", "exp seems to be in milliseconds, but RFC 7519 §2 counts in seconds. It probably means 2025-11-26T09:40:00Z: divide it by 1000."],
    ]);
    const [iat, exp] = (await rows(page)).map(([, words]) => words);
    assert.equal(await textOf(page, "#time-note"), `${exp} ${iat}`, "the verdict agrees");
  });

  test("is hidden if there is nothing in it", async () => {
    const page = await inspecting({}, unsigned('{"alg":"HS512"}', '{"sub":"ada","scope":1}'));
    assert.ok(await page.locator("#summary").isHidden());
  });

  test("shows items as text, in bounds", async () => {
    const many = `{"aud":[${Array.from({ length: 120 }, (_, i) => `"${i}"`)}],"scope":"<b>x</b> ${"long".repeat(1000)}","r":["\u202eabc","😀${"😀".repeat(300)}"],${Array.from({ length: 40 }, (_, i) => `"${"n".repeat(400)}${i}":[1]`)}}`;
    const page = await inspecting({ viewport: { width: 320, height: 900 } }, unsigned('{"alg":"HS512"}', many));
    const found = await rows(page);
    assert.deepEqual(found[0], ["scope", "<b>x</b>", `${"long".repeat(50)}…`]);
    assert.deepEqual(found[1], ["aud", ...Array.from({ length: 50 }, (_, i) => String(i)), "and 70 more"]);
    assert.deepEqual(found[2], ["r", "\\u202eabc", `${"😀".repeat(200)}…`]);
    assert.equal(found.length, 21);
    assert.equal(await page.locator("#summary dd").last().textContent(), "23 more lists");
    await expectNothingCut(page, "summary-320");
  });

  test("a large list is counted", async () => {
    const page = await open();
    const token = unsigned('{"alg":"HS512"}', `{"aud":[${"1,".repeat(100_000)}1]}`);
    await page.locator("#token").evaluate((field, token) => {
      field.value = token;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }, token);
    assert.equal(await page.locator("#summary li").count(), 51);
    assert.equal(await page.locator("#summary li").last().textContent(), "and 99951 more");
  });
});
