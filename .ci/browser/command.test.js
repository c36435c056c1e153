// Runs the curl commands that the page shows.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { join } from "node:path";
import { describe, test } from "node:test";

import { check, decode, expectVerdict, mint, open, rfcKey, rfcToken, service, textOf, until } from "./visit.js";

// run runs a command in a shell, with input as what a user types.
function run(command, input = "", shell = "sh") {
  const { stdout, stderr, status } = spawnSync(shell, ["-c", command], { input, encoding: "utf8", timeout: 10_000 });
  assert.equal(status, 0, stderr);
  return {
    stdout,
    stderr,
    get answer() {
      return JSON.parse(stdout);
    },
  };
}

describe("the same call with curl", () => {
  test("minting", async () => {
    const page = await open();
    await page.locator("#mint-command").evaluate((element) => (element.closest("details").open = true));
    for (const data of ["it's", `'"$HOME" \`id\` $(id) \\ !! %s \n\t end'`, '{"a": "it\'s \\" $(id)", "n": 1.50}', "@file", "-x", "\u202e\u007f"]) {
      await page.locator("#data").fill(data);
      const { answer } = run(await page.locator("#mint-command").textContent());
      const minted = JSON.parse(decode(answer["JWT Token"])).payload.data;
      assert.deepEqual(minted, data.startsWith("{") ? JSON.parse(data) : data);
    }
    await page.locator("#data").fill("");
    await page.locator("#mint-claims").fill('{"sub": "it\'s $(id)",\n "n": 1.50}');
    assert.match(decode(run(await page.locator("#mint-command").textContent()).answer["JWT Token"]), /"sub":"it's \$\(id\)","n":1\.50\}$/);
    await page.getByRole("button", { name: "Copy command" }).first().click();
    await until("Copied", async () => (await textOf(page, "#announcement")) === "Copied");
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await page.locator("#mint-command").textContent());
  });

  test("inspecting, where the command asks for the key", async () => {
    const page = await open();
    const token = await mint(page, "x");
    await page.locator("#key").fill("secret-key");
    for (const [pasted, shell] of [[token, "sh"], [`Bearer ${token}`, "bash"]]) {
      await page.locator("#token").fill(pasted);
      const command = await page.locator("#inspect-command").textContent();
      assert.ok(!command.includes("secret-key"));
      const { answer, stderr } = run(command, `${service.key}\n`, shell);
      assert.equal(answer["Signature Verification"], true);
      assert.ok(stderr.includes("Signing key: "));
    }
    await page.locator("#token").fill(`it's "$(id)" %s \\`);
    assert.equal(spawnSync("sh", ["-c", await page.locator("#inspect-command").textContent()], { input: "k\n", encoding: "utf8" }).stdout.includes('"status":400'), true);
    await page.locator("#token").fill(rfcToken);
    await page.locator("#encoding").selectOption("base64url");
    assert.equal(run(await page.locator("#inspect-command").textContent(), `${rfcKey}\n`).answer["Signature Verification"], true);
  });

  test("inspecting, with the key in the command only on request", async () => {
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

describe("a minted token, copied as a command", () => {
  for (const shell of ["sh", "bash"]) {
    test(`reaches the gate, in ${shell}`, async () => {
      const page = await open();
      const token = await mint(page, "x");
      await page.getByRole("button", { name: "Copy as curl" }).click();
      await until("the copy", async () => (await page.evaluate(() => navigator.clipboard.readText())).startsWith("curl "));
      const { stdout, stderr } = run(await page.evaluate(() => navigator.clipboard.readText()), "", shell);
      assert.match(stdout, /^HTTP\/1.1 200 /);
      assert.ok(stdout.includes(`Token-Claims: ${token.split(".")[1]}\r\n`), stdout);
      assert.equal(stderr, "");
    });
  }

  test("is quoted, whatever the address", async () => {
    const { bearerCurl } = await import(join(process.env.PAGE, "command.js"));
    const command = bearerCurl("http://127.0.0.1:9/it's $(id)?a&b", "a.b.c").replace(/^curl/, `printf '<%s>'`);
    for (const shell of ["sh", "bash"]) {
      assert.equal(run(command, "", shell).stdout, "<-sS><http://127.0.0.1:9/it's $(id)?a&b><-i><-H><Authorization: Bearer a.b.c>");
    }
  });
});

describe("the examples of the guide", () => {
  // copied opens the example with this summary, copies it and returns what was copied.
  async function copied(page, summary) {
    await page.getByText(summary, { exact: true }).click();
    const example = page.locator("details", { hasText: summary });
    await example.getByRole("button", { name: "Copy command" }).click();
    const command = await example.locator(".command").textContent();
    await until("the copy", async () => (await page.evaluate(() => navigator.clipboard.readText())) === command);
    return command;
  }

  // mintWith returns the token of the first example, which is for the others.
  async function mintWith(page) {
    return run(await copied(page, "Mint with curl")).answer["JWT Token"];
  }

  for (const shell of ["sh", "bash"]) {
    test(`minting with claims, in ${shell}`, async () => {
      const page = await open();
      const { answer, stderr } = run(await copied(page, "Mint with curl"), "", shell);
      const { iat, jti, ...claims } = JSON.parse(decode(answer["JWT Token"]));
      assert.match(jti, /^[0-9a-f]{32}$/);
      assert.deepEqual(claims, { exp: iat + 3600, sub: "ada", aud: "orders", scope: "read write" });
      assert.equal(stderr, ""); // it asks for nothing
    });

    test(`inspecting with the service's own key, in ${shell}`, async () => {
      const page = await open();
      const token = await mintWith(page);
      const command = await copied(page, "Inspect with curl");
      const { answer, stderr } = run(command, `${token}\n`, shell);
      assert.equal(answer["Signature Verification"], true);
      assert.equal(answer.Signed_by, createHash("sha256").update(`tokenmint key${service.key}`).digest("hex").slice(0, 8));
      assert.ok(stderr.includes("Token: "));
      const foreign = run(command, `${signed('{"alg":"HS512"}', "{}", "sha512", "another key")}\n`, shell).answer;
      assert.equal(foreign["Signature Verification"], false);
      assert.match(foreign.Reason, /own keys/);
    });

    test(`signing with a key of one's own, in ${shell}`, async () => {
      const page = await open();
      const command = await copied(page, "Sign with curl");
      for (const [typed, key] of [["a key %s $(id)", "a key %s $(id)"], [`\\"\\\\`, `"\\`]]) {
        const { answer, stderr } = run(command, `${typed}\n`, shell);
        const token = signed('{"typ":"JWT","alg":"HS256"}', '{"sub":"ada","role":"editor"}', "sha256", key);
        assert.equal(answer["JWT Token"], token);
        assert.ok(stderr.includes("Signing key: "));
        await check(page, token, key);
        await expectVerdict(page, "verified", /./);
      }
    });

    test(`asking the gate, in ${shell}`, async () => {
      const page = await open();
      const token = await mintWith(page);
      const command = await copied(page, "Ask the gate with curl");
      const { stdout, stderr } = run(command, `${token}\n`, shell);
      assert.match(stdout, /^HTTP\/1.1 200 /);
      assert.ok(stdout.includes(`Token-Claims: ${token.split(".")[1]}\r\n`), stdout);
      assert.ok(stderr.includes("Token: "));
      assert.match(run(command, `${rfcToken}\n`, shell).stdout, /^HTTP\/1.1 401 /);
    });

    test(`introspecting, in ${shell}`, async () => {
      const page = await open();
      const token = await mintWith(page);
      const command = await copied(page, "Introspect with curl");
      const { answer, stderr } = run(command, `${token}\n`, shell);
      assert.deepEqual(answer, { active: true, ...JSON.parse(decode(token)) });
      assert.ok(stderr.includes("Token: "));
      assert.deepEqual(run(command, "a+b&token=%\n", shell).answer, { active: false });
    });
  }
});

// signed returns a token that is signed here, not by the service.
function signed(header, claims, hash, key) {
  const input = [header, claims].map((part) => Buffer.from(part).toString("base64url")).join(".");
  return `${input}.${createHmac(hash, key).update(input).digest("base64url")}`;
}
