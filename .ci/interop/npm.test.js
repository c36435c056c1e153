// Checks a running tokenmint against the npm packages jose and jsonwebtoken.
// TOKENMINT_URL is its address, SIGNING_KEY_FILE the file with its key. The script
// .ci/interop/run starts it and runs these tests.
import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { describe, test } from 'node:test'

import * as jose from 'jose'
import jsonwebtoken from 'jsonwebtoken'

const service = required('TOKENMINT_URL')
const signingKey = readFileSync(required('SIGNING_KEY_FILE'), 'utf8').trim()

const algorithms = ['HS256', 'HS384', 'HS512']

const utf8 = (text) => new TextEncoder().encode(text)

// The two packages, each used as its documentation shows. Keys are bytes.
const packages = [
  {
    name: 'jose',
    sign: (claims, key, alg) => new jose.SignJWT(claims).setProtectedHeader({ alg, typ: 'JWT' }).sign(key),
    signText: (text, key, alg) => new jose.CompactSign(utf8(text)).setProtectedHeader({ alg }).sign(key),
    signNone: async (claims) => new jose.UnsecuredJWT(claims).encode(),
    verify: async (token, key, algorithms, now = new Date()) => {
      const { payload, protectedHeader } = await jose.jwtVerify(token, key, { algorithms, currentDate: now })
      return { claims: payload, header: protectedHeader }
    },
    refusal: { badSignature: { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' }, expired: { code: 'ERR_JWT_EXPIRED' } },
  },
  {
    name: 'jsonwebtoken',
    sign: async (claims, key, algorithm) => jsonwebtoken.sign(claims, Buffer.from(key), { algorithm }),
    signText: async (text, key, algorithm) => jsonwebtoken.sign(text, Buffer.from(key), { algorithm }),
    signNone: async (claims) => jsonwebtoken.sign(claims, null, { algorithm: 'none' }),
    verify: async (token, key, algorithms, now = new Date()) => {
      const clockTimestamp = Math.floor(now.getTime() / 1000)
      const { payload, header } = jsonwebtoken.verify(token, Buffer.from(key), { algorithms, clockTimestamp, complete: true })
      return { claims: payload, header }
    },
    refusal: { badSignature: { message: 'invalid signature' }, expired: { name: 'TokenExpiredError' } },
  },
]

// The ways to send tokenmint the same key.
const keySpellings = [
  { name: 'text', spell: (key) => Buffer.from(key).toString('utf8') },
  { name: 'utf8', encoding: 'utf8', spell: (key) => Buffer.from(key).toString('utf8') },
  { name: 'hex', encoding: 'hex', spell: (key) => Buffer.from(key).toString('hex'), binary: true },
  { name: 'base64', encoding: 'base64', spell: (key) => Buffer.from(key).toString('base64'), binary: true },
  { name: 'base64url', encoding: 'base64url', spell: (key) => Buffer.from(key).toString('base64url'), binary: true },
]

const binaryKey = Uint8Array.from({ length: 200 }, (_, i) => 0xfb + 77 * i)
const textKey = utf8('é'.repeat(100))

// JSON texts, without white space, that a careless reader changes.
const userData = {
  'text': '"plain"',
  'other scripts': '"Zoë, Ωμέγα, Жук, 日本語, עברית, 👩‍🚀, e\\u0301"',
  'for HTML': '"<script>&amp;</script>\\u2028"',
  'escapes': '"\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000 \\ud83d\\ude00"',
  'big integers': '[9007199254740991,9007199254740993,18446744073709551616,-123456789012345678901234567890]',
  'exact decimals': '[0.1,1.10,1e400,-0,1E+2]',
  'nested': '{"":[null,true,false,{},[]],"é":{"a.b":[[[1]]]}}',
}

function required(variable) {
  const value = process.env[variable]
  if (!value) throw new Error(`set ${variable}, or run .ci/interop/run`)
  return value
}

// ask sends a JSON text. It does not use fetch, which refuses a GET with content.
function ask(method, path, body) {
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

async function mint(data, expiresIn) {
  const lifetime = expiresIn === undefined ? '' : `,"expires_in":${expiresIn}`
  const { status, text } = await ask('POST', '/token', `{"user_data":${data}${lifetime}}`)
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
async function checkTrue(token, key, encoding) {
  const found = await inspect(token, key, encoding)
  assert.equal(found.verified, true, found.Reason)
  const [header, claims] = token.split('.').map((segment) => Buffer.from(segment, 'base64url').toString('utf8'))
  assert.ok(found.text.startsWith(`{"Header":${header},"Claims":${claims},"Signature Verification":true`), found.text)
  return found
}

async function checkFalse(token, key, encoding) {
  const found = await inspect(token, key, encoding)
  assert.equal(found.verified, false)
  assert.ok(found.Reason)
  return found
}

for (const { name, sign, signText, signNone, verify, refusal } of packages) {
  describe(`${name}'s tokens in tokenmint`, () => {
    for (const alg of algorithms) {
      for (const spelling of keySpellings) {
        for (const size of [2, 64, 66, 128, 130, 200]) {
          test(`${alg}, a key of ${size} bytes as ${spelling.name}`, async () => {
            const key = (spelling.binary ? binaryKey : textKey).slice(0, size)
            await checkTrue(await sign({ sub: 'x' }, key, alg), spelling.spell(key), spelling.encoding)
          })
        }
      }
      for (const [kind, data] of Object.entries(userData)) {
        test(`${alg}, ${kind}`, async () => {
          const token = await signText(`{"ключ":${data}}`, utf8('key'), alg)
          await checkTrue(token, 'key')
        })
      }
      test(`${alg}, exp and nbf`, async () => {
        const now = Math.floor(Date.now() / 1000)
        const states = [
          [{ exp: now + 3600 }, 'valid'],
          [{ exp: now }, 'expired'],
          [{ exp: now - 3600, nbf: now - 7200 }, 'expired'],
          [{ nbf: now }, 'valid'],
          [{ nbf: now + 3600, exp: now + 7200 }, 'not yet valid'],
        ]
        for (const [claims, state] of states) {
          const found = await checkTrue(await sign(claims, utf8('key'), alg), 'key')
          assert.equal(found.Validity.state, state, JSON.stringify(claims))
          for (const [claim, member] of [['exp', 'expires'], ['nbf', 'not_before']]) {
            const want = claims[claim] && new Date(claims[claim] * 1000).toISOString().replace('.000Z', 'Z')
            assert.equal(found.Validity[member], want)
          }
        }
      })
      test(`${alg}, other keys do not verify`, async () => {
        const key = binaryKey.slice(0, 64)
        const changed = key.slice()
        changed[63] ^= 1
        const hex = (bytes) => Buffer.from(bytes).toString('hex')
        const token = await sign({ sub: 'x' }, key, alg)
        await checkTrue(token, hex(key), 'hex')
        await checkFalse(token, hex(changed), 'hex')
        await checkFalse(token, hex(key.slice(0, 63)), 'hex')
        await checkFalse(token, hex(binaryKey.slice(0, 65)), 'hex')
        await checkFalse(token, hex(key), 'utf8')
        await checkFalse(token, hex(key))
      })
      test(`${alg}, truncated signatures do not verify`, async () => {
        const [header, claims, signature] = (await sign({ sub: 'x' }, utf8('key'), alg)).split('.')
        const mac = Buffer.from(signature, 'base64url')
        for (let size = 0; size < mac.length; size++) {
          const cut = mac.subarray(0, size).toString('base64url')
          await checkFalse(`${header}.${claims}.${cut}`, 'key')
        }
      })
    }

    test('alg none does not verify', async () => {
      const token = await signNone({ sub: 'x' })
      assert.match(token, /^[^.]+\.[^.]+\.$/)
      for (const key of ['key', 'none', ' ']) {
        const found = await checkFalse(token, key)
        assert.equal(found.Header.alg, 'none')
      }
      for (const hash of ['sha256', 'sha384', 'sha512']) { // not even with a correct MAC
        const mac = createHmac(hash, 'key').update(token.slice(0, -1)).digest('base64url')
        await checkFalse(token + mac, 'key')
      }
    })
  })

  describe(`tokenmint's tokens in ${name}`, () => {
    for (const [kind, data] of Object.entries(userData)) {
      test(kind, async () => {
        const before = Math.floor(Date.now() / 1000)
        const token = await mint(data)
        const { claims, header } = await verify(token, utf8(signingKey), ['HS512'])
        assert.deepEqual({ ...header }, { typ: 'JWT', alg: 'HS512' })
        assert.ok(before <= claims.iat && claims.iat <= Date.now() / 1000)
        assert.match(claims.jti, /^[0-9a-f]{32}$/)
        assert.deepEqual(claims.payload, { data: JSON.parse(data), date: new Date(claims.iat * 1000).toISOString().slice(0, 10) })
        assert.equal('exp' in claims, false)
        // Compare the text, since both packages round large numbers.
        const text = Buffer.from(token.split('.')[1], 'base64url').toString('utf8')
        assert.ok(text.includes(`"payload":{"data":${data},"date":`), text)
      })
    }

    test('a lifetime ends at its second', async () => {
      const token = await mint('1', 60)
      const at = (age) => new Date((jose.decodeJwt(token).iat + age) * 1000)
      const { claims } = await verify(token, utf8(signingKey), ['HS512'], at(59))
      assert.equal(claims.exp, claims.iat + 60)
      await assert.rejects(() => verify(token, utf8(signingKey), ['HS512'], at(60)), refusal.expired)
    })

    test('other keys are refused', async () => {
      const token = await mint('1')
      for (const key of ['x', signingKey.slice(1), signingKey + '\n', signingKey.toUpperCase()]) {
        await assert.rejects(() => verify(token, utf8(key), ['HS512']), refusal.badSignature)
      }
    })
  })
}

describe('other tokens that jose makes', () => {
  test('a critical extension (crit) does not verify', async () => {
    // With b64 false, jose signs the encoded claims as the payload itself.
    const claims = Buffer.from('{"sub":"x"}').toString('base64url')
    const jws = await new jose.FlattenedSign(utf8(claims))
      .setProtectedHeader({ alg: 'HS512', b64: false, crit: ['b64'] })
      .sign(utf8('key'))
    const found = await checkFalse(`${jws.protected}.${claims}.${jws.signature}`, 'key')
    assert.deepEqual(found.Header.crit, ['b64'])
  })

  test('signatures of other algorithms do not verify under their public key', async () => {
    for (const [alg, type, options] of [['ES256', 'ec', { namedCurve: 'P-256' }], ['EdDSA', 'ed25519', {}]]) {
      const { publicKey, privateKey } = generateKeyPairSync(type, options)
      const token = await new jose.SignJWT({ sub: 'x' }).setProtectedHeader({ alg }).sign(privateKey)
      await checkFalse(token, publicKey.export({ type: 'spki', format: 'pem' }))
    }
  })

  test('an encrypted token is recognized', async () => {
    const token = await new jose.EncryptJWT({ sub: 'x' })
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .encrypt(binaryKey.slice(0, 32))
    const { status, text } = await ask('POST', '/token/verify', JSON.stringify({ Token: token, Signing_key: 'key' }))
    assert.equal(status, 400)
    assert.match(JSON.parse(text).description, /JWE/)
  })
})
