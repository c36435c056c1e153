// Finds tokens in texts as people paste them. The values are made up, the shapes are real.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";

const { find } = await import(join(process.env.PAGE, "find.js"));

const encode = (json) => Buffer.from(typeof json === "string" ? json : JSON.stringify(json)).toString("base64url");
const signed = (header, claims, size) => [encode(header), encode(claims), "Ab-_".repeat(size).slice(0, size)].join(".");
const claims = { iss: "https://login.example.com", sub: "ada", aud: ["shop", "forum"], scope: "read write", exp: 1700000000 };
const hs512 = signed({ typ: "JWT", alg: "HS512" }, claims, 86);
const hs256 = signed({ alg: "HS256" }, claims, 43);
const rs256 = signed({ alg: "RS256", kid: "a1" }, claims, 342);
const jwe = `${encode({ alg: "dir", enc: "A256GCM" })}..${"Ab-_".repeat(4)}.${"Cd-_".repeat(30)}.${"Ef-_".repeat(6).slice(0, 22)}`;
const none = `${encode({ alg: "none" })}.${encode(claims)}.`;
const wrap = (text, width) => text.match(new RegExp(`.{1,${width}}`, "g"));
const json = JSON.stringify;

// Each row is a pasted text, where its only token is, and on how many lines.
const texts = [
  [hs512, "", 1],
  [`Bearer ${hs512}`, 'after "Bearer"', 1],
  [`Authorization: Bearer ${hs512}`, "in the header Authorization", 1],
  [`authorization: bearer ${hs512}\r\nHost: example.com\r\n`, "in the header Authorization", 1],
  [`GET / HTTP/1.1\r\nHost: example.com\r\nAuthorization: Bearer ${rs256}\r\nAccept: */*\r\n`, "in the header Authorization", 1],
  [`"${hs512}"`, "", 1],
  [`'${hs512}',`, "", 1],
  [`\u201c${hs512}\u201d`, "", 1],
  [`curl -H 'Authorization: Bearer ${hs512}' https://api.example.com/orders`, "in the header Authorization", 1],
  [`curl -s https://api.example.com -H "Authorization: Bearer ${hs512}" \\\n  -H 'Content-Type: application/json' -d '{"a":1}'`, "in the header Authorization", 1],
  [`curl https://api.example.com --data-raw '{"Token":"${hs512}","Signing_key":"secret"}'`, "in the member Token", 1],
  [`curl 'https://api.example.com' -b 'theme=dark; session=${hs512}' --compressed`, "in the cookie session", 1],
  [`http GET example.com Authorization:"Bearer ${hs512}"`, "in the header Authorization", 1],
  [`{"JWT Token":"${hs512}"}`, "in the member JWT Token", 1],
  [`{\n  "access_token": "${rs256}",\n  "token_type": "Bearer",\n  "expires_in": 3600\n}`, "in the member access_token", 1],
  [json({ message: json({ token: hs512 }) }), "in the member token", 1],
  [json(json(json({ deep: hs512 }))), "in the member deep", 1],
  [`{"time":"2026-01-01T00:00:00Z","headers":{"Authorization":["Bearer ${hs512}"]}}`, "in the header Authorization", 1],
  [`level=info msg="refused Bearer ${hs512}" status=401`, 'after "Bearer"', 1],
  [`2026-01-01 12:00:00 token=${hs512} user=ada`, 'after "token"', 1],
  [`Cookie: theme=dark; session=${hs512}; lang=en`, "in the cookie session", 1],
  [`Set-Cookie: __Host-session=${hs512}; Path=/; Secure; HttpOnly`, "in the cookie __Host-session", 1],
  [`https://app.example.com/reset?token=${hs512}`, "in the parameter token of a URL", 1],
  [`https://app.example.com/reset?lang=en&jwt=${hs512}&x=1#top`, "in the parameter jwt of a URL", 1],
  [`https://app.example.com/cb#access_token=${rs256}&token_type=Bearer`, "in the parameter access_token after the # of a URL", 1],
  [`https://app.example.com/cb#state=x&id_token=${rs256}`, "in the parameter id_token after the # of a URL", 1],
  [`export TOKEN=${hs512}`, 'after "TOKEN"', 1],
  [`TOKEN="${hs512}"\n`, 'after "TOKEN"', 1],
  [`const token = "${hs512}";`, 'after "token"', 1],
  [`headers = {'Authorization': 'Bearer ${hs512}'}`, "in the header Authorization", 1],
  [`requests.get(url, headers={"Authorization": f"Bearer ${hs512}"})`, 'after "Bearer"', 1],
  [`Authorization%3A%20Bearer%20${hs512}`, "", 1],
  [`{\\"token\\":\\"${hs512}\\"}`, "in the member token", 1],
  [`\\u0022${hs512}\\u0022`, "", 1],
  [`log: line one\\n${hs512}\\nline two`, "", 1],
  [`<token>${hs512}</token>`, "", 1],
  [`[here](${hs512})`, "", 1],
  [`The token is ${hs512}. It does not work.`, "", 1],
  [`${hs512}\nThanks`, "", 1],
  [`${hs512} ${hs512}`, "", 1],
  [wrap(hs512, 64).join("\n"), "", wrap(hs512, 64).length],
  [wrap(rs256, 76).join("\r\n"), "", wrap(rs256, 76).length],
  [wrap(hs512, 80).map((line) => `> ${line}`).join("\n"), "", wrap(hs512, 80).length],
  [wrap(hs512, 72).join("=\n"), "", wrap(hs512, 72).length],
  [wrap(hs512, 60).join("\\\n"), "", wrap(hs512, 60).length],
  [wrap(`Authorization: Bearer ${hs512}`, 80).join("\n"), "in the header Authorization", wrap(`Authorization: Bearer ${hs512}`, 80).length],
  [`Hello,\n\n    ${wrap(hs512, 64).join("\n    ")}\n\nRegards`, "", wrap(hs512, 64).length],
  [`${wrap(hs512, 64).join("\n")}\nThanks\n`, "", wrap(hs512, 64).length],
  [jwe, "", 1],
  [`curl ^"https://api.example.com/v1/me^" ^\r\n  -H ^"authorization: Bearer ${hs512}^" ^\r\n  -H ^"x: y^"`, "in the header Authorization", 1],
  [`curl --data-raw ^"^{^\\^"token^\\^":^\\^"${hs512}^\\^"^}^" https://api.example.com`, "", 1],
  [`https://app.example.com/cb#access_token=${rs256.replaceAll(".", "%2E")}&state=x`, "in the parameter access_token after the # of a URL", 1],
  [`token: ${hs512.slice(0, 30)}\u00ad${hs512.slice(30, 90)}\u200b${hs512.slice(90)} end`, 'after "token"', 1],
  [`Bearer ${encode('{ "alg": "HS256" }')}.${encode("{}")}.${"A".repeat(43)}`, 'after "Bearer"', 1],
  [`${hs512}~WyJzYWx0IiwibmFtZSIsImFkYSJd~`, "", 1],
  [`https://app.example.com/verify/${hs512}/done`, "", 1],
  [`Is it ${hs512}?`, "", 1],
  [`The token is **${hs512}**.`, "", 1],
  [`Did you see ${hs512}?.. I did`, "", 1],
  [`The token is ${hs512}.\nThanks for checking`, "", 1],
  [`token: ${encode({ typ: "JWT" })}.${encode(claims)}.${"A".repeat(43)} x`, 'after "token"', 1],
  [`+ ${wrap(hs512, 64).join("\n+ ")}\n`, "", wrap(hs512, 64).length],
  [`grep '${hs512.replaceAll(".", "\\.")}' access.log`, "", 1],
  [`${hs512}... and so on`, "", 1],
  [`Authorization: DPoP ${hs512}\r\n`, "in the header Authorization", 1],
  [`https://app.example.com/reset?token=${hs512}#top`, "in the parameter token of a URL", 1],
  [`${hs512}\u2014really\u3002`, "", 1],
  [`${hs512}(old)`, "", 1],
  [`curl -d 'grant_type=jwt&assertion=${hs512}==' https://api.example.com`, 'after "assertion"', 1],
  [`curl -b jar.txt -d token=${hs512} https://api.example.com`, 'after "token"', 1],
  [`git checkout -b x; TOKEN=${hs512}`, 'after "TOKEN"', 1],
  [`#TOKEN=${hs512}`, 'after "TOKEN"', 1],
  [`X-Authorization: ${hs512}`, 'after "X-Authorization"', 1],
  [`${jwe}\nThanks\nAda`, "", 1],
  [`${none}\nThanks`, "", 1],
  [wrap(jwe, 64).join("\n"), "", wrap(jwe, 64).length],
  [`**${hs512}**`, "", 1],
  [`\u001b[32m${hs512}\u001b[0m`, "", 1],
  [`token = "${wrap(hs512, 64).join('" +\n  "')}";`, 'after "token"', wrap(hs512, 64).length],
  [`TOKEN = ('${wrap(hs512, 64).join("'\n  '")}')`, "", wrap(hs512, 64).length],
  [`x ${encode('{\r\n "alg":"HS256"}')}.${encode("{}")}.${"A".repeat(43)}`, "", 1],
];

// plain returns a text without what may be within a token.
const plain = (text) => text.replaceAll(/[\s\\=>"'+\u00ad\u200b]/g, "").replaceAll("%2E", ".");

// tokenIn returns the token that is in a text of the table.
const tokenIn = (text) => [hs512, rs256, jwe, none].find((token) => plain(text).includes(token)) ?? /e[yw]\S+/.exec(text)[0];

describe("find", () => {
  test("one token, and where it is", () => {
    assert.ok(texts.length >= 40);
    for (const [text, where, lines] of texts) {
      const found = find(text);
      assert.deepEqual(found.map(({ token, where, lines }) => ({ token, where, lines })), [{ token: tokenIn(text), where, lines }], text);
      const [{ start, end }] = found;
      assert.equal(plain(text.slice(start, end)), tokenIn(text), text);
    }
  });

  test("algorithms with the names of what every object has", () => {
    for (const alg of ["constructor", "toString", "__proto__"]) {
      const token = signed({ alg }, claims, 43);
      assert.equal(find(`x ${token}\n!`)[0].token, token);
      assert.equal(find(`${token}\nhello`).length, 1);
    }
  });

  test("several tokens", () => {
    const text = `curl -H 'Authorization: Bearer ${hs512}' -b 'session=${rs256}' -d '{"id_token":"${hs256}"}'`;
    assert.deepEqual(find(text).map(({ token, where }) => [token, where]), [
      [hs512, "in the header Authorization"],
      [rs256, "in the cookie session"],
      [hs256, "in the member id_token"],
    ]);
  });

  test("no token", () => {
    for (const text of ["", "nothing", "eye.color", "www.example.com", "eyJhbGciOiJIUzI1NiJ9", "key.json and ewe.json", `x${hs512}`, `${hs512.slice(0, 60)}!${hs512.slice(60)}`, `${hs512}/x`, `${hs512}\u00e9`, `${hs512.replace(".", "==.")} x`]) {
      assert.deepEqual(find(text), [], text);
    }
  });

  // The limit is far more than a search takes whose time grows in proportion to the text.
  test("a megabyte of anything ends", () => {
    const size = 1 << 20;
    for (const piece of ["Bearer ", "eyJ", "eyJh.", "eyJhbGciOiJIUzI1NiJ9.", `eyJ${"a".repeat(60)}\n`, "=\n", `" +\n"`, `eyJ${"a".repeat(60)}" +\n"`, "!", "=", "#a=", "Cookie: a=", "\\", `"'`, " ", "[", "authorization:", `${hs512} `, `${rs256}\n`]) {
      const text = piece.repeat(size / piece.length);
      const began = performance.now();
      find(text);
      find(`${text}${hs512}`);
      assert.ok(performance.now() - began < 20_000, json(piece));
    }
    for (const [before, after] of [['"', "x"], ['"\n', "x"], ['" +\n', "x"], ["\n", "!"], [".", "x."]]) {
      const began = performance.now();
      for (const filling of [" ", "."]) {
        find(`x eyJ${"a".repeat(60)}${before}${filling.repeat(size)}${after}`);
      }
      assert.ok(performance.now() - began < 20_000, json(before));
    }
  });
});
