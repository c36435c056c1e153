// Checks POST /introspect (RFC 7662), at both addresses, with the clients oauth4webapi
// and openid-client.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, test } from 'node:test'

import * as jose from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'

import { gate, mint, service, signingKey, utf8 } from './service.js'

const client = { client_id: 'resource-server' }
const now = Math.floor(Date.now() / 1000)

const sign = (claims, key, alg) => new jose.SignJWT(claims).setProtectedHeader({ alg }).sign(utf8(key))

const claims = {
  iss: 'https://issuer.example',
  sub: 'zoë',
  aud: ['https://api.example'],
  nbf: now,
  scope: 'read write',
  client_id: 'an-app',
  'https://issuer.example/groups': { 'Ωμέγα': [1, null] },
}

const inactive = {
  'expired': () => sign({ exp: now }, signingKey, 'HS512'),
  'not yet valid': () => sign({ nbf: now + 3600 }, signingKey, 'HS512'),
  'exp that is a text': () => sign({ exp: String(now + 3600) }, signingKey, 'HS512'),
  'another key': () => sign({ exp: now + 3600 }, signingKey.slice(1), 'HS512'),
  'HS256': () => sign({ exp: now + 3600 }, signingKey, 'HS256'),
  'HS256 over an HS512 MAC': async () => {
    const input = (await sign({ exp: now + 3600 }, signingKey, 'HS256')).replace(/[^.]*$/, '')
    return input + createHmac('sha512', signingKey).update(input.slice(0, -1)).digest('base64url')
  },
  'alg none': async () => new jose.UnsecuredJWT({ exp: now + 3600 }).encode(),
  'a changed signature': async () => (await mint('{"user_data":1}')).slice(0, -4) + 'AAAA',
  'a token with a blank': async () => ' ' + await mint('{"user_data":1}'),
  'a malformed token': async () => 'a+b&c=é',
}

for (const [address, url] of Object.entries({ BIND: service, GATE_BIND: gate })) {
  const server = { issuer: url, introspection_endpoint: `${url}/introspect` }
  const process = (response) => oauth.processIntrospectionResponse(server, client, response)
  const introspect = async (token) =>
    process(await oauth.introspectionRequest(server, client, oauth.None(), token, { [oauth.allowInsecureRequests]: true }))
  const post = (body) => fetch(server.introspection_endpoint, { method: 'POST', body })

  describe(`oauth4webapi, at ${address}`, () => {
    test('an active token shows its claims', async () => {
      const token = await mint(JSON.stringify({ user_data: ['x'], claims, expires_in: 3600 }))
      const found = await introspect(token)
      const { active, iat, exp, jti, payload, ...others } = found
      assert.equal(active, true)
      assert.deepEqual(others, claims)
      assert.deepEqual({ iat, exp, jti, payload, ...others }, jose.decodeJwt(token))
      assert.equal(exp, iat + 3600)
    })

    test('a token that jose signed with the key of the service is active', async () => {
      const token = await sign({ nbf: now, exp: now + 3600 }, signingKey, 'HS512')
      assert.deepEqual(await introspect(token), { active: true, nbf: now, exp: now + 3600 })
    })

    test('a claim named active is left out', async () => {
      const { active } = await introspect(await mint('{"claims":{"active":false}}'))
      assert.equal(active, true)
    })

    for (const [kind, token] of Object.entries(inactive)) {
      test(`inactive: ${kind}`, async () => {
        assert.deepEqual(await introspect(await token()), { active: false })
      })
    }

    // The client refuses to send these requests itself.
    for (const [kind, form] of Object.entries({ missing: 'token_type_hint=x', empty: 'token=', repeated: 'token=x&token=x' })) {
      test(`a token that is ${kind} is an OAuth error`, async () => {
        await assert.rejects(async () => process(await post(new URLSearchParams(form))), {
          code: 'OAUTH_RESPONSE_BODY_ERROR',
          status: 400,
          error: 'invalid_request',
          error_description: /token/,
        })
      })
    }
  })

  test(`openid-client, at ${address}`, async () => {
    const config = new openid.Configuration(server, client.client_id, undefined, openid.None())
    openid.allowInsecureRequests(config)
    const { active, sub } = await openid.tokenIntrospection(config, await mint('{"claims":{"sub":"zoë"}}'))
    assert.deepEqual({ active, sub }, { active: true, sub: 'zoë' })
    assert.deepEqual(await openid.tokenIntrospection(config, await inactive.expired()), { active: false })
  })
}
