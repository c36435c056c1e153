// Inserts claims into JSON texts.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";

const { insert } = await import(join(process.env.PAGE, "templates.js"));

// marked returns what insert does to text, with the value between guillemets.
function marked(text, name = "sub", value = '"ada"') {
  const result = insert(text, name, value);
  return result && `${result.text.slice(0, result.start)}«${result.text.slice(result.start, result.end)}»${result.text.slice(result.end)}`;
}

describe("insert", () => {
  test("adds a member to the end and leaves the rest as it is spelled", () => {
    for (const [text, want] of [
      ["", '{\n  "sub": "«ada»"\n}'],
      [" \n", '{\n  "sub": "«ada»"\n}'],
      ["{}", '{"sub": "«ada»"}'],
      [" { } ", ' {"sub": "«ada»" } '],
      ['{"id":12345678901234567890,"x":1.50}', '{"id":12345678901234567890,"x":1.50, "sub": "«ada»"}'],
      ['{"e" : "\\u00e9\\/" }\n', '{"e" : "\\u00e9\\/", "sub": "«ada»" }\n'],
      ['{\n  "a": [1e400,\n {}]\n}', '{\n  "a": [1e400,\n {}],\n  "sub": "«ada»"\n}'],
      ['{\n\t"a": {"sub": 1}\n}\n', '{\n\t"a": {"sub": 1},\n\t"sub": "«ada»"\n}\n'],
      ['{"a": "}, \\"sub\\": {"}', '{"a": "}, \\"sub\\": {", "sub": "«ada»"}'],
      ['{"a": "sub"}', '{"a": "sub", "sub": "«ada»"}'],
      ['{"a": ["sub", {"sub": "x"}]}', '{"a": ["sub", {"sub": "x"}], "sub": "«ada»"}'],
    ]) {
      assert.equal(marked(text), want, text);
      const { sub, ...others } = JSON.parse(insert(text, "sub", '"ada"').text);
      assert.equal(sub, "ada");
      assert.deepEqual(others, JSON.parse(text.trim() || "{}"));
    }
    assert.equal(marked("{}", "nbf", "17"), '{"nbf": «17»}');
    assert.equal(marked("{}", 'a"b', "[]"), '{"a\\"b": «[]»}');
  });

  test("changes nothing if the object has the member, and finds its value", () => {
    for (const want of [
      '{"sub": "«grace»"}',
      '{"sub": "«»"}',
      '{ "a":{"sub":1},\n"sub" :\t«[1, {"sub": 2}]» , "z":0}',
      '{"s\\u0075b":"«x\\"»","a":"sub"}',
      '{"a": "\\\\", "b": "{[", "sub": «-1.50e+7»}',
    ]) {
      assert.equal(marked(want.replace(/[«»]/g, "")), want);
    }
  });

  test("leaves what is not a JSON object", () => {
    for (const text of ["[]", '"sub"', "null", "1", "{", '{"a":1,}', "{} {}", '{"a":1,"a":2}', "sub: ada", "\u00a0{}"]) {
      assert.equal(insert(text, "sub", '"ada"'), null, text);
    }
  });

  test("any size", () => {
    const size = 1 << 20;
    for (const text of [`{"a": "${"x".repeat(size)}"}`, `{${" ".repeat(size)}}`, `{"a": "${"\\\\".repeat(size / 2)}"${"\n".repeat(size)}}`, `{"a": [${"1,".repeat(size / 2)}1]}`, `{"a": ${'["sub", '.repeat(1000)}1${"]".repeat(1000)}}`]) {
      assert.equal(insert(insert(text, "sub", '"ada"').text, "sub", "1").text.length, text.length + (text.startsWith("{ ") ? 12 : 14));
    }
  });
});
