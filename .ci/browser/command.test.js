// Runs the curl commands that the page shows.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";

import { decode, mint, open, rfcKey, rfcToken, service, textOf, until } from "./visit.js";

describe("the same call with curl", () => {
  const run = (command, input = "", shell = "sh") => {
    const { stdout, stderr, status } = spawnSync(shell, ["-c", command], { input, encoding: "utf8", timeout: 10_000 });
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
