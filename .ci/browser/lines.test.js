// Checks the requests that a file of data becomes.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";

const { requests } = await import(join(process.env.PAGE, "lines.js"));

async function all(parts, kind = "json", members = "") {
  const list = [];
  for await (const request of requests(new Blob([parts].flat()), kind, members)) {
    list.push(request);
  }
  return list;
}

// only returns the one request of a file.
async function only(...file) {
  const list = await all(...file);
  assert.equal(list.length, 1);
  return list[0];
}

const lengths = (list) => list.map(({ lines }) => lines.length);
const total = (list) => list.flatMap(({ lines }) => lines);
const sizeOf = ({ lines }) => Buffer.byteLength(lines.join("\n"));

describe("requests", () => {
  test("a JSON value a line, unchanged", async () => {
    const values = ['{"id": 12345678901234567890}', "1.50", ' "é😀\u2028" ', "[]", "false", "null", '{"a":1,"a":2}'];
    const { lines, numbers, faults, last, end } = await only(values.join("\n"));
    assert.deepEqual(lines, values.map((value) => `{"user_data":${value}}`));
    assert.deepEqual({ numbers, faults, last, end }, { numbers: [1, 2, 3, 4, 5, 6, 7], faults: [], last: 7, end: Buffer.byteLength(values.join("\n")) });
  });

  test("with the other members", async () => {
    assert.deepEqual((await only("1\n2\n", "json", '"claims":{"sub":"ada"},"expires_in":60')).lines, ['{"user_data":1,"claims":{"sub":"ada"},"expires_in":60}', '{"user_data":2,"claims":{"sub":"ada"},"expires_in":60}']);
  });

  test("text", async () => {
    const { lines, numbers } = await only('ada\r\n  42 \n\n"\\\u0001\r\n1,"expires_in":9', "text");
    assert.deepEqual(lines.map((line) => JSON.parse(line)), ["ada", "  42 ", '"\\\u0001', '1,"expires_in":9'].map((text) => ({ user_data: text })));
    assert.deepEqual(numbers, [1, 2, 4, 5]);
  });

  test("whatever the line breaks are, and with a byte order mark", async () => {
    for (const [text, want, last] of [
      ["1\n2", [1, 2], 2],
      ["1\r\n2\r\n", [1, 2], 2],
      ["\ufeff1\n2\n", [1, 2], 2],
      ["\n \t\n\r\n1\n\n2\n\n\n", [4, 6], 8],
      ["\ufeff\n1", [2], 2],
    ]) {
      const request = await only(text);
      assert.deepEqual([request.numbers, request.last], [want, last], JSON.stringify(text));
      assert.deepEqual(total([request]), ['{"user_data":1}', '{"user_data":2}'].slice(0, want.length), JSON.stringify(text));
    }
    assert.deepEqual(await all(""), []);
    assert.deepEqual(lengths(await all("\n\n")), [0]);
  });

  test("faults, with the number of the line in the file", async () => {
    const bad = [Buffer.from('1\n{"a":1\n\n1,"expires_in":9\nada\n"'), Buffer.from([0xc3, 0x28]), Buffer.from('"\n1}\n\ufeff1\n2')];
    const { lines, numbers, faults } = await only(bad);
    assert.deepEqual([lines.length, numbers], [2, [1, 9]]);
    assert.deepEqual(faults, [
      { number: 2, fault: "it is not JSON: the object has no closing } (character 7); each line must be JSON of its own" },
      { number: 4, fault: 'it is not JSON: text after the end (character 2); if the lines are text, choose that above' },
      { number: 5, fault: 'it is not JSON: ada needs quotes (character 1); if the lines are text, choose that above' },
      { number: 6, fault: "it is not UTF-8" },
      { number: 7, fault: 'it is not JSON: text after the end (character 2); if the lines are text, choose that above' },
      { number: 8, fault: "it is not JSON: a byte order mark (character 1)" }, // a byte order mark within the file
    ]);
  });

  test("at most 1,000 lines each, blank and bad ones included", async () => {
    assert.deepEqual(lengths(await all("1\n".repeat(2500))), [1000, 1000, 500]);
    assert.deepEqual(lengths(await all("1\n".repeat(1000))), [1000]);
    const list = await all("1\n\nx\n2\n".repeat(1000));
    assert.deepEqual(lengths(list), [500, 500, 500, 500]);
    assert.deepEqual(list.map(({ faults, last, end }) => [faults.length, last, end]), [[250, 1000, 1750], [250, 2000, 3500], [250, 3000, 5250], [250, 4000, 7000]]);
  });

  test("at most 64 KiB each, unless one line has more", async () => {
    const line = (size) => `"${"é".repeat(size / 2 - 1)}"`;
    const list = await all([20_000, 20_000, 20_000, 20_000, 100_000, 250_000, 10, 65_500, 10, 10].map(line).join("\n"));
    assert.deepEqual(lengths(list), [3, 1, 1, 1, 1, 1, 2]);
    assert.ok(list.every((request) => request.lines.length === 1 || sizeOf(request) <= 64 << 10));
    assert.equal(total(list).length, 10);
  });

  test("none for a line over 256 KiB, however long it is", async () => {
    const largest = (256 << 10) - '{"user_data":""}'.length;
    const text = ["1", `"${"x".repeat(largest)}"`, `"${"x".repeat(largest + 1)}"`, `"${"x".repeat(5 << 20)}"`, "2", `"${"x".repeat(3 << 20)}`].join("\n");
    for (const [file, bad] of [[text, [3, 4, 6]], [`${text}\n`, [3, 4, 6]], [`${text}\n3`, [3, 4, 6]]]) {
      const list = await all(file);
      assert.deepEqual(list.flatMap(({ faults }) => faults.map(({ number }) => number)), bad);
      assert.match(list.flatMap(({ faults }) => faults)[1].fault, /at most 256 KiB/);
      assert.deepEqual(list.flatMap(({ numbers }) => numbers), file.endsWith("3") ? [1, 2, 5, 7] : [1, 2, 5]);
      assert.equal(list.at(-1).end, file.length);
    }
  });

  test("lines on both sides of every border of the pieces that are read", async () => {
    const values = Array.from({ length: 60_000 }, (_, i) => JSON.stringify({ user: i, name: "é".repeat(i % 80) }));
    for (const lineBreak of ["\n", "\r\n"]) {
      const list = await all(values.join(lineBreak));
      assert.deepEqual(total(list), values.map((value) => `{"user_data":${value}}`));
      assert.deepEqual(list.flatMap(({ numbers }) => numbers), values.map((_, i) => i + 1));
    }
  });
});
