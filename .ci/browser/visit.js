// What the tests of the page share: a browser, a service, and what a user does.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach } from "node:test";

import { chromium } from "playwright-core";

import { start } from "./service.js";

// An address for this machine that browsers do not consider secure (RFC 5737).
export const insecureHost = "192.0.2.1";

// The address of other sites, whose names end in .example.
export const sitesHost = "127.0.0.2";

// How long anything may take, in milliseconds. A busy machine may need all of it.
const patience = Number(process.env.PATIENCE ?? 20_000);

// The example of RFC 7515, appendix A.1: HS256, expired in 2011.
export const rfcToken =
  "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
export const rfcKey = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

export let service;
export let browser;
before(async () => {
  service = await start();
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium-headless-shell",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--host-resolver-rules=MAP ${insecureHost} 127.0.0.1, MAP tokenmint.test 127.0.0.1, MAP *.example ${sitesHost}`,
    ],
  });
});
after(async () => {
  await browser?.close();
  await service?.stop();
});

// A visit is a page in a context of its own, which is watched until the test ends.
export let visits = [];
beforeEach(() => (visits = []));
afterEach(async () => {
  for (const visit of visits) {
    await checkQuiet(visit);
    await visit.context.close();
  }
});

export async function open(options = {}, origin = service.origin) {
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
    // The console also reports a status of 400, and a service that has stopped.
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

// checkQuiet checks that a visit sent requests to its origin only, violated no
// policy and left nothing behind.
async function checkQuiet({ context, page, origin, requests, complaints }) {
  assert.ok(requests.length > 5);
  for (const url of requests) {
    assert.ok(url.startsWith(`${origin}/`), `a request to ${url}`);
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
    address: location.href.replace("#inspect-title", ""), // the target of the first link
    name: window.name,
  }));
  assert.deepEqual(left, { violations: [], local: 0, session: 0, cookie: "", databases: 0, caches: 0, address: `${origin}/`, name: "" });
  assert.deepEqual(await context.cookies(), []);
}

export async function until(what, condition) {
  for (const end = Date.now() + patience; Date.now() < end; ) {
    if (await condition()) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`waited too long for ${what}`);
}

export const verdictOf = (page) => page.locator("#verdict").getAttribute("data-state");
export const textOf = (page, selector) => page.locator(selector).innerText();

export async function expectVerdict(page, state, reason) {
  await until(`${state} ${reason}`, async () => (await verdictOf(page)) === state && reason.test(await textOf(page, "#verdict")));
  const words = {
    unchecked: "Signature not checked",
    verified: "Signature matches",
    rejected: "Signature does not match",
    uncheckable: "Signature cannot be checked here",
  };
  assert.equal(await textOf(page, "#verdict-state"), words[state]);
}

// expectTime waits for a state of the time, and for words about it.
export async function expectTime(page, state, reason) {
  const box = page.locator("#time-verdict");
  await until(`${state} ${reason}`, async () => (await box.getAttribute("data-state")) === state && reason.test(await box.innerText()));
}

export async function mint(page, data, { lifetime, unit, kind } = {}) {
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

export async function check(page, token, key, encoding = "utf8") {
  await page.locator("#token").fill(token);
  await page.locator("#key").fill(key);
  await page.locator("#encoding").selectOption(encoding);
  await page.getByRole("button", { name: "Check signature" }).click();
}

export const decode = (token) => Buffer.from(token.split(".")[1], "base64url").toString();

// hold holds back the first request to a route. It returns a function that waits
// for that request and returns a function to answer it.
export async function hold(page, route) {
  let arrived;
  const first = new Promise((resolve) => (arrived = resolve));
  await page.route(route, (request) => arrived(request), { times: 1 });
  return async () => {
    const request = await first;
    return (answer) => request.fulfill(answer).catch(() => {}); // the page may have canceled it
  };
}
