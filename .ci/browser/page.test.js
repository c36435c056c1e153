// Drives the page in Chromium against the built service.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";

import { chromium } from "playwright-core";

import { start } from "./service.js";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// A name for the machine itself that a browser does not take for secure.
const insecureHost = "tokenmint.test";

// How long anything may take, in milliseconds, on a machine with much to do.
const patience = Number(process.env.PATIENCE ?? 20_000);

// RFC 7515 A.1: HS256, and expired in 2011.
const rfcToken =
  "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const rfcKey = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

let service;
let browser;
before(async () => {
  service = await start();
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--host-resolver-rules=MAP ${insecureHost} 127.0.0.1`,
    ],
  });
});
after(async () => {
  await browser?.close();
  await service?.stop();
});

// A visit is one page in a context of its own, which is watched to the end.
let visits = [];
beforeEach(() => (visits = []));
afterEach(async () => {
  for (const visit of visits) {
    await checkQuiet(visit);
    await visit.context.close();
  }
});

async function open(options = {}, origin = service.origin) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    locale: "en-GB",
    timezoneId: "Asia/Kathmandu",
    permissions: ["clipboard-read", "clipboard-write"],
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  const visit = { context, page, origin, requests: [], complaints: [] };
  visits.push(visit);
  context.on("request", (request) => visit.requests.push(request.url()));
  page.on("pageerror", (error) => visit.complaints.push(String(error)));
  page.on("console", (message) => {
    // A status of 400 and a service that has gone are errors to the console, too.
    if (!message.text().startsWith("Failed to load resource")) {
      visit.complaints.push(message.text());
    }
  });
  await context.addInitScript(() => {
    globalThis.violations = [];
    addEventListener("securitypolicyviolation", (event) => globalThis.violations.push(event.violatedDirective));
  });
  await page.goto(origin);
  return page;
}

// checkQuiet checks that a visit asked nobody but its origin, broke no policy
// and left nothing behind.
async function checkQuiet({ context, page, origin, requests, complaints }) {
  assert.ok(requests.length > 5);
  for (const url of requests) {
    assert.ok(url.startsWith(`${origin}/`), `asked ${url}`);
    assert.doesNotMatch(url, /[?]|eyJ/);
  }
  assert.deepEqual(complaints, []);
  const left = await page.evaluate(async () => ({
    violations: globalThis.violations,
    local: localStorage.length,
    session: sessionStorage.length,
    cookie: document.cookie,
    databases: isSecureContext ? (await indexedDB.databases()).length : 0,
    caches: isSecureContext ? (await caches.keys()).length : 0,
    address: location.href.replace("#inspect-title", ""), // where the first link leads
    name: window.name,
  }));
  assert.deepEqual(left, { violations: [], local: 0, session: 0, cookie: "", databases: 0, caches: 0, address: `${origin}/`, name: "" });
  assert.deepEqual(await context.cookies(), []);
}

async function until(what, condition) {
  for (const end = Date.now() + patience; Date.now() < end; ) {
    if (await condition()) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`waited in vain: ${what}`);
}

const verdictOf = (page) => page.locator("#verdict").getAttribute("data-state");
const textOf = (page, selector) => page.locator(selector).innerText();

async function expectVerdict(page, state, reason) {
  await until(`${state} ${reason}`, async () => (await verdictOf(page)) === state && reason.test(await textOf(page, "#verdict")));
  const words = { unchecked: "Not checked", verified: "Verified", rejected: "Does not match" };
  assert.equal(await textOf(page, "#verdict-state"), words[state]);
}

async function mint(page, data, { lifetime, unit, kind } = {}) {
  await page.locator("#data").fill(data);
  if (kind) {
    await page.getByRole("radio", { name: kind }).check();
  }
  if (lifetime) {
    await page.locator("#lifetime").fill(lifetime);
    await page.locator("#unit").selectOption(unit);
  }
  await page.getByRole("button", { name: "Mint token" }).click();
  await until("a token", async () => (await textOf(page, "#mint-status")) === "Minted.");
  return page.locator("#minted-token").textContent();
}

async function check(page, token, key, encoding = "utf8") {
  await page.locator("#token").fill(token);
  await page.locator("#key").fill(key);
  await page.locator("#encoding").selectOption(encoding);
  await page.getByRole("button", { name: "Check signature" }).click();
}

const decode = (token) => Buffer.from(token.split(".")[1], "base64url").toString();

// moduleOf returns the address of one of the page's own modules.
function moduleOf(page, name) {
  return page.evaluate((name) => performance.getEntriesByType("resource").find((entry) => entry.name.includes(`/assets/${name}.`)).name, name);
}

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

  test("JSON, every literal as it is", async () => {
    const page = await open();
    const token = await mint(page, ' {"id": 12345678901234567890, "b": 1.50, "a": [1e400, "\\u00e9"]} ', { kind: "Detect", lifetime: "2", unit: "hours" });
    assert.match(await textOf(page, "#data-kind"), /JSON: an object/);
    assert.equal(await textOf(page, "#lifetime-hint"), "Sent as expires_in: 7200 seconds.");
    const claims = decode(token);
    assert.ok(claims.includes('"data":{"id":12345678901234567890,"b":1.50,"a":[1e400,"\\u00e9"]}'), claims);
    const { iat, exp } = JSON.parse(claims);
    assert.equal(exp, iat + 7200);
  });

  test("what looks like JSON, as text", async () => {
    const page = await open();
    for (const [data, kind, says, want] of [
      ["42", "Detect", "Sent as JSON: a number.", 42],
      ["42", "Text", "Sent as text.", "42"],
      ["null", "Detect", "Sent as text.", "null"],
      ["", "Detect", "Empty: sent as an empty string.", ""],
      ['{"a":1', "Detect", "Sent as text, because it is not JSON: it ends too early.", '{"a":1'],
      ['1,"expires_in":9', "Detect", "Sent as text.", '1,"expires_in":9'],
      ['"quoted"', "JSON", "Sent as JSON: a string.", "quoted"],
    ]) {
      const token = await mint(page, data, { kind });
      assert.equal(await textOf(page, "#data-kind"), says, data);
      assert.equal(JSON.parse(decode(token)).payload.data, want, data);
      await page.reload();
    }
  });

  test("what is no JSON is not sent as JSON", async () => {
    const page = await open();
    await page.getByRole("radio", { name: "JSON" }).check();
    await page.locator("#data").fill('1,"expires_in":9');
    await page.getByRole("button", { name: "Mint token" }).click();
    assert.match(await textOf(page, "#mint-status"), /Nothing was sent/);
    assert.match(await textOf(page, "#data-kind"), /not JSON yet: syntax error at character 2/);
    assert.equal(await page.locator("#data").getAttribute("aria-invalid"), "true");
    assert.equal(await page.evaluate(() => document.activeElement.id), "data");
    assert.ok(await page.locator("#minted").isHidden());
  });

  test("the service's errors are told in its words", async () => {
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
    await page.getByRole("button", { name: "Mint token" }).click();
    await until("the error", async () => /status 400: send the data to sign/.test(await textOf(page, "#mint-status")));
  });

  test("a token of older data says so", async () => {
    const page = await open();
    await mint(page, "first");
    assert.equal(await textOf(page, "#minted-stale"), "");
    await page.locator("#data").fill("second");
    assert.match(await textOf(page, "#minted-stale"), /before you changed the fields/);
  });

  test("an answer to an older request is not shown", async () => {
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

// hold keeps the first request to a route back. What it returns waits for that
// request, and returns what answers it.
async function hold(page, route) {
  let arrived;
  const first = new Promise((resolve) => (arrived = resolve));
  await page.route(route, (request) => arrived(request), { times: 1 });
  return async () => {
    const request = await first;
    return (answer) => request.fulfill(answer).catch(() => {}); // the page may have hung up
  };
}

describe("inspect", () => {
  test("from mint to verified", async () => {
    const page = await open();
    const token = await mint(page, '{"id":12345678901234567890}', { lifetime: "90", unit: "minutes" });
    await page.getByRole("button", { name: "Inspect it" }).click();
    assert.equal(await page.locator("#token").inputValue(), token);
    assert.equal(await page.evaluate(() => document.activeElement.id), "key");
    await expectVerdict(page, "unchecked", /not been asked/);
    await page.keyboard.type(service.key);
    await page.keyboard.press("Enter");
    await expectVerdict(page, "verified", /This key signed/);
    assert.match(await textOf(page, "#header-json"), /^\{\n  "typ": "JWT",\n  "alg": "HS512"\n\}$/);
    assert.match(await textOf(page, "#claims-json"), /\n      "id": 12345678901234567890\n/);
    assert.match(await textOf(page, "#times"), /issued .*ago|issued just now/);
    assert.match(await textOf(page, "#times"), /expires in 1 hour (29|30) minutes/);
    const { iat } = JSON.parse(decode(token));
    const utc = new Date(iat * 1000).toISOString().replace(".000", "");
    const local = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Kathmandu", hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(iat * 1000);
    assert.ok((await textOf(page, "#times")).includes(utc));
    assert.ok((await textOf(page, "#times")).includes(local));
  });

  test("a wrong key", async () => {
    const page = await open();
    const token = await mint(page, "x");
    await check(page, token, "another key");
    await expectVerdict(page, "rejected", /another key made it, or the header or the claims were changed since/);
  });

  test("the encodings of a key", async () => {
    const page = await open();
    await check(page, rfcToken, rfcKey, "base64url");
    await expectVerdict(page, "verified", /It has expired: \/auth would refuse it/);
    await check(page, rfcToken, Buffer.from(rfcKey, "base64url").toString("hex"), "hex");
    await expectVerdict(page, "verified", /expired/);
    await check(page, rfcToken, rfcKey, "utf8");
    await expectVerdict(page, "rejected", /does not match/);
    await check(page, rfcToken, "not hex", "hex");
    await expectVerdict(page, "unchecked", /status 400: undecodable key: the key is not hex/);
  });

  test("a token that nobody signed is never verified", async () => {
    const page = await open();
    const part = (value) => Buffer.from(value).toString("base64url");
    for (const [header, signature] of [['{"alg":"none"}', ""], ['{"alg":"HS512","crit":[]}', "AAAA"], ['{"alg":"HS512"}', ""]]) {
      await check(page, `${part(header)}.${part("{}")}.${signature}`, "k");
      await expectVerdict(page, "rejected", /./);
    }
  });

  test("malformed tokens, decoded as far as it goes", async () => {
    const page = await open();
    const token = await mint(page, "x");
    const [header, claims, signature] = token.split(".");
    for (const [pasted, hint, shown, reason] of [
      ["abc", /claims and the signature are missing/, /^$/, /three segments/],
      [header, /claims and the signature are missing/, /^$/, /three segments/],
      [`${header}.${claims.slice(0, 20)}`, /signature is missing/, /^\{\n  "iat"/, /three segments/],
      [`${header}.${claims}==.${signature}`, /^$/, /"date": "[0-9-]+"\n {2}\}\n\}$/, /padded with =/],
      [`${header}.${claims}.${signature}.`, /this has 4/, /"date"/, /three segments/],
      ["e30.e30.e30.e30.e30", /encrypted token \(JWE\)/, /^\{\}$/, /JWE/],
    ]) {
      await check(page, pasted, "k");
      await expectVerdict(page, "unchecked", reason);
      assert.match(await textOf(page, "#token-hint"), hint, pasted);
      assert.match(await textOf(page, "#claims-json"), shown, pasted);
    }
    await page.locator("#token").fill(`${header}.${claims}==.${signature}`);
    assert.match(await textOf(page, "#claims-fault"), /character \d+ is not in the base64url alphabet/);
  });

  test("decoding goes along with every character typed", async () => {
    const page = await open();
    const token = await mint(page, "x");
    for (let length = 0; length <= token.length; length += 7) {
      await page.locator("#token").fill(token.slice(0, length));
    }
    await page.locator("#token").fill(token);
    for (const part of ["header", "claims", "signature"]) {
      assert.ok(await page.locator(`#${part}-fault`).isHidden(), part);
    }
  });

  test("what stands around a token is taken off, and that is told", async () => {
    const page = await open();
    const token = await mint(page, "x");
    for (const [pasted, removed] of [
      [`Bearer ${token}`, /Ignored around the token: Bearer\.$/],
      [`  authorization: bearer  ${token}\r\n`, /white space, Authorization:, Bearer/],
      [`"${token}"\n`, /quotes/],
      [`'Bearer ${token}'`, /quotes, Bearer/],
      [token, /^$/],
    ]) {
      await check(page, pasted, service.key);
      await expectVerdict(page, "verified", /./);
      assert.match(await textOf(page, "#token-hint"), removed, pasted);
      assert.ok((await page.locator("#ink").textContent()).startsWith(await page.locator("#token").inputValue()));
    }
  });

  test("an expired token is verified, and expired", async () => {
    const page = await open();
    const token = await mint(page, "x", { lifetime: "1", unit: "seconds" });
    await page.locator("#token").fill(token);
    await until("the words to change", async () => /expired (just now|1 second ago)/.test(await textOf(page, "#times")));
    await check(page, token, service.key);
    await expectVerdict(page, "verified", /It has expired/);
    await until("the words to go on", async () => /expired 2 seconds ago/.test(await textOf(page, "#times")));
  });

  test("editing takes the verdict back at once", async () => {
    const page = await open();
    const token = await mint(page, "x");
    const edits = {
      token: () => page.locator("#token").press("End").then(() => page.keyboard.type("x")),
      key: () => page.locator("#key").press("x"),
      encoding: () => page.locator("#encoding").selectOption("hex"),
      example: () => page.getByRole("button", { name: "Fill in an example" }).click(),
      clear: () => page.getByRole("button", { name: "Clear" }).click(),
      carry: () => page.getByRole("button", { name: "Inspect it" }).click(),
    };
    for (const [name, edit] of Object.entries(edits)) {
      for (const [key, state] of [[service.key, "verified"], ["wrong", "rejected"]]) {
        await check(page, token, key);
        await expectVerdict(page, state, /./);
        await edit();
        await until(`unchecked after ${name}`, async () => (await verdictOf(page)) === "unchecked");
        assert.equal(await textOf(page, "#verdict-state"), "Not checked");
      }
    }
    await page.getByRole("button", { name: "Clear" }).click();
    await until("empty fields", async () => (await page.locator("#key").inputValue()) === "");
    assert.ok(await page.locator("#decoded").isHidden());
  });

  test("an answer to what was edited since is not shown", async () => {
    const page = await open();
    const token = await mint(page, "x");
    for (const edit of [() => page.locator("#key").press("x"), () => page.locator("#encoding").selectOption("hex")]) {
      await page.locator("#encoding").selectOption("utf8");
      const held = await hold(page, "**/token/verify");
      await check(page, token, service.key);
      const release = await held();
      await expectVerdict(page, "unchecked", /Asking/);
      await edit();
      await release({ status: 200, json: { Header: {}, Claims: {}, "Signature Verification": true } });
      await page.waitForTimeout(300);
      await expectVerdict(page, "unchecked", /not been asked/);
    }
    // Nor one that comes after the answer to a later question.
    await page.locator("#encoding").selectOption("utf8");
    const held = await hold(page, "**/token/verify");
    await check(page, token, service.key);
    const release = await held();
    await page.getByRole("button", { name: "Check signature" }).click();
    await expectVerdict(page, "verified", /./);
    await release({ status: 200, json: { Header: {}, Claims: {}, "Signature Verification": false, Reason: "old" } });
    await page.waitForTimeout(300);
    await expectVerdict(page, "verified", /./);
  });

  test("an answer that is not the service's own is no verdict", async () => {
    const page = await open();
    for (const answer of [{ status: 502, body: "<h1>Bad gateway</h1>" }, { status: 200, body: "{}" }, { status: 200, body: "null" }, { status: 200, body: '"Signature Verification"' }]) {
      await page.route("**/token/verify", (route) => route.fulfill(answer), { times: 1 });
      await check(page, rfcToken, rfcKey);
      await expectVerdict(page, "unchecked", new RegExp(`status ${answer.status}, is not from the service`));
    }
  });

  test("nothing is asked without a token or a key", async () => {
    const page = await open();
    await page.getByRole("button", { name: "Check signature" }).click();
    await expectVerdict(page, "unchecked", /Paste a token first/);
    await page.locator("#token").fill(rfcToken);
    await page.getByRole("button", { name: "Check signature" }).click();
    await expectVerdict(page, "unchecked", /Enter the key first/);
    assert.ok(!visits[0].requests.some((url) => /\/token(\/verify)?$/.test(url)));
  });

  test("the key is hidden until it is shown", async () => {
    const page = await open();
    const type = () => page.locator("#key").getAttribute("type");
    assert.equal(await type(), "password");
    await page.getByRole("button", { name: "Show the key" }).click();
    assert.equal(await type(), "text");
    await page.getByRole("button", { name: "Hide the key" }).click();
    assert.equal(await type(), "password");
    await page.getByRole("button", { name: "Show the key" }).click();
    await page.getByRole("button", { name: "Clear" }).click();
    assert.equal(await type(), "password");
  });

  test("what a token carries is text, and shows", async () => {
    const page = await open();
    const data = '<img src=x onerror="document.title=1"><script>document.title=1</script>\u202eabc\u0085';
    const token = await mint(page, data);
    await page.locator("#token").fill(token);
    const shown = await textOf(page, "#claims-json");
    assert.ok(shown.includes("<img src=x onerror="));
    assert.ok(shown.includes("\\u202eabc\\u0085"));
    assert.equal(await page.title(), "tokenmint");
    assert.equal(JSON.parse(decode(token)).payload.data, data);
  });

  test("the largest and the deepest token", async () => {
    const page = await open();
    for (const data of [`"${"x".repeat(262_000)}"`, "[".repeat(9997) + "]".repeat(9997), `[${"1,".repeat(100_000)}1]`]) {
      const token = await mint(page, data);
      await page.getByRole("button", { name: "Inspect it" }).click();
      await page.locator("#key").fill(service.key);
      await page.locator("#key").press("Enter");
      await expectVerdict(page, "verified", /./);
      assert.ok(await page.locator("#claims-fault").isHidden());
    }
  });
});

describe("the service has gone", () => {
  test("that is told, and is no verdict", async () => {
    const gone = await start();
    const page = await open({}, gone.origin);
    const token = await mint(page, "x");
    await check(page, token, gone.key);
    await expectVerdict(page, "verified", /./);
    await gone.stop();
    await page.getByRole("button", { name: "Check signature" }).click();
    await expectVerdict(page, "unchecked", /cannot be reached/);
    await page.getByRole("button", { name: "Mint token" }).click();
    await until("the error", async () => /cannot be reached/.test(await textOf(page, "#mint-status")));
  });
});

describe("the same call with curl", () => {
  const run = (command, input = "") => {
    const { stdout, stderr, status } = spawnSync("bash", ["-c", command], { input, encoding: "utf8", timeout: 10_000 });
    assert.equal(status, 0, stderr);
    return { answer: JSON.parse(stdout), stderr };
  };

  test("minting", async () => {
    const page = await open();
    await page.locator("#mint-command").evaluate((element) => (element.closest("details").open = true));
    for (const data of ["it's", `'"$HOME" \`id\` $(id) \\ !! %s \n\t end'`, '{"a": "it\'s \\" $(id)", "n": 1.50}', "@file", "-x", "\u202e\u007f"]) {
      await page.locator("#data").fill(data);
      const { answer } = run(await page.locator("#mint-command").textContent());
      const minted = JSON.parse(decode(answer["JWT Token"])).payload.data;
      assert.deepEqual(minted, data.startsWith("{") ? JSON.parse(data) : data);
    }
    await page.getByRole("button", { name: "Copy command" }).first().click();
    await until("Copied", async () => (await textOf(page, "#announcement")) === "Copied");
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await page.locator("#mint-command").textContent());
  });

  test("inspecting, with the key asked for", async () => {
    const page = await open();
    const token = await mint(page, "x");
    await page.locator("#key").fill("secret-key");
    for (const pasted of [token, `Bearer ${token}`]) {
      await page.locator("#token").fill(pasted);
      const command = await page.locator("#inspect-command").textContent();
      assert.ok(!command.includes("secret-key"));
      const { answer, stderr } = run(command, `${service.key}\n`);
      assert.equal(answer["Signature Verification"], true);
      assert.ok(stderr.startsWith("Signing key: "));
    }
    await page.locator("#token").fill(`it's "$(id)" %s \\`);
    assert.equal(spawnSync("bash", ["-c", await page.locator("#inspect-command").textContent()], { input: "k\n", encoding: "utf8" }).stdout.includes('"status":400'), true);
    await page.locator("#token").fill(rfcToken);
    await page.locator("#encoding").selectOption("base64url");
    assert.equal(run(await page.locator("#inspect-command").textContent(), `${rfcKey}\n`).answer["Signature Verification"], true);
  });

  test("inspecting, with the key in the command only where that is asked for", async () => {
    const page = await open();
    const { key } = service;
    const token = await mint(page, "x");
    await page.locator("#token").fill(token);
    await page.locator("#key").fill(key);
    assert.ok(!(await page.locator("body").textContent()).includes(key));
    await page.locator("#inspect-command").evaluate((element) => (element.closest("details").open = true));
    await page.getByLabel("Put the key").check();
    assert.match(await textOf(page, "#inspect-command-hint"), /history/);
    assert.equal(run(await page.locator("#inspect-command").textContent()).answer["Signature Verification"], true);
    await page.locator("#key").fill(`it's "\\ $(id)`);
    assert.equal(run(await page.locator("#inspect-command").textContent()).answer["Signature Verification"], false);
    await page.getByLabel("Put the key").uncheck();
    assert.ok(!(await page.locator("#inspect-command").textContent()).includes("$(id)"));
  });
});

describe("by keyboard alone", () => {
  test("from the first field to the verdict", async () => {
    const page = await open();
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.dataset.copy || document.activeElement.value || document.activeElement.textContent.trim());
    const tabTo = async (...wanted) => {
      for (const want of wanted) {
        await page.keyboard.press("Tab");
        assert.equal(await focused(), want);
        assert.ok(await page.evaluate(focusShows), `nothing shows that ${want} has the focus`);
      }
    };
    await tabTo("Skip to Inspect", "detect");
    await page.keyboard.press("ArrowRight");
    assert.equal(await focused(), "text");
    await tabTo("data");
    await page.keyboard.type("by hand");
    await tabTo("lifetime");
    await page.keyboard.type("5");
    await tabTo("unit");
    await page.keyboard.press("ArrowDown"); // hours
    await tabTo("Mint token");
    await page.keyboard.press("Enter");
    await until("a token", async () => (await textOf(page, "#mint-status")) === "Minted.");
    await tabTo("minted-token", "carry", "minted-token", "The same call with curl");
    await page.keyboard.press("Enter");
    await tabTo("mint-command", "mint-command", "token");
    await page.keyboard.press("Shift+Tab");
    for (const back of ["mint-command", "The same call with curl", "minted-token", "carry"]) {
      await page.keyboard.press("Shift+Tab");
      assert.equal(await focused(), back);
    }
    await page.keyboard.press("Enter"); // Inspect it
    assert.equal(await focused(), "key");
    await page.keyboard.type(service.key);
    await tabTo("show-key");
    await page.keyboard.press("Space");
    assert.equal(await page.locator("#key").getAttribute("type"), "text");
    await tabTo("encoding", "Check signature");
    await page.keyboard.press("Space");
    await expectVerdict(page, "verified", /./);
    assert.match(await textOf(page, "#times"), /expires in 4 hours 59 minutes|expires in 5 hours/);
    await tabTo("example", "Clear", "The same call with curl");
    await page.keyboard.press("Enter");
    await tabTo("with-key");
    await page.keyboard.press("Space");
    await tabTo("inspect-command", "inspect-command", "openapi.yaml");
  });

  test("the link at the start leads to Inspect", async () => {
    const page = await open();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), "token");
  });

  test("Ctrl+Enter sends from a field of many lines", async () => {
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

// focusShows runs in the page: something around the focus has an outline.
function focusShows() {
  const focus = document.activeElement;
  return [focus, focus.nextElementSibling, focus.parentElement].some((element) => {
    const style = element && getComputedStyle(element);
    return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
}

const openAll = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));

describe("for everyone", () => {
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
        await openAll(page);
        await screenshot(page, `${state}-${colorScheme}`);
        await page.evaluate(axe);
        const { violations, passes } = await page.evaluate(() =>
          globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
        );
        assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`), []);
        assert.ok(passes.some(({ id }) => id === "color-contrast"));
        // axe passes over text that is hidden from screen readers.
        for (const [text, ratio] of await page.evaluate(contrasts)) {
          assert.ok(ratio >= 4.5, `${text} has a contrast of ${ratio}`);
        }
      });
    }
  }

  test("the three states differ in words, mark and frame", async () => {
    const page = await open();
    const looks = new Set();
    const look = () => page.locator("#verdict").evaluate((verdict) => [verdict.querySelector("h3"), verdict.querySelector(".mark")].map((part) => part.textContent).concat(getComputedStyle(verdict).borderStyle, getComputedStyle(verdict).backgroundColor));
    for (const [state, key] of [["verified", service.key], ["rejected", "wrong"]]) {
      await check(page, await mint(page, "x"), key);
      await expectVerdict(page, state, /./);
      looks.add(JSON.stringify(await look()));
    }
    await page.getByRole("button", { name: "Clear" }).click();
    await expectVerdict(page, "unchecked", /./);
    looks.add(JSON.stringify(await look()));
    const columns = [...looks].map((text) => JSON.parse(text));
    assert.equal(new Set(columns.map(([words]) => words)).size, 3);
    assert.equal(new Set(columns.map(([, mark]) => mark)).size, 3);
    assert.equal(new Set(columns.map(([, , , background]) => background)).size, 3);
    const live = await page.locator("#verdict").evaluate(({ role, ariaLive, ariaAtomic }) => ({ role, ariaLive, ariaAtomic }));
    assert.deepEqual(live, { role: "status", ariaLive: "polite", ariaAtomic: "true" });
  });

  for (const width of [320, 800, 1280, 1920]) {
    test(`${width} pixels wide`, async () => {
      const page = await open({ viewport: { width, height: 900 } });
      for (const [state, reach] of Object.entries(states)) {
        await reach(page);
        await openAll(page);
        const over = await page.evaluate(() =>
          [...document.querySelectorAll("body *")].filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5).map((element) => element.outerHTML.slice(0, 80)),
        );
        assert.deepEqual(over, [], state);
        await screenshot(page, `${state}-${width}`);
        await page.reload();
      }
    });
  }

  test("the color beneath the field lies where its text is", async () => {
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

  test("nothing moves for those who want that", async () => {
    for (const [reducedMotion, moves] of [["reduce", false], ["no-preference", true]]) {
      const page = await open({ reducedMotion });
      const moving = await page.evaluate(() => [...document.querySelectorAll("*")].some((element) => /[1-9]/.test(getComputedStyle(element).transitionDuration + getComputedStyle(element).animationDuration)));
      assert.equal(moving, moves);
    }
  });
});

// contrasts runs in the page: the contrast of every colored part of a token.
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
    visits[0].complaints.length = 0; // Chromium said so on the console
  });

  test("from another machine without TLS, the page warns, and copying still works", async () => {
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

describe("the page's own modules", () => {
  test("JSON is read as JSON.parse reads it, and no literal changes", async () => {
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

  test("JSON that is not quite", async () => {
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
    const told = await page.evaluate(
      async ([time, cases]) => {
        const { describe } = await import(time);
        return cases.map(([claim, literal]) => describe(claim, literal, 1_000_000)).map(({ words, utc }) => `${words} | ${utc}`);
      },
      [await moduleOf(page, "time"), cases],
    );
    assert.deepEqual(told, [
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
