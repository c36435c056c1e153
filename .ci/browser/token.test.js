// Decodes tokens as the page does, and compares its verdict with the service's: the page
// finds a fault if and only if the service refuses the token as malformed.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { start } from "./service.js";

const { decode, decodeBase64url } = await import(join(process.env.PAGE, "token.js"));

const encode = (content) => Buffer.from(content).toString("base64url");
const token = (header, claims, signature = "AAAA") => `${encode(header)}.${encode(claims)}.${signature}`;
const header = '{"alg":"HS256"}';

// faultsOf lists what the page finds wrong with a token.
function faultsOf(text) {
  const { fault, header, claims, signature, encrypted } = decode(text);
  return [fault, header?.fault, claims?.fault, signature?.fault, ...(encrypted ?? []).map(({ fault }) => fault)].filter((fault) => fault);
}

const noBeginning = "The beginning of the token seems to be missing: tokens begin with eyJ.";
const notJWT = "This is not a JWT, which begins with a JSON object in base64url. Other kinds of token can be checked only by their issuer.";

// Each row is a token and what the page finds wrong with it.
const tokens = [
  [token(header, "{}"), []],
  [token(header, "{}", ""), []],
  [token(' {"alg":"HS256"}\n', ' { "exp" : 1e400 } '), []],
  [token('{"alg":1}', "{}"), []],
  [token("{}", '{"a":"\u00e9\ud83d\ude00\u2028","b":"\\ud83d\\ude00"}'), []],
  [token(header, `{"a":${"[".repeat(9999)}${"]".repeat(9999)}}`), []],

  // Base64url.
  [`${encode(header)}.e30=.AAAA`, ["it is padded with =, which a JWT leaves out (character 4)"]],
  [`${encode(header)}.e30.AA==`, ["it is padded with =, which a JWT leaves out (character 3)"]],
  [`${encode(header)}.e30.AA+A`, ["it has + of ordinary base64, where base64url has - (character 3)"]],
  [`${encode(header)}.e30.AA/A`, ["it has / of ordinary base64, where base64url has _ (character 3)"]],
  [`${encode(header)}.e30.AA A`, ["it has white space (character 3)"]],
  [`${encode(header)}.e30.AAAA\n`, ["it has white space (character 5)"]],
  [`${encode(header)}.e30.A\u00e9AA`, ["it has \u00e9, which is not in the alphabet of base64url (character 2)"]],
  [`${encode(header)}.e30.\ud83d\ude00`, ["it has \ud83d\ude00, which is not in the alphabet of base64url (character 1)"]],
  [`${encode(header)}.e30.A\u200bAA`, ["it has \\u200b, which is not in the alphabet of base64url (character 2)"]],
  [`${encode(header)}.e30.AAAAA`, ["it is cut short"]],
  [`${encode(header)}.e31.AAAA`, ["it is cut short, or its last character is wrong"]], // RFC 4648 §3.5
  [`${encode(header)}.e30.AB`, ["it is cut short, or its last character is wrong"]],
  [`${encode(header)}.e30.AAB`, ["it is cut short, or its last character is wrong"]],

  // UTF-8 and JSON.
  [token(header, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), ["it is not valid UTF-8"]],
  [token(header, Buffer.from([0x7b, 0x7d, 0xc3])), ["it is not valid UTF-8"]],
  [token(header, Buffer.from('{"a":"\u0000"}'.replace("\u0000", "\xed\xa0\x80"), "latin1")), ["it is not valid UTF-8"]],
  [token(header, "\ufeff{}"), ["a byte order mark (line 1, character 1)"]],
  [token(header, '{"a":"\\ud800"}'), ["\\ud800 is a lone surrogate, half a character (line 1, character 7)"]],
  [token(header, '{"\\udc00":1}'), ["\\udc00 is a lone surrogate, half a character (line 1, character 3)"]],
  [token(header, '{"a":1,"\\u0061":2}'), ['the member "\\u0061" occurs twice in one object (line 1, character 8)']],
  [token('{"alg":"HS256","alg":"none"}', "{}"), ['the member "alg" occurs twice in one object (line 1, character 16)']],
  [token(header, '{"a":[{"b":1,"b":2}]}'), ['the member "b" occurs twice in one object (line 1, character 14)']],
  [token(header, '{"a":1,}'), ["a comma before } (line 1, character 7)"]],
  [token(header, '{"a":"\n"}'), ['a line break in a string: write \\n, or end the string with " (line 1, character 7)']],
  [token(header, "{}\u0000"), ["text after the end (line 1, character 3)"]],
  [token(header, `{"a":${"[".repeat(10_000)}${"]".repeat(10_000)}}`), ["it nests deeper than 10,000 levels (line 1, character 10005)"]],
  [token(header, "[]"), ["it is not a JSON object"]],
  [token('"x"', "null"), [notJWT, "it is not a JSON object", "it is not a JSON object"]],

  // Segments.
  [`${encode(header)}..AAAA`, ["it is empty, so the signature may be over content that is sent separately"]],
  [".e30.AAAA", [noBeginning, "it is empty"]],
  [token(header, "{}").slice(5), [noBeginning, "it is not text"]],
  ["www.example.com", [notJWT, "it is not text", "it is cut short, or its last character is wrong", "it is cut short, or its last character is wrong"]],
  ["..", [notJWT, "it is empty", "it is empty, so the signature may be over content that is sent separately"]],
  [encode(header), ["The claims and the signature are missing: a JWT has three segments, separated by dots."]],
  [`${encode(header)}.e30`, ["The signature is missing: a JWT has three segments, separated by dots."]],
  [`${encode(header)}.e30.AAAA.AAAA`, ["A JWT has three segments; this has 4. Only the first three are shown."]],
  ["e30.e30.AA.AA.AA.AA", ["A JWT has three segments; this has 6. Only the first three are shown."]],
  ["eyJlbmMiOiJBMTI4R0NNIn0.AA.AA.AA.AA", ["Five segments: this is an encrypted token (JWE, RFC 7516), which only its recipient can read."]],
];

describe("decode", () => {
  test("the faults of tokens", () => {
    for (const [text, faults] of tokens) {
      assert.deepEqual(faultsOf(text), faults, text.slice(0, 80));
    }
  });

  test("what is wrong is decoded as far as possible", () => {
    const bytesOf = (segment) => [...decodeBase64url(segment).bytes];
    for (const [segment, bytes] of [["", []], ["-_-_", [251, 255, 191]], ["+/+/", [251, 255, 191]], ["AQ==", [1]], ["AQID!AQ", [1, 2, 3]], ["AQIDA", [1, 2, 3]], ["AR", [1]]]) {
      assert.deepEqual(bytesOf(segment), bytes, segment);
    }
    const { claims } = decode(`${encode(header)}.${encode('{"nbf":1,"exp":17')}=.`);
    assert.deepEqual([...claims.members], [["nbf", "1"]]); // there may be more digits
  });

  // The example of RFC 7516, appendix A.1, whose ciphertext and tag are as given there.
  test("an encrypted token", () => {
    const jwe = `${encode('{"alg":"RSA-OAEP","enc":"A256GCM"}')}.${"A".repeat(342)}.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A.XFBoMYUZodetZdvTiFvSkQ`;
    const { header, claims, signature, encrypted } = decode(jwe);
    assert.equal(header.members.get("enc"), '"A256GCM"');
    assert.deepEqual([claims, signature], [null, null]);
    assert.deepEqual(encrypted.map(({ name, bytes, fault }) => [name, bytes.length, fault]), [
      ["Encrypted key", 256, null],
      ["Initialization vector", 12, null],
      ["Ciphertext", 63, null],
      ["Authentication tag", 16, null],
    ]);
    assert.deepEqual(faultsOf("eyJlbmMiOiJBMTI4R0NNIn0..AA.A+AA.AA==").slice(1), [
      "it has + of ordinary base64, where base64url has - (character 2)",
      "it is padded with =, which a JWT leaves out (character 3)",
    ]);
  });

  test("nothing, and a megabyte of anything", () => {
    assert.deepEqual(decode(""), { fault: null, header: null, claims: null, signature: null, encrypted: null });
    for (const piece of [".", "A", "e30.", "=", "\u00e9", "WyJb"]) {
      assert.notEqual(faultsOf(piece.repeat((1 << 20) / piece.length)).length, 0);
    }
  });
});

describe("the page and the service agree", () => {
  let service;
  before(async () => (service = await start()));
  after(() => service?.stop());

  // statuses returns the status of the service's answer to each token.
  async function statuses(tokens) {
    const body = tokens.map((Token) => `${JSON.stringify({ Token })}\n`).join("");
    const response = await fetch(`${service.origin}/tokens/verify`, { method: "POST", headers: { "Content-Type": "application/x-ndjson" }, body });
    const answers = (await response.text()).trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.equal(answers.length, tokens.length);
    return answers.map(({ status }) => status ?? 200);
  }

  async function compare(tokens) {
    const answered = await statuses(tokens);
    const differing = tokens.map((text, i) => [text, faultsOf(text), answered[i]]).filter(([, faults, status]) => status !== (faults.length === 0 ? 200 : 400));
    assert.deepEqual(differing.slice(0, 5), []);
    return answered.filter((status) => status === 200).length;
  }

  test("on the tokens of the table", async () => {
    await compare(tokens.map(([text]) => text));
  });

  test("on random tokens", async () => {
    let seed = 7;
    const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
    const pick = (list) => list[random(list.length)];
    // change replaces up to two characters with one of the pieces.
    const change = (text, pieces) => {
      const at = random(text.length + 1);
      return text.slice(0, at) + pick(pieces) + text.slice(at + random(3));
    };
    const contents = [
      '{"alg":"HS512","typ":"JWT"}',
      '{"sub":"ada","exp":1700000000.5,"a":[1,-0.50E+1,true,false,null,{"b":"\\u00e9\\ud83d\\ude00"}]}',
      ' {"a" : { "a":"\u00e9\ud83d\ude00" , "b" : [ ] } }\r\n',
      '{"a":1,"b":2,"c":3}',
      "{}",
    ].map((text) => Buffer.from(text).toString("latin1"));
    const inJSON = ["", "", " ", "\n", "\t", ",", ":", "{", "}", "[", "]", '"', "\\", "\\u", "\\ud83d", "\\udc00", "'", "0", "1", ".", "e", "-", "a", "b", "true", "/*", "\x00", "\x7f", "\xa0", "\xc2", "\xe9", "\xff", "\xed\xa0\x80", "\xef\xbb\xbf", '"a":1,', ',"b":2', "[1,2]"];
    const inSegment = ["", "", "A", "B", "Q", "g", "w", "x", "0", "9", "-", "_", "=", "==", "+", "/", " ", "\n", ".", "..", "%3D", '"', "\u00e9"];
    const segment = (content) => Buffer.from(content, "latin1").toString("base64url");
    // One fault hides another, so at most one part is changed.
    const next = () => {
      const changed = random(4);
      const [header, claims] = [1, 2].map((part) => segment(part === changed ? change(pick(contents), inJSON) : pick(contents)));
      const text = `${header}.${claims}.${pick(["", "AA", "AAAA", "AAA"])}`;
      return changed === 3 ? change(text, inSegment) : text;
    };
    let good = 0;
    for (let round = 0; round < 10; round++) {
      good += await compare([...Array(1000)].map(next));
    }
    assert.ok(good > 3000 && good < 7000, `${good} of 10,000 are well formed`);
  });
});
