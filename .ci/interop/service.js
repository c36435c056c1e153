// Asks a running tokenmint. TOKENMINT_URL is its address, GATE_URL its address for the
// gate alone, SIGNING_KEY_FILE the file with its key.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'

export const service = required('TOKENMINT_URL')
export const gate = required('GATE_URL')
export const signingKey = readFileSync(required('SIGNING_KEY_FILE'), 'utf8').trim()

function required(variable) {
  const value = process.env[variable]
  if (!value) throw new Error(`set ${variable}, or run .ci/interop/run`)
  return value
}

export const utf8 = (text) => new TextEncoder().encode(text)

// JSON texts, without white space, that a careless reader changes.
export const values = {
  'text': '"plain"',
  'other scripts': '"Zoë, Ωμέγα, Жук, 日本語, עברית, 👩‍🚀, e\\u0301"',
  'for HTML': '"<script>&amp;</script>\\u2028"',
  'escapes': '"\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000 \\ud83d\\ude00"',
  'big integers': '[9007199254740991,9007199254740993,18446744073709551616,-123456789012345678901234567890]',
  'exact decimals': '[0.1,1.10,1e400,-0,1E+2]',
  'nested': '{"":[null,true,false,{},[]],"é":{"a.b":[[[1]]]}}',
}

// ask sends a JSON text. It does not use fetch, which refuses a GET with content.
export function ask(method, path, body) {
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, service), { method, headers, timeout: 10_000 }, (response) => {
      const chunks = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString('utf8') }))
    })
    asked.on('timeout', () => asked.destroy(new Error('no answer')))
    asked.on('error', reject)
    asked.end(body)
  })
}

// mint and sign take the JSON text of a request, since JSON.stringify cannot write
// large numbers.
export const mint = (body) => make('/token', body)
export const sign = (body) => make('/token/sign', body)

async function make(path, body) {
  const { status, text } = await ask('POST', path, body)
  assert.equal(status, 200, text)
  return JSON.parse(text)['JWT Token']
}

// inspect asks two routes, which must agree. It also returns the answer as text,
// since JSON.parse rounds large numbers.
async function inspect(token, key, encoding) {
  const body = JSON.stringify({ Token: token, Signing_key: key, Key_encoding: encoding })
  const answer = await ask('GET', '/token', body)
  assert.equal(answer.status, 200, answer.text)
  assert.deepEqual(await ask('POST', '/token/verify', body), answer)
  const found = JSON.parse(answer.text)
  assert.equal(typeof found['Signature Verification'], 'boolean')
  return { ...found, verified: found['Signature Verification'], text: answer.text }
}

// checkTrue checks that the token verifies, and that the answer has the very
// characters of its header and claims.
export async function checkTrue(token, key, encoding) {
  const found = await inspect(token, key, encoding)
  assert.equal(found.verified, true, found.Reason)
  const [header, claims] = token.split('.').map((segment) => Buffer.from(segment, 'base64url').toString('utf8'))
  assert.ok(found.text.startsWith(`{"Header":${header},"Claims":${claims},"Signature Verification":true`), found.text)
  return found
}

export async function checkFalse(token, key, encoding) {
  const found = await inspect(token, key, encoding)
  assert.equal(found.verified, false)
  assert.ok(found.Reason)
  return found
}

// checkText checks that the claims of the token contain the JSON text. The libraries
// cannot, since they round large numbers.
export function checkText(token, part) {
  const text = Buffer.from(token.split('.')[1], 'base64url').toString('utf8')
  assert.ok(text.includes(part), text)
}
