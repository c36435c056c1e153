// Checks that jose and jsonwebtoken accept tokens that tokenmint minted with claims, and
// that none of their checks passes by doing nothing.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { libraries } from './libraries.js'
import { checkText, mint, signingKey, utf8, values } from './service.js'

const issuer = 'https://issuer.example'
const audience = 'https://api.example'
const subject = 'zoë'
const expected = { issuer, audience, subject, requiredClaims: ['iss', 'aud', 'sub', 'nbf', 'exp'] }

const nbf = Math.floor(Date.now() / 1000)
const claims = {
  iss: issuer,
  aud: audience,
  sub: subject,
  nbf,
  scope: 'read write',
  [`${issuer}/groups`]: ['admins', { 'Ωμέγα': [null, true, 1.5] }],
}

const audiences = { 'a string': audience, 'an array': ['https://other.example', audience] }

// request returns the text of a request to mint. JSON.stringify leaves out what is undefined.
const request = (members) => JSON.stringify({ claims, expires_in: 3600, ...members })

for (const { name, verify, canRequire, refusal } of libraries) {
  const check = (token, options) => verify(token, utf8(signingKey), ['HS512'], { ...expected, ...options })

  describe(`claims minted here, in ${name}`, () => {
    for (const [form, aud] of Object.entries(audiences)) {
      for (const [data, members] of Object.entries({ 'with user_data': { user_data: ['x'] }, 'without user_data': {} })) {
        test(`aud as ${form}, ${data}`, async () => {
          const minted = { ...claims, aud }
          const found = await check(await mint(request({ claims: minted, ...members })))
          const { iat, exp, jti, payload, ...others } = found.claims
          assert.deepEqual(others, minted)
          assert.equal(exp, iat + 3600)
          assert.match(jti, /^[0-9a-f]{32}$/)
          assert.deepEqual(payload?.data, members.user_data)
        })
      }
    }

    test('without expires_in, if exp is not required', async () => {
      const found = await check(await mint(request({ expires_in: undefined })), { requiredClaims: ['iss', 'aud', 'sub', 'nbf'] })
      assert.equal('exp' in found.claims, false)
    })

    for (const [kind, value] of Object.entries(values)) {
      test(`${kind} in a claim`, async () => {
        const token = await mint(`{"claims":{"é":${value}}}`)
        const found = await verify(token, utf8(signingKey), ['HS512'])
        assert.deepEqual(found.claims['é'], JSON.parse(value))
        checkText(token, `"é":${value}}`)
      })
    }

    const others = [
      ['iss', issuer + '/'],
      ['aud', audience + '/'],
      ['aud', ['https://other.example', audience + '/']],
      ['sub', 'zoe'],
    ]
    for (const [claim, value] of others) {
      test(`another ${claim} is refused: ${value}`, async () => {
        const token = await mint(request({ claims: { ...claims, [claim]: value } }))
        await assert.rejects(check(token), refusal.wrong(claim))
      })
    }

    test('nbf and exp hold to the second', async () => {
      const token = await mint(request())
      const { exp } = (await check(token)).claims
      const at = (second) => check(token, { now: new Date(second * 1000) })
      await assert.rejects(at(nbf - 1), refusal.early)
      await at(nbf)
      await at(exp - 1)
      await assert.rejects(at(exp), refusal.expired)
    })

    for (const claim of canRequire) {
      test(`a token without ${claim} is refused`, async () => {
        const lifetime = claim === 'exp' ? undefined : 3600
        const token = await mint(request({ claims: { ...claims, [claim]: undefined }, expires_in: lifetime }))
        await assert.rejects(check(token), refusal.missing(claim))
      })
    }
  })
}
