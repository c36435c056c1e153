// Who can check a signature, by its algorithm (RFC 7518 §3.1, RFC 8037 §3.1, RFC 8812 §3.2, RFC 9864 §2.2).

import { visible } from "./json.js";

const checkable = ["HS256", "HS384", "HS512"];

const publicKeys = [
  [/^[RP]S(256|384|512)$/, "RSA"],
  [/^ES(256K?|384|512)$/, "elliptic curve"],
  [/^(EdDSA|Ed25519|Ed448)$/, "Edwards curve"],
];

// obstacle returns why this service cannot check the signature of a token, and what could,
// given the values of its header's and claims' members in JSON. It returns "" if the service
// can.
export function obstacle(header, claims) {
  if (header.has("crit")) {
    return "The header has crit: only those who understand the extensions that it lists may accept the token (RFC 7515 §4.1.11). This service understands none.";
  }
  const alg = string(header.get("alg"));
  if (checkable.includes(alg)) {
    return "";
  }
  if (alg === null) {
    return header.has("alg") ? "The alg in the header is not a string." : "The header has no alg, so nobody knows how to check the signature.";
  }
  if (alg === "") {
    return "The alg in the header is empty.";
  }
  if (alg.toLowerCase() === "none") {
    return "The algorithm is none: nobody signed this token, so anybody can change it.";
  }
  const misspelled = checkable.find((known) => known === alg.toUpperCase());
  if (misspelled !== undefined) {
    return `The algorithm is ${alg}, but alg is case-sensitive (RFC 7515 §4.1.1): it must be ${misspelled}.`;
  }
  const key = publicKeys.find(([pattern]) => pattern.test(alg))?.[1];
  return key === undefined ? `This service does not know the algorithm ${alg}. It checks ${checkable.join(", ")}.` : publicKeyNeeded(alg, key, header, claims);
}

// sealed returns why this service cannot check an encrypted token (RFC 7516), given the
// values of its header's members in JSON.
export function sealed(header) {
  const nested = /^(?:application\/)?jwt$/i.test(string(header.get("cty"))); // RFC 7519 §5.2
  const inside = nested ? "Its cty says that a token is inside, which may be signed: the recipient can check that." : "A signed token may be inside.";
  return `This token is encrypted: nobody can read its claims without the recipient's key. ${inside}`;
}

function publicKeyNeeded(alg, key, header, claims) {
  const kid = string(header.get("kid"));
  const issuer = string(claims.get("iss"));
  const named = kid === null ? key : `${key}, kid ${kid}`;
  const where = issuer?.startsWith("https://") ? ` If that is the issuer you expect, look for jwks_uri in ${issuer.replace(/\/$/, "")}/.well-known/openid-configuration.` : "";
  return `It takes the issuer's public key (${named}) to check ${alg}. This service checks ${checkable.join(", ")}.${where}`;
}

// string returns the value of a JSON string to show, or null for anything else.
function string(json) {
  return json?.startsWith('"') ? visible(JSON.parse(json)) : null;
}
