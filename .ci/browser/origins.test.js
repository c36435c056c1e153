// Attacks the service from other web sites, and uses it from one that it trusts.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";

import { credential, start } from "./service.js";
import { openSite } from "./site.js";
import { browser, decode, mint, open, service, textOf, until } from "./visit.js";

const json = { "Content-Type": "application/json" };
const asking = { method: "POST", headers: json, body: '{"user_data":"stolen"}' };

// visit opens the page of a site.
async function visit(origin) {
  const page = await (await browser.newContext()).newPage();
  await page.goto(origin);
  return page;
}

// ask sends a request from the page, as its script would, and returns what the script
// can read of the response, or null if it can read nothing.
function ask(page, url, request) {
  return page.evaluate(
    async ([url, request]) => {
      try {
        const response = await fetch(url, request);
        return { status: response.status, description: response.headers.get("Error-Description"), answer: await response.json() };
      } catch {
        return null;
      }
    },
    [url, request],
  );
}

const metricsOf = async ({ origin }) => (await fetch(`${origin}/metrics`)).text();

// countMinted returns how many tokens a service has minted.
async function countMinted(service) {
  return Number(/^tokenmint_tokens_minted_total (\d+)$/m.exec(await metricsOf(service))[1]);
}

describe("a site whose name then leads to this machine", () => {
  // rebound opens the page of such a site and rebinds its name to a service with the
  // given settings.
  async function rebound(t, settings = () => ({})) {
    const site = await openSite();
    t.after(site.close);
    const origin = `http://rebind.example:${site.port}`;
    const service = await start({ bind: `127.0.0.1:${site.port}`, ...settings(origin) });
    t.after(service.stop);
    const page = await visit(origin);
    site.rebind();
    return { page, service };
  }

  test("mints if its origin is listed", async (t) => {
    // Without this, the other tests would pass if the site led nowhere.
    const { page, service } = await rebound(t, (origin) => ({ flags: ["-origins", origin] }));
    const { status, answer } = await ask(page, "/token", asking);
    assert.equal(status, 200);
    assert.equal(JSON.parse(decode(answer["JWT Token"])).payload.data, "stolen");
    assert.equal(await countMinted(service), 1);
  });

  test("mints nothing", async (t) => {
    const { page, service } = await rebound(t);
    assert.deepEqual((await ask(page, "/healthz")).answer, { status: "ok" }); // it is the service
    for (const request of [
      asking,
      { ...asking, headers: {} },
      { ...asking, mode: "same-origin", referrerPolicy: "no-referrer" },
      { ...asking, headers: { ...json, Authorization: `Bearer ${credential}` } },
    ]) {
      const { status, answer } = await ask(page, "/token", request);
      assert.equal(status, 403, JSON.stringify(request));
      assert.match(answer.description, /ORIGINS/);
    }
    const sent = page.waitForResponse("**/token");
    assert.ok(await page.evaluate((body) => navigator.sendBeacon("/token", new Blob([body], { type: "application/json" })), asking.body));
    assert.equal((await sent).status(), 403);
    assert.equal(await submitForm(page, "/token"), 403);
    assert.equal(await countMinted(service), 0);
  });

  test("mints nothing without the credential", async (t) => {
    const { page, service } = await rebound(t, () => ({ credential }));
    assert.equal((await ask(page, "/token", asking)).status, 401);
    assert.equal(await countMinted(service), 0);
  });
});

// submitForm sends a form that is JSON as text/plain, which a browser sends anywhere
// without a preflight, and returns the status of the response.
async function submitForm(page, action) {
  const [response] = await Promise.all([
    page.waitForNavigation(),
    page.evaluate((action) => {
      const form = document.createElement("form");
      Object.assign(form, { method: "post", enctype: "text/plain", action });
      const field = document.createElement("input");
      [field.name, field.value] = ['{"user_data":"', '"}'];
      form.append(field);
      document.body.append(form);
      form.submit();
    }, action),
  ]);
  assert.equal(response.request().postData(), '{"user_data":"="}\r\n');
  return response.status();
}

describe("any other site", () => {
  let site;
  let page;
  before(async () => {
    site = await openSite();
    page = await visit(`http://evil.example:${site.port}`);
  });
  after(() => site.close());

  test("cannot send requests for which it needs permission", async () => {
    const received = async () => (await metricsOf(service)).match(/^tokenmint_http_requests_total\{.*method="(POST|QUERY|GET)",route="\/(token|auth).*$/gm);
    const earlier = await received();
    for (const [route, request] of [
      ["/token", asking],
      ["/token", { ...asking, method: "QUERY" }],
      ["/token/verify", asking],
      ["/auth", { headers: { Authorization: "Bearer x" } }],
    ]) {
      assert.equal(await ask(page, service.origin + route, request), null, route);
    }
    assert.deepEqual(await received(), earlier);
  });

  test("cannot read the responses to those for which it needs none", async () => {
    for (const [route, request] of [
      ["/token", { ...asking, headers: {} }],
      ["/token/verify", { ...asking, headers: {} }],
      ["/", {}],
      ["/healthz", {}],
      ["/metrics", {}],
    ]) {
      assert.equal(await ask(page, service.origin + route, request), null, route);
    }
  });

  test("mints nothing blindly", async () => {
    const minted = await countMinted(service);
    const other = await visit(`http://evil.example:${site.port}`);
    const send = ([url, body]) => fetch(url, { method: "POST", mode: "no-cors", body }); // returns nothing that the page could read
    await assert.rejects(other.evaluate(send, [`${service.origin}/token`, asking.body]), /Failed to fetch/);
    assert.equal(await submitForm(other, `${service.origin}/token`), 403);
    assert.equal(await countMinted(service), minted);
  });

  test("cannot see by the icon or the style that the service runs", async () => {
    const index = await (await fetch(service.origin)).text();
    const loads = (page, tag, url) =>
      page.evaluate(
        ([tag, url]) =>
          new Promise((resolve) => {
            const element = document.createElement(tag);
            element.onload = () => resolve(true);
            element.onerror = () => resolve(false);
            Object.assign(element, tag === "img" ? { src: url } : { rel: "stylesheet", href: url });
            document.body.append(element);
          }),
        [tag, url],
      );
    const own = await open();
    for (const [tag, pattern] of [["img", /assets\/icon[^"]+/], ["link", /assets\/style[^"]+/]]) {
      const url = `${service.origin}/${pattern.exec(index)[0]}`;
      assert.equal(await loads(page, tag, url), false, url);
      assert.equal(await loads(own, tag, url), true, url);
    }
  });
});

describe("a site that ORIGINS lists", () => {
  let site;
  let page;
  let flags;
  before(async () => {
    site = await openSite();
    page = await visit(`http://app.example:${site.port}`);
    flags = ["-origins", `https://elsewhere.example,http://app.example:${site.port}`];
  });
  after(() => site.close());

  test("mints and inspects", async (t) => {
    const service = await start({ flags });
    t.after(service.stop);
    const minted = await ask(page, `${service.origin}/token`, asking);
    assert.equal(minted.status, 200);
    const inspection = { method: "QUERY", headers: json, body: JSON.stringify({ Token: minted.answer["JWT Token"], Signing_key: service.key }) };
    for (const [route, method] of [["/token", "QUERY"], ["/token/verify", "POST"]]) {
      const { answer } = await ask(page, service.origin + route, { ...inspection, method });
      assert.equal(answer["Signature Verification"], true, route);
    }
    for (const [body, status] of [["{", 400], [`{"user_data":"${"x".repeat(300_000)}"}`, 413]]) {
      const refused = await ask(page, `${service.origin}/token`, { ...asking, body });
      assert.equal(refused.status, status);
      assert.equal(refused.answer.description, refused.description);
    }
    const evil = await visit(`http://evil.example:${site.port}`);
    assert.equal(await ask(evil, `${service.origin}/token`, asking), null);
  });

  test("mints with a credential only, if the service requires one", async (t) => {
    const service = await start({ flags, credential });
    t.after(service.stop);
    for (const [headers, status] of [
      [{ ...json, Authorization: `Bearer ${credential}` }, 200],
      [{ ...json, Authorization: `Bearer ${credential}x` }, 401],
      [json, 401],
    ]) {
      const { answer, ...response } = await ask(page, `${service.origin}/token`, { ...asking, headers });
      assert.equal(response.status, status);
      assert.equal(response.description ?? undefined, answer.description);
    }
    assert.equal(await countMinted(service), 1);
    const evil = await visit(`http://evil.example:${site.port}`);
    assert.equal(await ask(evil, `${service.origin}/token`, { ...asking, headers: { ...json, Authorization: `Bearer ${credential}` } }), null);
  });

  test("is refused if only the name or the port is the same", async (t) => {
    const service = await start({ flags: ["-origins", `https://app.example:${site.port},http://app.example`] });
    t.after(service.stop);
    assert.equal(await ask(page, `${service.origin}/token`, asking), null);
  });
});

describe("the page itself mints", () => {
  test("as localhost", async () => {
    // All other tests open the page as 127.0.0.1.
    await mint(await open({}, service.origin.replace("127.0.0.1", "localhost")), "x");
  });

  test("over IPv6, if the machine has it", async (t) => {
    const problem = await new Promise((resolve) => {
      const probe = createServer().once("error", resolve);
      probe.listen(0, "::1", () => probe.close(() => resolve(null)));
    });
    if (problem) {
      t.diagnostic(`this machine has no ::1: ${problem.message}`);
      await assert.rejects(start({ bind: "[::1]:0" }), /listen/);
      return;
    }
    const service = await start({ bind: "[::1]:0" });
    t.after(service.stop);
    await mint(await open({}, service.origin), "x");
  });

  test("under another name once ORIGINS lists it", async (t) => {
    const first = await start();
    t.after(first.stop);
    const page = await open({}, first.origin.replace("127.0.0.1", "tokenmint.test"));
    await page.getByRole("button", { name: "Mint token" }).click();
    await until("the error", async () => /status 403: .*ORIGINS/.test(await textOf(page, "#mint-status")));
    await first.stop();
    const second = await start({ bind: new URL(first.origin).host, flags: ["-origins", new URL(page.url()).origin] });
    t.after(second.stop);
    await mint(page, "x");
  });

  test("under another name if the service requires a credential", async (t) => {
    const guarded = await start({ credential });
    t.after(guarded.stop);
    const page = await open({}, guarded.origin.replace("127.0.0.1", "tokenmint.test"));
    await page.getByRole("button", { name: "Mint token" }).click();
    await page.locator("#credential").fill(credential);
    await page.keyboard.press("Enter");
    await until("a token", async () => (await textOf(page, "#mint-status")) === "Minted.");
  });
});
