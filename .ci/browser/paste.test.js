// Finds the token in pasted text, and says what is around it. The texts that find.test.js
// has are not repeated here.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";

const { chosen, locate } = await import(join(process.env.PAGE, "paste.js"));

const encode = (json) => Buffer.from(JSON.stringify(json)).toString("base64url");
const token = `${encode({ alg: "HS256" })}.${encode({ sub: "ada" })}.${"A".repeat(43)}`;
const other = `${encode({ alg: "HS256" })}.${encode({ sub: "bob" })}.${"B".repeat(43)}`;

// Each row is a pasted text that has one token, and what to say about the rest.
const texts = [
  [token, []],
  [`  ${token}\r\n`, ["Ignored around the token: white space."]],
  [`"${token}"\n`, ["Ignored around the token: white space, quotes."]],
  [`\u201c${token}\u201d`, ["Ignored around the token: quotes."]],
  [`...${token}`, ["Ignored around the token: dots."]],
  [`${token}.`, ["Ignored around the token: dots."]],
  [`${token}..`, ["Ignored around the token: dots."]],
  [`${token}\u2026`, ["Ignored around the token: dots."]],
  [`"${token}."`, ["Ignored around the token: quotes, dots."]],
  [`Bearer ${token}`, ["Ignored around the token: “Bearer”."]],
  [`authorization:  bearer \t${token} `, ["Ignored around the token: white space, “Authorization:”, “Bearer”."]],
  [`'Authorization: Bearer ${token}'`, ["Ignored around the token: quotes, “Authorization:”, white space, “Bearer”."]],
  [`curl -H 'Authorization: Bearer ${token}' https://api.example.com`, ["Found the token in the header Authorization."]],
  [`see ${token.slice(0, 60)}\n${token.slice(60)}`, ["Found the token on 2 lines, which the page joined."]],
  [`${token}==`, ["Found the token."]],
  [`${token} ${token}`, ["Found the token."]],
];

describe("locate", () => {
  test("one token, and what is around it", () => {
    for (const [text, notes] of texts) {
      const located = locate(text);
      assert.deepEqual([located.token, located.choices, located.notes], [token, [], notes], text);
      assert.equal(text.slice(located.start, located.end).replace("\n", ""), token);
    }
  });

  test("what is not a token is left as it is", () => {
    for (const text of ["", "abc", "e30.", "e30.e30.", `${token.slice(0, 20)}!${token.slice(20)}`]) {
      assert.deepEqual(locate(text), { start: 0, end: text.length, token: text, choices: [], notes: [] }, text);
    }
  });

  test("no token", () => {
    for (const text of ["hello world", "curl https://api.example.com", '{"error":"invalid_token"}', `x${token}!`]) {
      const { start, end, token, choices, notes } = locate(text);
      assert.deepEqual([start, end, token, choices, notes], [0, 0, "", [], ["There is no whole token in this text. Tokens begin with eyJ."]], text);
    }
  });

  test("more tokens than are offered", () => {
    const text = Array.from({ length: 30 }, (_, i) => `${token}${i}`).join(" ");
    const { choices, notes } = locate(text);
    assert.equal(choices.length, 20);
    assert.deepEqual(notes, ["There are 20 tokens or more. Choose one to inspect."]);
  });

  test("several tokens, one of which is chosen", () => {
    const text = `token=${token} id_token=${other}`;
    const { token: none, choices, notes } = locate(text);
    assert.equal(none, "");
    assert.deepEqual(notes, ["There are 2 tokens. Choose one to inspect."]);
    assert.deepEqual(choices.map((choice) => choice.token), [token, other]);
    assert.deepEqual(chosen(choices[1]), { token: other, start: text.length - other.length, end: text.length, notes: ['Found the token after "id_token".'] });
  });

  test("a megabyte of wrappings ends", () => {
    for (const piece of ["Bearer ", '"', " ", "authorization:", `"' `, "`Bearer ", ".", "\u2026"]) {
      const text = piece.repeat((1 << 20) / piece.length);
      assert.equal(locate(text + token).choices.length, 0);
      assert.equal(locate(token + text).choices.length, 0);
      assert.equal(locate(`a${text}b`).choices.length, 0);
    }
  });
});
