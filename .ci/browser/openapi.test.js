// Checks openapi.yaml against the rules of its format, and against the service:
// sends every example, and compares the answers with what the file describes.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { after, before, test } from "node:test";

import { createConfig, lint } from "@redocly/openapi-core";
import Ajv from "ajv/dist/2020.js";
import { parse } from "yaml";

import { credential, start } from "./service.js";

const path = process.env.OPENAPI;
const api = parse(await readFile(path, "utf8"));
const ajv = new Ajv({ strict: false, validateFormats: false });
ajv.addSchema(api, "api");

// The examples are from a service with the published key.
const golden = api.components.requestBodies.Inspect.content["application/json"].examples.signed.value;

let service;
before(async () => (service = await start({ signingKey: golden.Signing_key })));
after(() => service.stop());

const resolve = (object) => (object?.$ref ? at(object.$ref) : object);

function at(reference) {
  return reference
    .split("/")
    .slice(1)
    .reduce((object, name) => object[name], api);
}

// send uses node:http, since fetch refuses a GET with content.
function send(method, route, body, headers = { "Content-Type": "application/json" }, origin = service.origin) {
  return new Promise((done, failed) => {
    const sent = request(origin + route, { method, headers: { ...headers, ...(body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) }) } }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => (text += chunk));
      answer.on("end", () => done({ status: answer.statusCode, headers: answer.headers, text }));
    });
    sent.on("error", failed);
    sent.end(body);
  });
}

// check compares an answer with the description of the operation.
function check(method, route, answer) {
  const name = `${method} ${route} ${answer.status}`;
  const response = resolve(api.paths[route][method.toLowerCase()].responses[answer.status]);
  assert.ok(response, `${name} is not described`);
  for (const [header, definition] of Object.entries(response.headers ?? {})) {
    const { required, schema } = resolve(definition);
    const value = answer.headers[header.toLowerCase()];
    assert.ok(!required || value !== undefined, `${name}: no ${header}`);
    assert.ok(value === undefined || ajv.validate(schema, value), `${name}: ${header}: ${value}`);
  }
  const types = Object.keys(response.content ?? {});
  if (types.length === 0) {
    assert.equal(answer.text, "", name);
    return;
  }
  const type = answer.headers["content-type"].split(";")[0];
  assert.ok(types.includes(type), `${name}: ${type}`);
  const { schema } = response.content[type];
  const validate = schema.$ref ? ajv.getSchema(`api${schema.$ref}`) : ajv.compile(schema);
  for (const value of values(type, answer.text)) {
    assert.ok(validate(value), `${name}: ${JSON.stringify(value)}: ${JSON.stringify(validate.errors)}`);
  }
}

const linesTypes = ["application/x-ndjson", "application/jsonl"];

// values returns what the schema of a response is about: the body, or each of its lines.
function values(type, text) {
  if (linesTypes.includes(type)) {
    assert.ok(text.endsWith("\n"));
    return text.slice(0, -1).split("\n").map((line) => JSON.parse(line));
  }
  return [type === "application/json" ? JSON.parse(text) : text];
}

test("openapi.yaml is valid OpenAPI 3.1", async () => {
  const config = await createConfig({
    extends: ["recommended-strict"],
    rules: {
      "info-license": "off", // it has none
      "operation-4xx-response": "off", // default covers it for operations that have none of their own
    },
  });
  const problems = await lint({ ref: path, config });
  assert.deepEqual(problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0].pointer ?? ""}`), []);
});

test("the linter finds faults", async () => {
  const { lintFromString } = await import("@redocly/openapi-core");
  const config = await createConfig({ extends: ["recommended-strict"] });
  const broken = (await readFile(path, "utf8")).replace("#/components/responses/Minted", "#/components/responses/Mint");
  const problems = await lintFromString({ source: broken, absoluteRef: path, config });
  assert.ok(problems.some(({ ruleId }) => ruleId === "no-unresolved-refs"));
});

for (const [requestBody, answer, least, routes] of [
  ["Inspect", "Inspected", 11, [["GET", "/token"], ["QUERY", "/token"], ["POST", "/token/verify"]]],
  ["Verify", "Verified", 2, [["QUERY", "/token"], ["POST", "/token/verify"]]],
  ["Sign", "Signed", 2, [["POST", "/token/sign"]]],
  ["Introspect", "Introspected", 2, [["POST", "/introspect"]]],
]) {
  test(`every example of the request ${requestBody} has the described answer`, async () => {
    const [[type, { schema, examples }]] = Object.entries(api.components.requestBodies[requestBody].content);
    const answers = api.components.responses[answer].content["application/json"].examples;
    assert.deepEqual(Object.keys(examples), Object.keys(answers));
    assert.ok(Object.keys(examples).length >= least);
    for (const [name, { value }] of Object.entries(examples)) {
      assert.ok(ajv.getSchema(`api${schema.$ref}`)(value), name);
      for (const [method, route] of routes) {
        const got = await send(method, route, encode(type, value), { "Content-Type": type });
        assert.deepEqual(JSON.parse(got.text), answers[name].value, `${name}: ${method} ${route}`);
        if (method !== "QUERY") {
          check(method, route, got);
        }
      }
    }
  });
}

const encode = (type, value) => (type === "application/json" ? JSON.stringify(value) : String(new URLSearchParams(value)));

test("a line of a stream has the answer of the request in it", async () => {
  const { Inspect, Verify, Mint } = api.components.requestBodies;
  const { Inspected, Verified } = api.components.responses;
  const examples = (object) => Object.values(object.content["application/json"].examples).map(({ value }) => value);
  const verify = [...examples(Inspect), ...examples(Verify)];
  const bad = ["{", JSON.stringify({ Token: "a.b" }), JSON.stringify({ user_data: "x".repeat(600_000) })];
  for (const type of linesTypes) {
    const stream = (lines) => [...lines.map((line) => JSON.stringify(line)), ...bad].join("\n");

    const verified = await send("POST", "/tokens/verify", stream(verify), { "Content-Type": type });
    check("POST", "/tokens/verify", verified);
    const answers = values(type, verified.text);
    assert.deepEqual(answers.slice(0, verify.length), [...examples(Inspected), ...examples(Verified)]);
    assert.deepEqual(answers.slice(verify.length).map(({ status }) => status), [400, 400, 413]);

    const minted = await send("POST", "/tokens", stream(examples(Mint)), { "Content-Type": type });
    check("POST", "/tokens", minted);
    const tokens = values(type, minted.text);
    assert.deepEqual(tokens.map(({ status }) => status), [...examples(Mint).map(() => undefined), 400, 400, 413]);
  }
});

// The service is the judge of what a schema must accept and refuse.
test("the schemas of requests agree with the service", async () => {
  const token = golden.Token;
  for (const [schema, route, bodies] of [
    ["MintRequest", "/token", [
      { user_data: 1 }, { user_data: 1, claims: null }, { claims: {} }, { claims: { sub: "ada", aud: ["shop"] }, user_data: null },
      {}, { user_data: null }, { claims: null }, { claims: 7 }, { claims: [], user_data: 1 },
      { claims: { exp: 1 } }, { claims: { sub: 7 } }, { claims: { iss: null } }, { claims: { aud: 7 } }, { claims: { aud: [7] } }, { claims: { nbf: "1" } },
    ]],
    ["VerifyRequest", "/token/verify", [{ Token: token }, { Token: token, Signing_key: null }, golden, {}, { Token: "" }, { Token: token, Signing_key: "" }, { Token: token, Signing_key: 7 }]],
    ["SignRequest", "/token/sign", [
      { Claims: {}, Signing_key: "k" }, { Header: null, Claims: {}, Signing_key: "k", Key_encoding: null }, { Header: { alg: "HS384", x: 1 }, Claims: {}, Signing_key: "k" },
      { Claims: {} }, { Claims: {}, Signing_key: "" }, { Signing_key: "k" }, { Claims: null, Signing_key: "k" }, { Claims: [], Signing_key: "k" },
      { Header: {}, Claims: {}, Signing_key: "k" }, { Header: { alg: "none" }, Claims: {}, Signing_key: "k" }, { Header: { alg: "HS256", crit: [] }, Claims: {}, Signing_key: "k" },
      { Claims: {}, Signing_key: "k", Key_encoding: "latin1" },
    ]],
  ]) {
    const validate = ajv.getSchema(`api#/components/schemas/${schema}`);
    for (const body of bodies) {
      const { status } = await send("POST", route, JSON.stringify(body));
      assert.equal(validate(body), status === 200, `${schema}: ${JSON.stringify(body)}: ${status}`);
    }
  }
  const inspect = ajv.getSchema("api#/components/schemas/InspectRequest");
  assert.deepEqual([golden, { Token: token }, { Token: token, Signing_key: null }].map((body) => inspect(body)), [true, false, false]);
});

test("every example of minting is minted", async () => {
  const requests = api.components.requestBodies.Mint.content["application/json"].examples;
  assert.ok(Object.keys(requests).length >= 3);
  for (const { value } of Object.values(requests)) {
    const answer = await send("POST", "/token", JSON.stringify(value));
    assert.equal(answer.status, 200);
    check("POST", "/token", answer);
    const claims = JSON.parse(Buffer.from(JSON.parse(answer.text)["JWT Token"].split(".")[1], "base64url"));
    assert.deepEqual(claims.payload?.data, value.user_data);
    assert.deepEqual({ ...claims, ...value.claims }, claims);
    assert.equal(claims.exp, value.expires_in && claims.iat + value.expires_in);
  }
});

test("every answer has the described shape", async (t) => {
  const large = JSON.stringify({ user_data: "x".repeat(600_000) });
  const bodies = ["", "{", "{}", '{"user_data":1}', '{"Claims":{},"Signing_key":"k"}', large, JSON.stringify(golden), JSON.stringify({ Token: golden.Token }), JSON.stringify({ ...golden, Token: "a.b" })];
  const headers = [{ "Content-Type": "application/json" }, { "Content-Type": "text/plain" }, { "Content-Type": "application/json", "Content-Encoding": "gzip" }];
  const seen = new Set();
  for (const [method, route] of [["POST", "/token"], ["GET", "/token"], ["HEAD", "/token"], ["POST", "/token/verify"], ["POST", "/token/sign"]]) {
    for (const body of bodies) {
      for (const header of headers) {
        const answer = await send(method, route, body, header);
        check(method, route, answer);
        seen.add(`${method} ${route} ${answer.status}`);
      }
    }
  }
  assert.equal(seen.size, 5 + 7 + 7 + 4 + 4, [...seen].join(", "));

  const form = { "Content-Type": "application/x-www-form-urlencoded" };
  for (const [body, headers, status] of [
    [`token=${golden.Token}`, form, 200],
    ["token=x", form, 200],
    ["", form, 400],
    ["token=x&token=x", form, 400],
    [`token=${"x".repeat(600_000)}`, form, 413],
    ["{}", { "Content-Type": "application/json" }, 415],
    ["token=x", { ...form, "Content-Encoding": "gzip" }, 415],
  ]) {
    const answer = await send("POST", "/introspect", body, headers);
    assert.equal(answer.status, status);
    check("POST", "/introspect", answer);
  }

  for (const route of ["/tokens", "/tokens/verify"]) {
    for (const header of [...headers, { "Content-Type": linesTypes[0], "Content-Encoding": "gzip" }]) {
      const answer = await send("POST", route, "{}", header);
      assert.equal(answer.status, 415);
      check("POST", route, answer);
    }
  }

  const guarded = await start({ credential });
  t.after(guarded.stop);
  for (const [origin, headers, status] of [
    [service.origin, { Origin: "http://rebind.example" }, 403],
    [guarded.origin, {}, 401],
    [guarded.origin, { Authorization: `Bearer ${credential}x` }, 401],
    [guarded.origin, { Authorization: `Bearer ${credential}` }, 200],
  ]) {
    for (const [route, type] of [["/token", "application/json"], ["/tokens", linesTypes[0]]]) {
      const answer = await send("POST", route, '{"user_data":1}', { "Content-Type": type, ...headers }, origin);
      assert.equal(answer.status, status);
      check("POST", route, answer);
    }
  }

  const { text } = await send("POST", "/token", '{"user_data":1}');
  for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]) {
    for (const [authorization, status] of [[`Bearer ${JSON.parse(text)["JWT Token"]}`, 200], ["Bearer x", 401], [undefined, 401]]) {
      const answer = await send(method, "/auth", undefined, authorization && { Authorization: authorization });
      assert.equal(answer.status, status);
      check(method, "/auth", answer);
    }
  }

  const index = await send("GET", "/");
  const asset = /assets\/[^"]+\.js/.exec(index.text)[0];
  for (const method of ["GET", "HEAD"]) {
    check(method, "/", await send(method, "/"));
    check(method, "/openapi.yaml", await send(method, "/openapi.yaml"));
    check(method, "/healthz", await send(method, "/healthz"));
    check(method, "/readyz", await send(method, "/readyz"));
    check(method, "/metrics", await send(method, "/metrics"));
    check(method, "/assets/{name}", await send(method, `/${asset}`));
    check(method, "/assets/{name}", await send(method, "/assets/none"));
  }
  assert.equal((await send("GET", "/openapi.yaml")).text, await readFile(path, "utf8"));
});
