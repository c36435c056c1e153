// Mints tokens for the lines of a file on the page.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { expectNoBarriers, expectNothingCut } from "./barriers.js";
import { credential, start } from "./service.js";
import { decode, hold, open, service, textOf, until } from "./visit.js";

// choose opens the part of the page and chooses a file.
async function choose(page, file) {
  await openPart(page);
  await page.locator("#volume-file").setInputFiles(file);
}

const openPart = (page) => page.locator("details:has(#volume)").evaluate((details) => (details.open = true));
const fileOf = (text) => ({ name: "data.txt", mimeType: "text/plain", buffer: Buffer.from(text) });

const begin = (page) => page.getByRole("button", { name: "Mint a token for each line" }).click();
const status = (page) => textOf(page, "#volume-status");
const ends = (page, words) => until(`${words}`, async () => words.test(await status(page)));

async function mintFile(page, text, words = /^Done: /) {
  await choose(page, fileOf(text));
  await begin(page);
  await ends(page, words);
}

// tokens downloads the file of tokens.
async function tokens(page) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download tokens.txt" }).click()]);
  assert.equal(download.suggestedFilename(), "tokens.txt");
  const text = await readFile(await download.path(), "utf8");
  assert.ok(text.endsWith("\n"));
  return text.trimEnd().split("\n");
}

const dataOf = (token) => JSON.parse(decode(token)).payload.data;
const faults = (page) => page.locator("#volume-faults-list li").allInnerTexts();
const focused = (page) => page.evaluate(() => document.activeElement.id);

// watch collects the bodies of the requests for tokens.
function watch(page) {
  const bodies = [];
  page.on("request", (request) => request.url().endsWith("/tokens") && bodies.push(request.postData()));
  return bodies;
}

async function expectVerified(token) {
  const response = await fetch(`${service.origin}/token/verify`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ Token: token }) });
  assert.equal((await response.json())["Signature Verification"], true);
}

// numbered returns JSON lines from 1 to count.
const numbered = (count) => Array.from({ length: count }, (_, i) => `{"user":${i + 1}}\n`).join("");

describe("a file of data", () => {
  test("becomes a file of tokens, in the same order", async () => {
    const page = await open();
    const bodies = watch(page);
    await page.locator("#lifetime").fill("2");
    await page.locator("#unit").selectOption("3600");
    await mintFile(page, numbered(2500));
    assert.equal(await status(page), "Done: 2,500 tokens.");
    assert.equal(await textOf(page, "#volume-count"), "2,500 lines read: 2,500 tokens.");
    assert.equal(await page.locator("#volume-progress").evaluate((bar) => bar.value), 1);
    assert.deepEqual(bodies.map((body) => body.split("\n").length), [1000, 1000, 500]);
    const minted = await tokens(page);
    assert.deepEqual(minted.map((token) => dataOf(token).user), Array.from({ length: 2500 }, (_, i) => i + 1));
    for (const token of [minted[0], minted[999], minted[1000], minted[2499]]) {
      const { iat, exp } = JSON.parse(decode(token));
      assert.equal(exp, iat + 7200);
      await expectVerified(token);
    }
    assert.ok(await page.locator("#volume-faults").isHidden());
    assert.ok(await page.getByRole("button", { name: "Cancel" }).isHidden());
  });

  test("of some MB, with lines up to 250 KB", async () => {
    const page = await open();
    const bodies = watch(page);
    const sizes = [...Array(900).keys()].map((i) => (i % 300 === 7 ? 250_000 : i % 300 < 5 ? 100_000 : i % 100 === 50 ? 20_000 : 5 * (i % 150)));
    await mintFile(page, sizes.map((size) => `"${"x".repeat(size)}"\n`).join(""));
    assert.equal(await status(page), "Done: 900 tokens.");
    assert.deepEqual((await tokens(page)).map((token) => dataOf(token).length), sizes);
    assert.equal(bodies.join("\n").split("\n").length, 900); // none was sent twice
    assert.ok(bodies.every((body) => body.length <= 64 << 10 || !body.includes("\n")));
  });

  test("of text", async () => {
    const page = await open();
    await openPart(page);
    await page.getByLabel("Each line is").selectOption("text");
    await mintFile(page, '\ufeffada\r\n\r\n42\r\n1,"expires_in":9');
    assert.deepEqual((await tokens(page)).map(dataOf), ["ada", "42", '1,"expires_in":9']);
  });

  test("with wrong lines: these have no token, and the others do", async () => {
    const page = await open();
    await mintFile(page, Buffer.concat([Buffer.from('1\nada\n\nnull\n{"a":1,"a":2}\n1,"expires_in":9\n'), Buffer.from([0x22, 0xff, 0x22, 0x0a]), Buffer.from("2\n")]));
    assert.equal(await status(page), "Done: 2 tokens, and 5 lines without one.");
    const shown = await faults(page);
    assert.deepEqual(shown.map((fault) => fault.split(": ")[0]), ["Line 2", "Line 4", "Line 5", "Line 6", "Line 7"]);
    assert.match(shown[0], /not JSON: ada needs quotes \(character 1\); if the lines are text/);
    assert.match(shown[1], /send the data to sign in the member user_data/); // the service's own words
    assert.match(shown[4], /not UTF-8/);
    assert.equal(await textOf(page, "#volume-faults-count"), "tokens.txt has only the tokens of the other lines.");
    assert.deepEqual((await tokens(page)).map(dataOf), [1, 2]);

    await mintFile(page, "x\n".repeat(1500)); // a second run replaces the first
    assert.equal(await status(page), "Done: 0 tokens, and 1,500 lines without one.");
    assert.equal((await faults(page)).length, 20);
    assert.match(await textOf(page, "#volume-faults-count"), /These are the first 20 of 1,500\.$/);
    assert.ok(await page.locator("#volume-download").isHidden());
  });

  test("is not one array, and not binary", async () => {
    const page = await open();
    await mintFile(page, '[{"id":1},{"id":2}]\n', /^Done: 1 token\. Its data is the whole array: for a token for each element, /);
    await mintFile(page, "[\n1,\n2\n]\n", /^Done: 1 token, and 3 lines without one\.$/);
    assert.match((await faults(page))[0], /^Line 1: it is not JSON: the array has no closing \].*; each line must be JSON of its own\.$/);
    await page.locator("#volume-kind").selectOption("text");
    await mintFile(page, "\u0089PNG\0\n\0a\0b\n", /^Done: 0 tokens, and 2 lines without one\.$/);
    assert.match((await faults(page))[0], /^Line 1: it has a NUL character: the file must be text in UTF-8\.$/);
    assert.equal(await textOf(page, "#volume-faults-count"), "");
  });

  test("is asked for, and so are lines and a form without a fault", async () => {
    const page = await open();
    await openPart(page);
    await begin(page);
    assert.equal(await status(page), "Choose a file first.");
    assert.equal(await focused(page), "volume-file");
    for (const text of ["", "\n \r\n"]) {
      await mintFile(page, text, /^There is nothing to mint: the file is empty, has only blank lines, or is gone\.$/);
      assert.ok(await page.locator("#volume-download").isHidden());
    }
    await page.locator("#lifetime").fill("soon");
    await mintFile(page, "1", /^Nothing was sent: /);
    assert.equal(await focused(page), "lifetime");
  });
});

// interrupted mints 2,500 lines, and calls interrupt once the second request waits for its
// answer.
async function interrupted(page, interrupt, words) {
  let requests = 0;
  await page.route("**/tokens", (route) => (++requests === 2 ? interrupt(route) : route.continue()));
  await mintFile(page, numbered(2500), words);
}

async function expectFirstThousand(page) {
  assert.deepEqual((await tokens(page)).map((token) => dataOf(token).user), Array.from({ length: 1000 }, (_, i) => i + 1));
  assert.ok(await page.locator("#volume-cancel").isHidden());
}

describe("a run", () => {
  test("shows how far it is, and can be canceled", async () => {
    const page = await open();
    const bodies = watch(page);
    const cancel = async () => {
      assert.equal(await textOf(page, "#volume-count"), "1,000 lines read: 1,000 tokens.");
      assert.equal(await status(page), "Minting…");
      const part = await page.getByRole("progressbar", { name: "Read from the file" }).evaluate((bar) => bar.value);
      assert.ok(part > 0.35 && part < 0.45, `${part}`);
      await page.getByRole("button", { name: "Cancel" }).press("Enter");
    };
    await interrupted(page, cancel, /^Canceled\. Stopped at line 1,001: tokens\.txt has only tokens of the lines before it\.$/);
    assert.equal(await focused(page), "volume-start");
    await expectFirstThousand(page);
    assert.equal(bodies.length, 2);
  });

  test("ends when another file is chosen", async () => {
    const page = await open();
    const held = await hold(page, "**/tokens");
    await choose(page, fileOf("1\n"));
    await begin(page);
    const release = await held();
    await begin(page);
    assert.equal(await status(page), "Minting…"); // a second press begins no other run
    await mintFile(page, "2\n3\n");
    await release({ status: 200, contentType: "application/x-ndjson", body: '{"JWT Token":"old.old.old"}\n' });
    await page.waitForTimeout(300);
    assert.equal(await status(page), "Done: 2 tokens.");
    assert.deepEqual((await tokens(page)).map(dataOf), [2, 3]);
    const url = await page.locator("#volume-download").getAttribute("href");
    await page.evaluate(() => {
      globalThis.revoked = [];
      const revoke = URL.revokeObjectURL;
      URL.revokeObjectURL = (url) => (globalThis.revoked.push(url), revoke.call(URL, url));
    });
    await choose(page, fileOf("4\n"));
    assert.ok(await page.locator("#volume-result").isHidden());
    assert.equal(await status(page), "");
    await begin(page);
    await ends(page, /^Done: 1 token\.$/);
    assert.ok((await page.evaluate(() => globalThis.revoked)).includes(url));
    assert.notEqual(await page.locator("#volume-download").getAttribute("href"), url);
  });

  for (const [what, answer, words] of [
    ["the service has no room for it", (route) => route.fulfill({ status: 503, json: { status: 503, description: "too many large bodies and streams are in flight: send this one again in a second" } }), /status 503: too many .*\. Stopped at line 1,001: /],
    ["something else answers", (route) => route.fulfill({ status: 200, body: "<p>Log in</p>" }), /something in between, such as a proxy\. Stopped at line 1,001: /],
    ["a proxy loses lines", (route) => route.fulfill({ status: 200, body: '{"JWT Token":"a.b.c"}\n' }), /something in between, such as a proxy\. Stopped at line 1,001: /],
    ["the answer ends early", (route) => route.abort("connectionreset"), /cannot be reached.* Stopped at line 1,001: /],
  ]) {
    test(`ends when ${what}, and keeps the tokens`, async () => {
      const page = await open();
      await interrupted(page, answer, words);
      assert.match(await page.locator("#volume-status").getAttribute("class"), /failed/);
      await expectFirstThousand(page);
    });
  }

  test("ends when the service stops, and keeps the tokens", async (t) => {
    const other = await start();
    t.after(other.stop);
    const page = await open({}, other.origin);
    const stop = async (route) => {
      await other.stop();
      await route.continue();
    };
    await interrupted(page, stop, /^The service cannot be reached.* Stopped at line 1,001: /);
    await expectFirstThousand(page);
  });

  test("ends when the file is gone", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "tokenmint-"));
    t.after(() => rm(folder, { recursive: true }));
    const path = join(folder, "data.txt");
    await writeFile(path, `"${"x".repeat(250_000)}"\n`.repeat(20)); // more than is read at a time
    const page = await open();
    await page.route("**/tokens", (route) => rm(path, { force: true }).then(() => route.continue()));
    await choose(page, path);
    await begin(page);
    await ends(page, /^The file cannot be read\. It may have changed or moved: choose it again\. Stopped at line 4: /);
    assert.equal((await tokens(page)).length, 3);
    await writeFile(path, "1\n");
    await choose(page, path);
    await rm(path);
    await begin(page);
    await ends(page, /^There is nothing to mint: the file is empty, has only blank lines, or is gone\.$/);
  });
});

describe("a service that requires a credential", () => {
  let guarded;
  before(async () => (guarded = await start({ credential })));
  after(() => guarded?.stop());

  test("gets it with each request", async () => {
    const page = await open({}, guarded.origin);
    const sent = [];
    page.on("request", async (request) => sent.push((await request.allHeaders()).authorization));
    await choose(page, fileOf(numbered(1500)));
    await begin(page);
    await page.locator("#credential").fill(credential);
    await page.locator("#credential").press("Enter");
    await ends(page, /^Done: 1,500 tokens\.$/);
    assert.deepEqual(sent.filter((header) => header !== undefined), Array(2).fill(`Bearer ${credential}`));
    assert.equal((await tokens(page)).length, 1500);
  });

  test("mints nothing without it", async () => {
    const page = await open({}, guarded.origin);
    await choose(page, fileOf("1\n"));
    await begin(page);
    await page.locator("#credential-cancel").click();
    await ends(page, /^This service mints only with a credential\. Stopped at line 1\.$/);
    assert.ok(await page.locator("#volume-download").isHidden());
  });
});

describe("the part of the page", () => {
  test("is a barrier to nobody", async () => {
    const page = await open();
    await mintFile(page, `1\n${"x\n".repeat(30)}`);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await expectNoBarriers(page, `volume-${colorScheme}`);
    }
    for (const width of [320, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      await expectNothingCut(page, `volume-${width}`);
    }
  });

  test("says little to a screen reader", async () => {
    const page = await open();
    const heard = await page.evaluate(() => {
      const heard = (globalThis.heard = []);
      const region = document.querySelector("#volume-status");
      new MutationObserver(() => heard.push(region.textContent)).observe(region, { childList: true });
      return region.role;
    });
    assert.equal(heard, "status");
    await mintFile(page, numbered(20_000));
    assert.deepEqual(await page.evaluate(() => globalThis.heard), ["Minting…", "Done: 20,000 tokens."]);
  });

  test("keeps no token elsewhere", async () => {
    const page = await open();
    await mintFile(page, numbered(10));
    const [token] = await tokens(page);
    assert.ok(!(await page.content()).includes(token.split(".")[2]));
  });
});
