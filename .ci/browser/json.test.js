// Reads JSON, and says what is wrong with what is not JSON.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";

const { read, visible } = await import(join(process.env.PAGE, "json.js"));

const shown = ({ pieces }) => pieces.map(({ text }) => text).join("");

// Each row is a text, what is wrong with it, and the offset of that.
const faults = [
  ["", "it is empty", 0],
  [" \n", "it is empty", 2],

  ['{"a":1,}', "a comma before } (line 1, character 7)", 6],
  ["[1,\n  2,\n]", "a comma before ] (line 2, character 4)", 7],
  ["[1 2]", "a comma is missing before 2 (line 1, character 4)", 3],
  ['{"a":1\n"b":2}', 'a comma is missing before "b" (line 2, character 1)', 7],
  ['["a""b"]', 'a comma is missing before "b" (line 1, character 5)', 4],
  ['["a" \'b\']', `the quote ' instead of " (line 1, character 6)`, 5],
  ["[{} {}]", "a comma is missing before { (line 1, character 5)", 4],
  ['{"a":1;"b":2}', "an unexpected ; (line 1, character 7)", 6],
  ['{"a" 1}', "a colon is missing before 1 (line 1, character 6)", 5],
  ['{"a"}', "a colon is missing before } (line 1, character 5)", 4],
  ['{"a"=1}', "a colon is missing before = (line 1, character 5)", 4],
  ['{"a":}', "a value is missing before } (line 1, character 6)", 5],
  ["[1,,2]", "a value is missing before , (line 1, character 4)", 3],
  ["}", "a value is missing before } (line 1, character 1)", 0],
  ["{,}", "a name is missing before , (line 1, character 2)", 1],
  ["{{x}}", "a name is missing before { (line 1, character 2)", 1],
  ["[1}", "} instead of ] for the array that begins on line 1 (line 1, character 3)", 2],
  ['[\n{"a":1]', "] instead of } for the object that begins on line 2 (line 2, character 7)", 8],

  ["{'a':1}", `the quote ' instead of " (line 1, character 2)`, 1],
  ["{\u201ca\u201d:1}", `the quote \u201c instead of " (line 1, character 2)`, 1],
  ["{a:1}", "the name a needs quotes (line 1, character 2)", 1],
  ["{1:1}", "the name 1 needs quotes (line 1, character 2)", 1],
  ["{\u00e9t\u00e9:1}", "the name \u00e9t\u00e9 needs quotes (line 1, character 2)", 1],
  [`{"a":1 ${"x".repeat(30)}}`, `a comma is missing before ${"x".repeat(24)}\u2026 (line 1, character 8)`, 7],

  ["// why\n{}", "a comment, which JSON does not have (line 1, character 1)", 0],
  ['{"a":1 /* why */}', "a comment, which JSON does not have (line 1, character 8)", 7],
  ["{} # why", "a comment, which JSON does not have (line 1, character 4)", 3],

  ['["a\nb"]', 'a line break in a string: write \\n, or end the string with " (line 1, character 4)', 3],
  ['["a\tb"]', "a tab in a string: write \\t (line 1, character 4)", 3],
  ['["\u0001"]', "the control character U+0001 in a string (line 1, character 3)", 2],
  ['["C:\\Users"]', "\\U is not an escape: a backslash is \\\\ (line 1, character 5)", 4],
  ['["\\u12"]', "\\u without four hexadecimal digits (line 1, character 3)", 2],
  ['{"a\\x":1}', "\\x is not an escape: a backslash is \\\\ (line 1, character 4)", 3],
  ['["\\ud800"]', "\\ud800 is a lone surrogate, half a character (line 1, character 3)", 2],
  ['["\\ud83d\\ude00\\\\ud800\\uDC00"]', "\\uDC00 is a lone surrogate, half a character (line 1, character 22)", 21],

  ["[True]", "True instead of true (line 1, character 2)", 1],
  ["[None]", "None instead of null (line 1, character 2)", 1],
  ["[undefined]", "undefined instead of null (line 1, character 2)", 1],
  ["[NaN]", "NaN, which JSON does not have (line 1, character 2)", 1],
  ["[-Infinity]", "-Infinity, which JSON does not have (line 1, character 2)", 1],
  ["[truex]", "truex needs quotes (line 1, character 2)", 1],
  ["hello", "hello needs quotes (line 1, character 1)", 0],
  ["[01]", "01 has a 0 in front (line 1, character 2)", 1],
  ["[-.5]", "-.5 has no digit before the point (line 1, character 2)", 1],
  ["[1.]", "1. has no digit after the point (line 1, character 2)", 1],
  ["[1.e5]", "1.e5 has no digit after the point (line 1, character 2)", 1],
  ["[+1]", "+1 has a + in front (line 1, character 2)", 1],
  ["[0x1F]", "0x1F is not decimal (line 1, character 2)", 1],
  ["[1_000]", "1_000 is not a number, and text needs quotes (line 1, character 2)", 1],
  ["[2026-01-31]", "2026-01-31 is not a number, and text needs quotes (line 1, character 2)", 1],

  ["{}x", "text after the end (line 1, character 3)", 2],
  ['{"a"\n:1}}', "text after the end (line 2, character 4)", 8],
  ["{}\u0000", "text after the end (line 1, character 3)", 2],

  ['{\n "a":[1,\n2', "the array that begins on line 2 has no closing ] (line 3, character 2)", 12],
  ['{"a":', "the object that begins on line 1 has no closing } (line 1, character 6)", 5],
  ['[\n"a', 'the string that begins on line 2 has no closing " (line 2, character 3)', 4],
  ['"a\\', 'the string that begins on line 1 has no closing " (line 1, character 3)', 2],

  ['{"a":1,\n"\\u0061":2}', 'the member "\\u0061" occurs twice in one object (line 2, character 1)', 8],
  ['[{"\u202e":1,"\u202e":2}]', 'the member "\\u202e" occurs twice in one object (line 1, character 9)', 8],
  ["\ufeff{}", "a byte order mark (line 1, character 1)", 0],
  ["[\u00a0]", "the character U+00A0 (line 1, character 2)", 1],
  ["[\u200b1]", "the character U+200B (line 1, character 2)", 1],
  ['"\ud83d\ude00" 1', "text after the end (line 1, character 5)", 5],
  ["[".repeat(10_001), "it nests deeper than 10,000 levels (line 1, character 10001)", 10_000],
];

describe("read", () => {
  test("faults, and where they are", () => {
    for (const [text, fault, at] of faults) {
      const json = read(text);
      assert.deepEqual([json.fault, json.faultAt], [fault, at], text.slice(0, 80));
    }
  });

  test("a text with a fault is shown in full", () => {
    for (const [text] of faults) {
      assert.equal(shown(read(text)).replace(/\s/g, ""), text.replace(/\s/g, ""));
    }
  });

  test("the values of members, as they are in the text", () => {
    const { type, members, fault } = read(' { "a" : 1.50 , "b":{"c": [1e400 ,"]"]},"\\u0064" :"\\u00e9"} ');
    assert.deepEqual([type, fault], ["object", null]);
    assert.deepEqual([...members], [["a", "1.50"], ["b", '{"c": [1e400 ,"]"]}'], ["d", '"\\u00e9"']]);
  });

  test("formats for people, with the depth of names", () => {
    const { pieces } = read('{"a":[1,{}],"b":{"c":[]}}');
    assert.equal(shown({ pieces }), '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": {\n    "c": []\n  }\n}');
    assert.deepEqual(pieces.filter(({ kind }) => kind === "name").map(({ text, depth }) => [text, depth]), [['"a"', 1], ['"b"', 1], ['"c"', 2]]);
  });

  // Random texts, half of them with an error.
  test("reads what JSON.parse reads, with every literal unchanged", () => {
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
    let valid = 0;
    for (let i = 0; i < 6000; i++) {
      let text = space() + value(0) + space();
      if (i % 2) {
        const at = random(text.length + 1);
        text = text.slice(0, at) + ["", ",", "}", "]", '"', "0", ":", "x", "-"][random(9)] + text.slice(at + random(2));
      }
      const json = read(text);
      const strict = /twice|surrogate/.test(json.fault); // which JSON.parse allows
      valid += json.fault === null;
      assert.ok(strict || (json.fault === null) === (parse(text) !== null), `${text}: ${json.fault}`);
      if (json.fault === null) {
        assert.equal(parse(shown(json)), parse(text));
        assert.equal(literals(shown(json)), literals(text));
      } else {
        assert.match(json.fault, /^it is empty$|. \(line [0-9]+, character [0-9]+\)$/);
        assert.ok(json.faultAt <= text.length);
      }
    }
    assert.ok(valid > 2000 && valid < 5900, `${valid} valid`);
  });

  test("a megabyte of anything ends", () => {
    const size = 1 << 20;
    for (const piece of ["[", '{"a":', '"', "\\", '"\\n', "1 ", "-", "1.", "a", " ", "\n", "[1,", '"\\ud800",', "/", "'", "\u200b", '{"a":1,"a":1}']) {
      for (const beginning of ["", '"', "[", '["']) {
        assert.notEqual(read(beginning + piece.repeat(size / piece.length)).fault, null);
      }
    }
    for (const text of [`"${"\\n".repeat(size / 2)}"`, "1".repeat(size), `[${"1,".repeat(size / 2)}1]`, `{${[...Array(size >> 3).keys()].map((i) => `"${i}":1`)}}`]) {
      assert.equal(read(text).fault, null);
    }
  });
});

test("visible shows what is invisible, and does not change the value", () => {
  const text = '"\u202e\u0085\ufeff\u00e9\ud83d\ude00"';
  assert.equal(visible(text), '"\\u202e\\u0085\\ufeff\u00e9\ud83d\ude00"');
  assert.equal(JSON.parse(visible(text)), JSON.parse(text));
});
