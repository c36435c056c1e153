// Checks POST /token/sign: its HS256 tokens open what PostgREST would open, and tokens of
// jose and jsonwebtoken that are inspected and signed again come back unchanged.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import * as jose from 'jose'

import { algorithms, libraries } from './libraries.js'
import { checkTrue, sign, utf8, values } from './service.js'

// signAgain sends the answer of an inspection back, with the key.
async function signAgain(token, key, encoding) {
  const found = await checkTrue(token, key, encoding)
  const members = JSON.stringify({ Signing_key: key, Key_encoding: encoding })
  return sign(`${found.text.slice(0, -1)},${members.slice(1)}`)
}

for (const library of libraries) {
  describe(`${library.name}'s tokens, signed again`, () => {
    for (const alg of algorithms) {
      for (const [kind, value] of Object.entries(values)) {
        test(`${alg}, ${kind}`, async () => {
          const token = await library.signText(`{"ключ":${value}}`, utf8('ключ'), alg)
          assert.equal(await signAgain(token, 'ключ'), token)
        })
      }

      test(`${alg}, claims and a key of arbitrary bytes`, async () => {
        const key = Uint8Array.from({ length: 64 }, (_, i) => 0xfb + 77 * i)
        const token = await library.sign({ sub: 'zoë', aud: ['a', 'b'], exp: 1, nbf: 2 ** 40 }, key, alg)
        assert.equal(await signAgain(token, Buffer.from(key).toString('base64'), 'base64'), token)
      })
    }
  })
}

// roleFor does what PostgREST does with a token: it checks the signature, exp and the
// audience, and returns the claim role, or the anonymous role if there is none.
async function roleFor(token, secret) {
  const { payload } = await jose.jwtVerify(token, secret, { algorithms: ['HS256'], audience: 'api', requiredClaims: ['exp'] })
  return payload.role ?? 'anonymous'
}

// Like PostgREST's jwt-secret, with and without jwt-secret-is-base64.
const secrets = [
  { encoding: 'utf8', text: 'päßwörd päßwörd päßwörd päßwörd', bytes: (text) => utf8(text) },
  { encoding: 'base64', text: '+/v7AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxw=', bytes: (text) => Buffer.from(text, 'base64') },
]

for (const { encoding, text, bytes } of secrets) {
  describe(`a check like PostgREST's, with a secret in ${encoding}`, () => {
    const secret = bytes(text)
    const exp = Math.floor(Date.now() / 1000) + 3600
    const request = { Header: { typ: 'JWT', alg: 'HS256' }, Signing_key: text, Key_encoding: encoding }
    const token = (claims, members) => sign(JSON.stringify({ ...request, Claims: claims, ...members }))

    test('role selects the role', async () => {
      assert.equal(await roleFor(await token({ role: 'web_user', aud: 'api', exp }), secret), 'web_user')
      assert.equal(await roleFor(await token({ role: 'editor', aud: ['site', 'api'], exp }), secret), 'editor')
    })

    test('a token without role gets the anonymous role', async () => {
      assert.equal(await roleFor(await token({ aud: 'api', exp }), secret), 'anonymous')
    })

    test('what is wrong is refused', async () => {
      const good = { role: 'web_user', aud: 'api', exp }
      const refused = async (claims, members, error) => assert.rejects(roleFor(await token(claims, members), secret), error)
      await refused({ ...good, aud: 'site' }, {}, { claim: 'aud', reason: 'check_failed' })
      await refused({ role: 'web_user', exp }, {}, { claim: 'aud', reason: 'missing' })
      await refused({ role: 'web_user', aud: 'api' }, {}, { claim: 'exp', reason: 'missing' })
      await refused({ ...good, exp: exp - 7200 }, {}, { code: 'ERR_JWT_EXPIRED' })
      await refused(good, { Header: undefined }, { code: 'ERR_JOSE_ALG_NOT_ALLOWED' }) // HS512 is the default
      await refused(good, { Signing_key: 'another' + text.slice(7) }, { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
    })
  })
}

test('a secret in base64 that is sent as text signs another token', async () => {
  const { text, bytes } = secrets[1]
  const request = { Header: { alg: 'HS256' }, Claims: { aud: 'api', exp: 2 ** 40 }, Signing_key: text }
  await assert.rejects(roleFor(await sign(JSON.stringify(request)), bytes(text)), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
})
