// Mints at a service that requires a credential.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";

import { expectNoBarriers, expectNothingCut } from "./barriers.js";
import { credential, start } from "./service.js";
import { decode, mint, open, textOf, until } from "./visit.js";

let guarded;
before(async () => (guarded = await start({ credential })));
after(() => guarded?.stop());

const mintButton = (page) => page.getByRole("button", { name: "Mint token" });

// enter is the button of the dialog.
const enter = (page) => page.locator("#credential-dialog").getByRole("button", { name: "Mint" });

// refused opens the page and mints without the credential.
async function refused(options) {
  const page = await open(options, guarded.origin);
  await mintButton(page).click();
  await until("the field", () => page.locator("#credential").isVisible());
  return page;
}

// minted waits for a token.
const minted = (page) => until("a token", async () => (await textOf(page, "#mint-status")) === "Minted.");

describe("a service that requires a credential", () => {
  test("is asked first, and then the user", async () => {
    const page = await open({}, guarded.origin);
    assert.ok(await page.locator("#credential-dialog").isHidden());
    await page.locator("#data").fill("by hand");
    await page.locator("#data").press("Control+Enter");
    await until("the focus", () => page.evaluate(() => document.activeElement.id === "credential"));
    assert.match(await textOf(page, "#credential-hint"), /mints only with a credential/);
    const [type, autocomplete, invalid] = await Promise.all(["type", "autocomplete", "aria-invalid"].map((name) => page.locator("#credential").getAttribute(name)));
    assert.deepEqual({ type, autocomplete, invalid }, { type: "password", autocomplete: "off", invalid: "false" });
    assert.ok(await page.getByLabel("Mint credential", { exact: true }).isVisible());
    await page.keyboard.type(credential);
    await page.keyboard.press("Enter");
    await minted(page);
    assert.equal(JSON.parse(decode(await page.locator("#minted-token").textContent())).payload.data, "by hand");
    assert.ok(await page.locator("#credential-dialog").isHidden());
    assert.equal(await page.locator("#credential").inputValue(), "");
    await page.locator("#mint-status").evaluate((status) => (status.textContent = ""));
    await mint(page, "once more"); // without being asked again
  });

  test("can be left alone", async () => {
    for (const leave of [(page) => page.keyboard.press("Escape"), (page) => page.getByRole("button", { name: "Cancel" }).click(), (page) => page.locator("#credential").fill(credential).then(() => page.keyboard.press("Escape"))]) {
      const page = await refused();
      await leave(page);
      await until("the refusal", async () => /^This service mints only with a credential\.$/.test(await textOf(page, "#mint-status")));
      assert.ok(await page.locator("#minted").isHidden());
      await until("the focus", () => page.evaluate(() => document.activeElement.textContent === "Mint token"));
      await mintButton(page).click();
      await until("the question", () => page.locator("#credential").isVisible());
      assert.equal(await page.locator("#credential").inputValue(), "");
      await page.locator("#credential").fill(credential);
      await enter(page).click();
      await minted(page);
    }
  });

  test("says that a credential is wrong", async () => {
    const page = await refused();
    const hint = page.locator("#credential-hint");
    for (const wrong of [`x${credential}`, "short"]) {
      await page.locator("#credential").fill(wrong);
      await enter(page).click();
      await until("the refusal", async () => /does not accept this credential/.test(await hint.textContent()));
      assert.equal(await page.locator("#credential").getAttribute("aria-invalid"), "true");
      assert.equal(await page.evaluate(() => document.activeElement.id), "credential");
      await page.keyboard.type("a");
      assert.match(await hint.textContent(), /mints only with a credential/);
      assert.equal(await page.locator("#credential").getAttribute("aria-invalid"), "false");
    }
    const requests = [];
    page.on("request", (request) => requests.push(request.url()));
    for (const impossible of ["", `Basic ${credential}`, `${credential}é`, "🔑", `"${credential}"`]) {
      await page.locator("#credential").fill(impossible);
      await enter(page).click();
      assert.match(await hint.textContent(), impossible === "" ? /Enter the credential/ : /a character that no credential has/);
      assert.equal(await page.evaluate(() => document.activeElement.id), "credential");
    }
    assert.deepEqual(requests, []);
    await page.locator("#credential").fill(` Authorization: Bearer ${credential}\t`);
    await enter(page).click();
    await minted(page);
  });

  test("gets the credential in the header alone, and the page keeps it nowhere", async () => {
    const page = await refused();
    const sent = [];
    page.on("request", (request) => sent.push(request));
    await page.locator("#credential").fill(credential);
    await enter(page).click();
    await minted(page);
    await page.getByRole("button", { name: "Inspect it" }).click();
    await until("the inspection", () => sent.length >= 2);
    const carry = await Promise.all(sent.map(async (request) => [request.method(), new URL(request.url()).pathname, (await request.allHeaders()).authorization]));
    assert.deepEqual(carry, [["POST", "/token", `Bearer ${credential}`], ["POST", "/token/verify", undefined]]);
    assert.ok(!sent.some((request) => (request.url() + request.postData()).includes(credential)));
    assert.ok(!(await page.content()).includes(credential)); // neither in text nor in an attribute
    const kept = await page.evaluate(() => [location.href, document.cookie, history.state, window.name, { ...localStorage }, { ...sessionStorage }]);
    assert.deepEqual(kept, [`${guarded.origin}/`, "", null, "", {}, {}]);
    assert.deepEqual(await page.context().cookies(), []);
  });

  test("is forgotten by a page that is left", async () => {
    const page = await refused();
    for (const leave of [
      () => page.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }))), // kept in memory
      () => page.reload(),
      () => page.goto(`${guarded.origin}/healthz`).then(() => page.goBack()),
    ]) {
      await page.locator("#credential").evaluate((field, value) => (field.value = value), credential);
      await leave();
      assert.equal(await page.locator("#credential").inputValue(), "");
      if (await page.locator("#credential-dialog").isVisible()) {
        await page.keyboard.press("Escape");
      }
      await mintButton(page).click();
      await until("the question", () => page.locator("#credential").isVisible());
      await page.locator("#credential").fill(credential);
      await enter(page).click();
      await minted(page);
    }
  });

  test("is a barrier to nobody", async () => {
    const page = await refused();
    await page.locator("#credential").fill("wrong");
    await enter(page).click();
    await until("the refusal", async () => /does not accept/.test(await textOf(page, "#credential-hint")));
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await expectNoBarriers(page, `credential-${colorScheme}`);
    }
    for (const width of [320, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      await expectNothingCut(page, `credential-${width}`);
    }
    assert.equal(await page.locator("#mint-status").getAttribute("role"), "status");
    assert.equal(await page.locator("#credential").evaluate((field) => document.getElementById(field.getAttribute("aria-describedby")).ariaLive), "polite");
    for (const want of ["Mint", "Cancel"]) {
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement.textContent), want);
    }
  });

  test("gets it from the command, which asks for it in a terminal", async () => {
    const page = await open({}, guarded.origin);
    const command = () => page.locator("#mint-command").textContent();
    await page.locator("#data").fill(`it's "$(id)" %s \\`);
    assert.ok(!(await command()).includes("Authorization"));
    await mintButton(page).click();
    await until("the field", () => page.locator("#credential").isVisible());
    await page.locator("#credential").fill(credential);
    await enter(page).click();
    await minted(page);
    assert.ok(!(await command()).includes(credential));
    for (const shell of ["sh", "bash"]) {
      const answer = JSON.parse(await runInTerminal(shell, await command(), credential));
      assert.equal(JSON.parse(decode(answer["JWT Token"])).payload.data, `it's "$(id)" %s \\`);
      assert.equal(JSON.parse(await runInTerminal(shell, await command(), "wrong")).status, 401);
    }
  });

  test("gets it from the example of the guide, once the service has asked for it", async () => {
    const page = await open({}, guarded.origin);
    const example = () => page.locator("#mint-example").textContent();
    assert.ok(!(await example()).includes("Authorization"));
    await mintButton(page).click();
    await until("the field", () => page.locator("#credential").isVisible());
    const answer = JSON.parse(await runInTerminal("sh", await example(), credential));
    assert.equal(JSON.parse(decode(answer["JWT Token"])).sub, "ada");
  });
});

// runInTerminal runs a command in a terminal, types the credential when the command
// asks for it, and returns what follows: the output, if the terminal does not show what
// is typed.
async function runInTerminal(shell, command, typed) {
  const child = spawn("script", ["--quiet", "--return", "--command", `exec ${shell} -c "$COMMAND"`, "/dev/null"], {
    env: { ...process.env, COMMAND: command, SHELL: "/bin/sh" },
    timeout: 60_000,
  });
  const ended = once(child, "close");
  let shown = "";
  child.stdout.on("data", (text) => {
    shown += text;
    if (shown === "Mint credential: ") {
      child.stdin.write(`${typed}\n`);
    }
  });
  const [status] = await ended;
  assert.equal(status, 0, shown);
  assert.ok(shown.startsWith("Mint credential: \r\n"), shown);
  return shown.slice("Mint credential: \r\n".length);
}

describe("a service that bounds the lifetime", () => {
  test("says so beside the form", async (t) => {
    const bounded = await start({ flags: ["-max-expires-in", "1h"] });
    t.after(bounded.stop);
    const page = await open({}, bounded.origin);
    for (const lifetime of ["", "61"]) {
      await page.locator("#lifetime").fill(lifetime);
      await mintButton(page).click();
      await until("the error", async () => /status 400: .*expires_in.* 3600/.test(await textOf(page, "#mint-status")));
    }
    await mint(page, "x", { lifetime: "60", unit: "minutes" });
  });
});
