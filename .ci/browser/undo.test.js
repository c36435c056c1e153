// Undoes and redoes edits in the fields of the page.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";

import { credential, start } from "./service.js";
import { decode, mint, open, service, textOf, until, verdictOf } from "./visit.js";

const { History } = await import(join(process.env.PAGE, "history.js"));

const undo = "Control+z";
const redo = "Control+Shift+z";

const value = (page, field) => page.locator(field).inputValue();
const caret = (page, field) => page.locator(field).evaluate((target) => [target.selectionStart, target.selectionEnd]);

// press presses keys in the field that has the focus, and expects these texts in turn.
async function press(page, field, keys, ...texts) {
  for (const text of texts) {
    await page.keyboard.press(keys);
    assert.equal(await value(page, field), text, keys);
  }
}

async function paste(page, text) {
  await page.evaluate((copied) => navigator.clipboard.writeText(copied), text);
  await page.keyboard.press("Control+v");
}

// choose chooses a command in the browser's menu.
async function choose(page, command) {
  const session = await page.context().newCDPSession(page);
  await session.send("Input.dispatchKeyEvent", { type: "rawKeyDown", commands: [command] });
  await session.detach();
}

describe("undo", () => {
  test("never touches another field", async () => {
    const page = await open();
    await page.locator("#data").pressSequentially("data");
    await page.locator("#lifetime").pressSequentially("5");
    await page.locator("#key").pressSequentially("key");
    await page.locator("#token").pressSequentially("token");
    await press(page, "#token", undo, "", "", "");
    for (const field of ["#token", "#encoding"]) {
      await page.locator(field).focus();
      for (let i = 0; i < 9; i++) {
        await choose(page, "undo"); // more often than the other fields were edited
      }
      await page.keyboard.press(undo);
    }
    assert.deepEqual(await Promise.all(["#data", "#lifetime", "#key", "#token"].map((field) => value(page, field))), ["data", "5", "key", ""]);
    await page.locator("#key").focus();
    await press(page, "#key", undo, "", "");
    await press(page, "#key", redo, "key", "key");
    assert.equal(await value(page, "#token"), "");
  });

  test("goes back by words and by pastes, with the caret", async () => {
    const page = await open();
    await page.locator("#data").pressSequentially("one two\nthree");
    await page.keyboard.press("Home");
    await page.keyboard.type("2+1=");
    await page.keyboard.press("Control+a");
    await paste(page, "pasted");
    await page.keyboard.press("Backspace");
    await page.keyboard.press("Backspace");
    assert.equal(await value(page, "#data"), "past");
    await press(page, "#data", undo, "pasted");
    assert.deepEqual(await caret(page, "#data"), [6, 6]);
    await press(page, "#data", undo, "one two\n2+1=three");
    assert.deepEqual(await caret(page, "#data"), [0, 17]); // the text that was replaced
    await press(page, "#data", undo, "one two\nthree");
    assert.deepEqual(await caret(page, "#data"), [8, 8]);
    await press(page, "#data", undo, "one two\n", "one two", "one ", "", "");
    await press(page, "#data", redo, "one ", "one two", "one two\n");
    await press(page, "#data", "Control+y", "one two\nthree", "one two\n2+1=three", "pasted", "past", "past");
    assert.deepEqual(await caret(page, "#data"), [4, 4]);
    await press(page, "#data", "Meta+z", "pasted");
    await page.keyboard.type("!");
    await press(page, "#data", redo, "pasted!"); // a new edit ends what could be redone
  });

  test("is in the browser's menu", async () => {
    const page = await open();
    await page.locator("#data").pressSequentially("one two");
    await choose(page, "undo");
    assert.equal(await value(page, "#data"), "one ");
    assert.equal(await textOf(page, "#data-kind"), "Sent as text.");
    await choose(page, "undo");
    assert.equal(await value(page, "#data"), "");
    assert.equal(await textOf(page, "#data-kind"), "Empty: sent as an empty string.");
  });

  test("goes back over what a script has set", async () => {
    const page = await open();
    await page.locator("#token").pressSequentially("mine");
    await page.getByRole("button", { name: "Fill in an example" }).click();
    const example = await value(page, "#token");
    const token = await mint(page, "x");
    await page.getByRole("button", { name: "Inspect it" }).click();
    await page.keyboard.type("x");
    await press(page, "#token", undo, token);
    assert.deepEqual(await caret(page, "#token"), [token.length, token.length]);
    await press(page, "#token", undo, example, "mine", "");
    await press(page, "#token", redo, "mine", example, token, `${token}x`);
    await page.locator("#key").focus();
    await press(page, "#key", undo, "");
    // However it is set.
    await page.locator("#lifetime").evaluate((field) => (field.value = "60"));
    await page.locator("#lifetime").press("5");
    await press(page, "#lifetime", undo, "60", "");
    await press(page, "#lifetime", redo, "60");
  });

  test("does not bring back what Clear has cleared", async () => {
    const page = await open();
    await page.locator("#token").pressSequentially("token");
    await page.locator("#data").pressSequentially("data");
    await page.locator("#key").pressSequentially("secret");
    await page.getByRole("button", { name: "Clear" }).click();
    for (const field of ["#key", "#token"]) {
      await page.locator(field).focus();
      await press(page, field, undo, "");
      await press(page, field, redo, "");
      await choose(page, "undo");
      assert.equal(await value(page, field), "");
    }
    await page.locator("#data").focus();
    await press(page, "#data", undo, "");
    await press(page, "#data", redo, "data");
  });

  test("keeps what an input method composes together", async () => {
    const page = await open();
    await page.locator("#data").pressSequentially("a");
    const session = await page.context().newCDPSession(page);
    for (const text of ["に", "にほ", "にほん"]) {
      await session.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
    }
    await page.keyboard.press(undo); // belongs to the input method
    assert.equal(await value(page, "#data"), "aにほん");
    await session.send("Input.insertText", { text: "日本" });
    await page.keyboard.type("b");
    await press(page, "#data", undo, "a日本", "a", "");
    await press(page, "#data", redo, "a", "a日本", "a日本b");
  });

  test("mends a token that was broken by typing", async () => {
    const page = await open();
    const token = await mint(page, "x");
    await page.locator("#token").focus();
    await paste(page, token);
    await page.locator("#key").pressSequentially(service.key);
    await until("a match", async () => (await verdictOf(page)) === "verified");
    await page.locator("#token").focus();
    await page.keyboard.press("Control+Home");
    for (let i = 0; i < token.indexOf(".") + 2; i++) {
      await page.keyboard.press("ArrowRight");
    }
    await page.keyboard.press("Delete");
    await page.keyboard.press("Delete");
    await page.keyboard.type("XX");
    await until("no match", async () => (await verdictOf(page)) !== "verified");
    assert.notEqual(await value(page, "#token"), token);
    await page.keyboard.press(undo);
    await page.keyboard.press(undo);
    assert.equal(await value(page, "#token"), token);
    await until("a match again", async () => (await verdictOf(page)) === "verified");
    assert.deepEqual(JSON.parse(await textOf(page, "#claims-json")), JSON.parse(decode(token)));
  });

  test("leaves the mint credential forgotten", async (t) => {
    const guarded = await start({ credential });
    t.after(guarded.stop);
    const page = await open({}, guarded.origin);
    const ask = async () => {
      await page.getByRole("button", { name: "Mint token" }).click();
      await page.locator("#credential-dialog").waitFor();
    };
    await ask();
    await page.locator("#credential").pressSequentially("secret");
    await page.keyboard.press("Escape");
    await ask();
    await press(page, "#credential", undo, "");
    await choose(page, "undo");
    assert.equal(await value(page, "#credential"), "");
  });
});

describe("a history", () => {
  const state = (text) => ({ text, start: text.length, end: text.length });

  test("keeps the state after an edit that changed nothing", () => {
    const history = new History(state("ab"));
    const erase = (from, to) => {
      history.expect(state(from), "deleteContentBackward");
      history.record(state(to), "deleteContentBackward");
    };
    erase("ab", "a");
    erase("a", "");
    history.expect(state(""), "deleteContentBackward"); // Backspace in an empty field
    history.record(state("x"), "set");
    assert.equal(history.undo(state("x")).text, "");
    assert.equal(history.undo(state("")).text, "ab");
  });

  test("holds a thousand texts", () => {
    const history = new History(state(""));
    for (let i = 1; i <= 3000; i++) {
      history.record(state(`${i}`), "insertFromPaste");
    }
    let last;
    let steps = 0;
    for (let now = state("3000"); (now = history.undo(now)) !== undefined; steps++) {
      last = now.text;
    }
    assert.deepEqual([steps, last], [1000, "2000"]);
  });

  test("holds four million characters", () => {
    const text = (i) => `${i}`.padStart(1 << 20, " ");
    const history = new History(state(""));
    for (let i = 1; i <= 9; i++) {
      history.record(state(text(i)), "insertFromPaste");
    }
    const texts = [];
    for (let now = state(text(9)); (now = history.undo(now)) !== undefined; ) {
      texts.push(now.text.trim());
    }
    assert.deepEqual(texts, ["8", "7", "6", "5"]);
  });
});
