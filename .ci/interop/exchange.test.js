// Exchanges tokens between a running tokenmint and the npm packages jose and
// jsonwebtoken. The script .ci/interop/run starts it and runs these tests.
import assert from 'node:assert/strict'
import { createHash, createHmac, generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'

import * as jose from 'jose'

import { algorithms, libraries } from './libraries.js'
import { ask, checkFalse, checkText, checkTrue, mint, signingKey, utf8, values } from './service.js'

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

for (const { name, sign, signText, signNone, verify, refusal } of libraries) {
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
      for (const [kind, data] of Object.entries(values)) {
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
    for (const [kind, data] of Object.entries(values)) {
      test(kind, async () => {
        const before = Math.floor(Date.now() / 1000)
        const token = await mint(`{"user_data":${data}}`)
        const { claims, header } = await verify(token, utf8(signingKey), ['HS512'])
        assert.deepEqual({ ...header }, { typ: 'JWT', alg: 'HS512' })
        assert.ok(before <= claims.iat && claims.iat <= Date.now() / 1000)
        assert.match(claims.jti, /^[0-9a-f]{32}$/)
        assert.deepEqual(claims.payload, { data: JSON.parse(data), date: new Date(claims.iat * 1000).toISOString().slice(0, 10) })
        assert.equal('exp' in claims, false)
        checkText(token, `"payload":{"data":${data},"date":`)
      })
    }

    test('a lifetime ends at its second', async () => {
      const token = await mint('{"user_data":1,"expires_in":60}')
      const at = (age) => new Date((jose.decodeJwt(token).iat + age) * 1000)
      const { claims } = await verify(token, utf8(signingKey), ['HS512'], { now: at(59) })
      assert.equal(claims.exp, claims.iat + 60)
      await assert.rejects(() => verify(token, utf8(signingKey), ['HS512'], { now: at(60) }), refusal.expired)
    })

    test('other keys are refused', async () => {
      const token = await mint('{"user_data":1}')
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

// Without a key, an inspection tries the service's own.
describe("the service's own keys", () => {
  const inspect = async (token) => JSON.parse((await ask('POST', '/token/verify', JSON.stringify({ Token: token }))).text)

  test('a token minted here names its key', async () => {
    const found = await inspect(await mint('{"user_data":1}'))
    assert.equal(found['Signature Verification'], true)
    assert.equal(found.Signed_by, createHash('sha256').update('tokenmint key' + signingKey).digest('hex').slice(0, 8))
    assert.equal('Reason' in found, false)
  })

  test('a token of another key has a reason', async () => {
    for (const { sign } of libraries) {
      const found = await inspect(await sign({ sub: 'x' }, binaryKey, 'HS512'))
      assert.equal(found['Signature Verification'], false)
      assert.match(found.Reason, /none of this service's own keys/)
      assert.equal('Signed_by' in found, false)
    }
  })

  test('they verify HS512 only', async () => {
    for (const { sign } of libraries) {
      const found = await inspect(await sign({ sub: 'x' }, utf8(signingKey), 'HS256'))
      assert.equal(found['Signature Verification'], false)
      assert.equal('Signed_by' in found, false)
    }
  })
})
