// Inspects tokens on the page.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { expectNothingCut } from "./barriers.js";
import { start } from "./service.js";
import { check, decode, expectTime, expectVerdict, hold, mint, open, rfcKey, rfcToken, service, textOf, until, verdictOf, visits } from "./visit.js";

// unsigned returns a token that no key signed.
const unsigned = (header, claims, signature) => [...[header, claims].map((part) => Buffer.from(part).toString("base64url")), signature].join(".");

describe("inspect", () => {
  test("from mint to verified", async () => {
    const page = await open();
    const token = await mint(page, '{"id":12345678901234567890}', { lifetime: "90", unit: "minutes" });
    await page.getByRole("button", { name: "Inspect it" }).click();
    assert.equal(await page.locator("#token").inputValue(), token);
    assert.equal(await page.evaluate(() => document.activeElement.id), "token");
    await expectVerdict(page, "verified", /The service's key [0-9a-f]{8} signed/);
    await page.locator("#key").fill(service.key);
    await page.keyboard.press("Enter");
    await expectVerdict(page, "verified", /This key signed/);
    await expectTime(page, "valid", /Valid now\s+It expires in 1 hour (29|30) minutes/);
    assert.match(await textOf(page, "#header-json"), /^\{\n  "typ": "JWT",\n  "alg": "HS512"\n\}$/);
    assert.match(await textOf(page, "#claims-json"), /\n      "id": 12345678901234567890\n/);
    assert.match(await textOf(page, "#summary"), /issued .*ago|issued just now/);
    assert.match(await textOf(page, "#summary"), /expires in 1 hour (29|30) minutes/);
    const { iat } = JSON.parse(decode(token));
    const utc = new Date(iat * 1000).toISOString().replace(".000", "");
    const local = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Kathmandu", hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(iat * 1000);
    assert.ok((await textOf(page, "#summary")).includes(utc));
    assert.ok((await textOf(page, "#summary")).includes(local));
  });

  test("a wrong key", async () => {
    const page = await open();
    const token = await mint(page, "x");
    await check(page, token, "another key");
    await expectVerdict(page, "rejected", /[Aa]nother key made it, or the header or the claims were changed since/);
    await page.locator("#token").fill(token.slice(0, -8) + "AAAAAAAA");
    await page.getByRole("button", { name: "Check with this service's key" }).click();
    await expectVerdict(page, "rejected", /The key above was not tried: to try it, press Check signature\.$/);
  });

  test("the encodings of a key", async () => {
    const page = await open();
    await check(page, rfcToken, rfcKey, "base64url");
    await expectVerdict(page, "verified", /This key signed/);
    await expectTime(page, "expired", /Expired\s+It expired \d+ years/);
    await check(page, rfcToken, Buffer.from(rfcKey, "base64url").toString("hex"), "hex");
    await expectVerdict(page, "verified", /This key signed/);
    await check(page, rfcToken, rfcKey, "utf8");
    await expectVerdict(page, "rejected", /does not match/);
    await check(page, rfcToken, "not hex", "hex");
    await expectVerdict(page, "unchecked", /status 400: undecodable key: the key is not hex/);
  });

  test("the right key in the wrong form", async () => {
    const page = await open({ viewport: { width: 320, height: 900 } });
    const hex = Buffer.from(rfcKey, "base64url").toString("hex");
    for (const [key, reason] of [
      [rfcKey, /^Signature does not match\s+The signature does not match the key as sent, but it matches as base64url: choose the key encoding base64url\.$/m],
      [hex, /but it matches as hex: choose the key encoding hex\./],
      [`"${hex}"`, /but it matches as hex without the quotes around it: /],
    ]) {
      await check(page, rfcToken, key);
      await expectVerdict(page, "rejected", reason);
      await expectNothingCut(page, "wrong-form-320");
    }
  });

  test("a signature that the service cannot check, and what can check it", async () => {
    const page = await open();
    for (const [header, claims, reason] of [
      ['{"alg":"RS256","kid":"a1"}', '{"exp":1,"iss":"https://login.example.com/"}', /It takes the issuer's public key \(RSA, kid a1\) to check RS256\. .* https:\/\/login\.example\.com\/\.well-known\/openid-configuration\.$/],
      ['{"alg":"ES256"}', '{"exp":1}', /public key \(elliptic curve\) to check ES256/],
      ['{"alg":"none"}', '{"exp":1}', /nobody signed this token/],
      ['{"alg":"hs512"}', '{"exp":1}', /alg is case-sensitive .*: it must be HS512/],
      ['{"alg":1}', '{"exp":1}', /not a string/],
      ['{"alg":"HS512","crit":["b64"],"b64":false}', '{"exp":1}', /crit/],
    ]) {
      await page.locator("#token").fill(unsigned(header, claims, "AAAA"));
      await expectVerdict(page, "uncheckable", reason);
      await expectTime(page, "expired", /It expired \d+ years/);
      await page.getByRole("button", { name: "Check with this service's key" }).click();
      await expectVerdict(page, "uncheckable", reason);
    }
    assert.ok(!visits[0].requests.some((url) => url.endsWith("/token/verify")));
  });

  test("a token that nobody signed is never verified", async () => {
    const page = await open();
    for (const [header, signature, state] of [['{"alg":"none"}', "", "uncheckable"], ['{"alg":"HS512","crit":[]}', "AAAA", "uncheckable"], ['{"alg":"HS512"}', "", "rejected"]]) {
      await check(page, unsigned(header, "{}", signature), "k");
      await expectVerdict(page, state, /The (header|algorithm)|It is empty|signed/);
    }
  });

  test("times that other implementations refuse, or that are probably a mistake", async () => {
    const page = await open();
    for (const [claims, state, words] of [
      ['{"exp":"1764150000"}', "invalid", /Invalid times\s+exp is not a number: remove the quotes\./],
      ['{"exp":1,"nbf":null}', "invalid", /Invalid times\s+nbf is not a number\./],
      ['{"exp":{}}', "invalid", /exp is not a number/],
      ['{"exp":1764150000000}', "doubtful", /Doubtful times[^]*exp seems to be in milliseconds[^]*2025-11-26T09:40:00Z/],
      ['{"exp":1764150000,"iat":1764150000000}', "expired", /Expired\s+It expired \d+ .*\s+iat seems to be in milliseconds/],
      ['{"nbf":1764150000000}', "doubtful", /Doubtful times\s+nbf seems to be in milliseconds/],
      ['{"nbf":9764150000}', "not yet valid", /It becomes valid in 2\d\d years/],
      ['{"exp":9764150000}', "valid", /It expires in 2\d\d years/],
      ["{}", "endless", /Never expires\s+It has no exp/],
    ]) {
      await check(page, unsigned('{"alg":"HS512"}', claims, ""), "k");
      await expectVerdict(page, "rejected", /It is empty/);
      await expectTime(page, state, words);
    }
  });

  test("the verdict on the times turns at the second", async () => {
    const exp = 4_000_000_000;
    const page = await open();
    await page.clock.install({ time: (exp - 120) * 1000 });
    await page.clock.pauseAt((exp - 2) * 1000 - 200);
    await page.reload();
    await page.locator("#token").fill(unsigned('{"alg":"HS512"}', `{"nbf":${exp - 1},"exp":${exp}}`, "AAAA"));
    const look = async () => [await textOf(page, "#time-state"), await textOf(page, "#time-words")];
    assert.deepEqual(await look(), ["Not valid yet", "It becomes valid in 1 second."]);
    await page.clock.runFor(1190); // to 10 milliseconds before the second
    assert.deepEqual(await look(), ["Not valid yet", "It becomes valid in 1 second."]);
    await page.clock.runFor(10);
    assert.deepEqual(await look(), ["Valid now", "It expires in 1 second."]);
    await page.clock.runFor(990);
    assert.equal((await look())[0], "Valid now");
    await page.clock.runFor(10);
    assert.deepEqual(await look(), ["Expired", "It expired just now."]);
    await page.clock.runFor(5000);
    assert.deepEqual(await look(), ["Expired", "It expired 5 seconds ago."]);
    // Only a change of the state is announced, not every second.
    const live = await page.locator("#time-state").evaluate((state) => state.closest("[aria-live]").textContent.trim());
    assert.equal(live, "Expired");
    assert.equal(await page.locator("#time-words").evaluate((words) => words.closest("[aria-live]")), null);
  });

  test("a token that was cut off has no times", async () => {
    const page = await open();
    const cut = unsigned('{"alg":"HS256"}', '{"exp":1764150000,"sub":"ada","nbf":1764', "").slice(0, -1);
    await page.locator("#token").fill(`${cut}…`);
    assert.match(await textOf(page, "#token-hint"), /Ignored around the token: dots\..*The signature is missing/);
    assert.doesNotMatch(await textOf(page, "#summary"), /nbf/);
  });

  test("a revoked token", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "tokenmint-"));
    t.after(() => rm(folder, { recursive: true }));
    const file = join(folder, "revoked");
    await writeFile(file, "before 2100-01-01T00:00:00Z\n");
    const strict = await start({ flags: ["-revoked-file", file] });
    t.after(strict.stop);
    const page = await open({}, strict.origin);
    await mint(page, "x", { lifetime: "1", unit: "hours" });
    await page.getByRole("button", { name: "Inspect it" }).click();
    await expectVerdict(page, "verified", /The service's key/);
    await expectTime(page, "revoked", /Revoked\s+The service has revoked it\./);
  });

  test("a clock that differs from the service's", async () => {
    const page = await open();
    await page.clock.setFixedTime(Date.now() - 3_600_000);
    const token = await mint(page, "x", { lifetime: "1", unit: "seconds" });
    await page.waitForTimeout(1500);
    await check(page, token, service.key);
    await expectVerdict(page, "verified", /./);
    await expectTime(page, "doubtful", /The service, whose clock differs from this computer's, said when it was asked: expired\./);
    await page.clock.setFixedTime(Date.now() + 7_200_000);
    await check(page, await mint(page, "x", { lifetime: "1", unit: "hours" }), service.key);
    await expectTime(page, "doubtful", /The service, whose clock differs from this computer's, said when it was asked: valid\./);
  });

  test("malformed tokens are decoded as far as possible", async () => {
    const page = await open();
    const token = await mint(page, "x");
    const [header, claims, signature] = token.split(".");
    for (const [pasted, hint, shown, reason] of [
      ["abc", /not a JWT, which begins with a JSON object/, /^$/, /three segments/],
      [header, /claims and the signature are missing/, /^$/, /three segments/],
      [`${header}.${claims.slice(0, 20)}`, /signature is missing/, /^\{\n  "iat"/, /three segments/],
      [`${header}.${claims}==.${signature}`, /^$/, /"date": "[0-9-]+"\n {2}\}\n\}$/, /padded with =/],
      [`${header}.${claims}.${signature}.x`, /this has 4/, /"date"/, /three segments/],
    ]) {
      await check(page, pasted, "k");
      await expectVerdict(page, "unchecked", reason);
      assert.match(await textOf(page, "#token-hint"), hint, pasted);
      assert.match(await textOf(page, "#claims-json"), shown, pasted);
    }
    await page.locator("#token").fill(`${header}.${claims}==.${signature}`);
    assert.match(await textOf(page, "#claims-fault"), /padded with =, which a JWT leaves out \(character \d+\)/);
  });

  test("decoding follows every character typed", async () => {
    const page = await open();
    const token = await mint(page, "x");
    for (let length = 0; length <= token.length; length += 7) {
      await page.locator("#token").fill(token.slice(0, length));
      if (length > token.indexOf(".")) {
        assert.equal(await page.locator("#header-json").textContent(), '{\n  "typ": "JWT",\n  "alg": "HS512"\n}');
      }
    }
    await page.locator("#token").fill(token);
    for (const part of ["header", "claims", "signature"]) {
      assert.ok(await page.locator(`#${part}-fault`).isHidden(), part);
    }
  });

  test("what surrounds a token is removed, and the page says so", async () => {
    const page = await open();
    const token = await mint(page, "x");
    for (const [pasted, removed] of [
      [`Bearer ${token}`, /Ignored around the token: “Bearer”\.$/],
      [`  authorization: bearer  ${token}\r\n`, /white space, “Authorization:”, “Bearer”/],
      [`"${token}"\n`, /quotes/],
      [`'Bearer ${token}'`, /quotes, “Bearer”/],
      [token, /^$/],
    ]) {
      await check(page, pasted, service.key);
      await expectVerdict(page, "verified", /./);
      assert.match(await textOf(page, "#token-hint"), removed, pasted);
      assert.ok((await page.locator("#ink").textContent()).startsWith(await page.locator("#token").inputValue()));
    }
  });

  test("a token is found in what people paste", async () => {
    const page = await open();
    const token = await mint(page, "x");
    const lines = token.match(/.{1,64}/g);
    for (const [pasted, hint] of [
      [`curl -H 'Authorization: Bearer ${token}' https://api.example.com/orders`, "Found the token in the header Authorization."],
      [`{"JWT Token":"${token}"}`, "Found the token in the member JWT Token."],
      [`Cookie: theme=dark; session=${token}`, "Found the token in the cookie session."],
      [`https://app.example.com/#access_token=${token}&token_type=Bearer`, "Found the token in the parameter access_token after the # of a URL."],
      [`{\\"token\\":\\"${token}\\"}`, "Found the token in the member token."],
      [`> ${lines.join("\n> ")}`, `Found the token on ${lines.length} lines, which the page joined.`],
    ]) {
      await check(page, pasted, service.key);
      await expectVerdict(page, "verified", /./);
      assert.equal(await textOf(page, "#token-hint"), hint, pasted);
      assert.ok((await page.locator("#ink").textContent()).startsWith(pasted));
      assert.ok(await page.locator("#token-choice").isHidden());
    }
  });

  test("of several tokens, the page asks for one", async () => {
    const page = await open();
    const token = await mint(page, "x");
    await check(page, `curl -H 'Authorization: Bearer ${rfcToken}' -d '{"token":"${token}"}'`, service.key);
    await expectVerdict(page, "unchecked", /Choose a token first/);
    assert.equal(await textOf(page, "#token-hint"), "There are 2 tokens. Choose one to inspect.");
    assert.ok(await page.locator("#decoded").isHidden());
    await page.getByRole("button", { name: "Token 2, in the member token" }).click();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Token 2, in the member token");
    assert.equal(await page.locator("#token-choice button").nth(1).getAttribute("aria-pressed"), "true");
    await page.locator("#key").fill(service.key);
    await page.locator("#key").press("Enter");
    await expectVerdict(page, "verified", /This key signed/);
    await page.getByRole("button", { name: "Token 1, in the header Authorization" }).click();
    await expectVerdict(page, "rejected", /./);
    assert.match(await textOf(page, "#claims-json"), /"iss": "joe"/);
    await page.locator("#token").fill(token);
    assert.ok(await page.locator("#token-choice").isHidden());
  });

  test("a megabyte in the field does not freeze the page", async () => {
    const page = await open();
    const slowest = await page.evaluate(() => {
      const field = document.getElementById("token");
      const times = ["Bearer ", "eyJ", '"', "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.x\n"].map((piece) => {
        field.value = piece.repeat((1 << 20) / piece.length);
        const began = performance.now();
        field.dispatchEvent(new Event("input", { bubbles: true }));
        document.body.getBoundingClientRect(); // waits for the layout
        return performance.now() - began;
      });
      return Math.max(...times);
    });
    assert.ok(slowest < 20_000, `${slowest} ms`); // far more than it takes if the time is in proportion
  });

  test("an expired token is both verified and expired", async () => {
    const page = await open();
    const token = await mint(page, "x", { lifetime: "1", unit: "seconds" });
    await page.locator("#token").fill(token);
    await until("the words to change", async () => /expired (just now|1 second ago)/.test(await textOf(page, "#summary")));
    await check(page, token, service.key);
    await expectVerdict(page, "verified", /This key signed/);
    await expectTime(page, "expired", /It expired \d+ seconds? ago/);
    await until("the words to change again", async () => /expired 2 seconds ago/.test(await textOf(page, "#summary")));
  });

  test("the verdict follows every change", async () => {
    const page = await open();
    const token = await mint(page, "x");
    await page.getByRole("button", { name: "Check with this service's key" }).click();
    await expectVerdict(page, "unchecked", /Paste a token first/);
    await page.locator("#token").fill(token);
    await expectVerdict(page, "verified", /The service's key/); // once asked for, it stays so
    const sent = () => visits[0].requests.filter((url) => url.endsWith("/token/verify")).length;
    await page.locator("#token").press("End");
    await page.keyboard.press("Backspace");
    await page.keyboard.press(token.endsWith("A") ? "Q" : "A"); // the last character has two bits alone
    await expectVerdict(page, "rejected", /own keys/);
    await page.keyboard.press("Backspace");
    await page.keyboard.press(token.at(-1));
    await expectVerdict(page, "verified", /The service's key/);
    const before = sent();
    await page.locator("#key").pressSequentially("another one");
    await expectVerdict(page, "rejected", /Another key/);
    assert.ok(sent() - before < 11); // not one for every key pressed
    await page.locator("#key").fill(service.key);
    await expectVerdict(page, "verified", /This key signed/);
    await page.locator("#encoding").selectOption("hex");
    await expectVerdict(page, "rejected", /matches as utf8/);
    await page.locator("#key").fill("not hex");
    await expectVerdict(page, "unchecked", /status 400: undecodable key/);
  });

  test("editing withdraws the verdict at once", async () => {
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
        await page.route("**/token/verify", () => {}); // the next one is never answered
        await edit();
        await until(`unchecked after ${name}`, async () => (await verdictOf(page)) === "unchecked");
        await page.unroute("**/token/verify");
      }
    }
    await page.getByRole("button", { name: "Clear" }).click();
    await until("nothing decoded", () => page.locator("#decoded").isHidden()); // a moment after the fields are empty
    assert.equal(await page.locator("#key").inputValue(), "");
    assert.ok(await page.locator("#time-verdict").isHidden());
  });

  test("the answer is not shown if the input has been edited since", async () => {
    const page = await open();
    const token = await mint(page, "x");
    for (const edit of [() => page.locator("#key").press("x"), () => page.locator("#encoding").selectOption("hex")]) {
      await check(page, token, service.key);
      await expectVerdict(page, "verified", /./);
      const held = await hold(page, "**/token/verify");
      await page.getByRole("button", { name: "Check signature" }).click();
      const release = await held();
      await expectVerdict(page, "unchecked", /Asking/);
      await edit();
      await release({ status: 200, json: { Header: {}, Claims: {}, "Signature Verification": true } });
      await expectVerdict(page, "rejected", /./);
      await page.waitForTimeout(300);
      await expectVerdict(page, "rejected", /./);
    }
    // Nor is an answer that comes after the answer to a later request.
    await check(page, token, service.key);
    await expectVerdict(page, "verified", /./);
    const held = await hold(page, "**/token/verify");
    await page.getByRole("button", { name: "Check signature" }).click();
    const release = await held();
    await page.getByRole("button", { name: "Check signature" }).click();
    await expectVerdict(page, "verified", /./);
    await release({ status: 200, json: { Header: {}, Claims: {}, "Signature Verification": false, Reason: "old" } });
    await page.waitForTimeout(300);
    await expectVerdict(page, "verified", /./);
  });

  test("an answer that is not the service's own gives no verdict", async () => {
    const page = await open();
    for (const answer of [{ status: 502, body: "<h1>Bad gateway</h1>" }, { status: 200, body: "{}" }, { status: 200, body: "null" }, { status: 200, body: '"Signature Verification"' }]) {
      await page.route("**/token/verify", (route) => route.fulfill(answer));
      await check(page, rfcToken, rfcKey);
      await expectVerdict(page, "unchecked", new RegExp(`status ${answer.status}, is not from the service`));
      await page.unroute("**/token/verify");
    }
  });

  test("nothing is sent without a token and a key", async () => {
    const page = await open();
    await page.getByRole("button", { name: "Check signature" }).click();
    await expectVerdict(page, "unchecked", /Paste a token first/);
    await page.locator("#token").fill(rfcToken);
    await page.getByRole("button", { name: "Check signature" }).click();
    await expectVerdict(page, "unchecked", /Enter the key, or check/);
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

  test("the content of a token is shown as text", async () => {
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

describe("a service that has stopped", () => {
  test("is reported, and gives no verdict", async () => {
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
