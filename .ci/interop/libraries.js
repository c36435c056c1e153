// The packages jose and jsonwebtoken, each used as its documentation shows. Keys are
// bytes. Both have the options issuer, audience and subject; requiredClaims is jose's.
import * as jose from 'jose'
import jsonwebtoken from 'jsonwebtoken'

import { utf8 } from './service.js'

export const algorithms = ['HS256', 'HS384', 'HS512']

export const libraries = [
  {
    name: 'jose',
    sign: (claims, key, alg) => new jose.SignJWT(claims).setProtectedHeader({ alg, typ: 'JWT' }).sign(key),
    signText: (text, key, alg) => new jose.CompactSign(utf8(text)).setProtectedHeader({ alg }).sign(key),
    signNone: async (claims) => new jose.UnsecuredJWT(claims).encode(),
    verify: async (token, key, algorithms, { now = new Date(), ...options } = {}) => {
      const { payload, protectedHeader } = await jose.jwtVerify(token, key, { algorithms, currentDate: now, ...options })
      return { claims: payload, header: protectedHeader }
    },
    canRequire: ['iss', 'aud', 'sub', 'nbf', 'exp'],
    refusal: {
      badSignature: { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' },
      expired: { code: 'ERR_JWT_EXPIRED' },
      early: { claim: 'nbf', reason: 'check_failed' },
      wrong: (claim) => ({ claim, reason: 'check_failed' }),
      missing: (claim) => ({ claim, reason: 'missing' }),
    },
  },
  {
    name: 'jsonwebtoken',
    sign: async (claims, key, algorithm) => jsonwebtoken.sign(claims, Buffer.from(key), { algorithm }),
    signText: async (text, key, algorithm) => jsonwebtoken.sign(text, Buffer.from(key), { algorithm }),
    signNone: async (claims) => jsonwebtoken.sign(claims, null, { algorithm: 'none' }),
    verify: async (token, key, algorithms, { now = new Date(), ...options } = {}) => {
      const clockTimestamp = Math.floor(now.getTime() / 1000)
      const { payload, header } = jsonwebtoken.verify(token, Buffer.from(key), { algorithms, clockTimestamp, complete: true, ...options })
      return { claims: payload, header }
    },
    canRequire: ['iss', 'aud', 'sub'], // it checks nbf and exp only if they are present
    refusal: {
      badSignature: { message: 'invalid signature' },
      expired: { name: 'TokenExpiredError' },
      early: { name: 'NotBeforeError' },
      wrong: (claim) => ({ message: invalid[claim] }),
      missing: (claim) => ({ message: invalid[claim] }),
    },
  },
]

// What jsonwebtoken says about a claim that is wrong or missing.
const invalid = { iss: /^jwt issuer invalid/, aud: /^jwt audience invalid/, sub: /^jwt subject invalid/ }
