"""Checks that PyJWT, as Debian has it, and a running tokenmint accept each other's tokens.

The script .ci/interop/run starts tokenmint and runs these tests.
"""

import base64
import http.client
import json
import os
import time
import unittest
import urllib.parse

import jwt

SERVICE = urllib.parse.urlsplit(os.environ["TOKENMINT_URL"]).netloc
with open(os.environ["SIGNING_KEY_FILE"], encoding="ascii") as file:
    SIGNING_KEY = file.read().strip()

ISSUER = "https://issuer.example"
AUDIENCE = "https://api.example"
SUBJECT = "zoë"
REQUIRED = ["iss", "aud", "sub", "nbf", "exp"]

# JSON texts that a careless reader changes.
VALUES = {
    "other scripts": '"Zoë, Ωμέγα, Жук, 日本語, עברית, 👩‍🚀, e\\u0301"',
    "for HTML": '"<script>&amp;</script>\\u2028"',
    "escapes": '"\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000 \\ud83d\\ude00"',
    "big integers": "[9007199254740993, 18446744073709551616, -123456789012345678901234567890]",
    "decimals": "[0.1, 1.10, -0.0, 1e300]",
    "nested": '{"": [null, true, false, {}, []], "é": {"a.b": [[[1]]]}}',
}

# Two keys as bytes, and how tokenmint is sent each of them.
BINARY = bytes((0xFB + 77 * i) % 256 for i in range(64))
KEYS = [
    (("ключ" * 8).encode(), "ключ" * 8, "utf8"),
    (BINARY, base64.b64encode(BINARY).decode("ascii"), "base64"),
]


def post(path, text):
    """Sends a JSON text and returns the answer, whose status must be 200."""
    connection = http.client.HTTPConnection(SERVICE, timeout=10)
    try:
        connection.request("POST", path, text.encode(), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read().decode()
    finally:
        connection.close()
    if response.status != 200:
        raise AssertionError(f"{path}: {response.status} {answer}")
    return answer


def make(path, text):
    return json.loads(post(path, text))["JWT Token"]


def mint(**body):
    return make("/token", json.dumps(body))


def claims(**changes):
    """Returns claims that meet all expectations, with some changed, or left out if None."""
    all_claims = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": SUBJECT, "nbf": int(time.time()),
        "scope": "read write", ISSUER + "/groups": ["admins", {"Ωμέγα": [None, True, 1.5]}],
        **changes,
    }
    return {name: value for name, value in all_claims.items() if value is not None}


class WrongSubject(Exception):
    pass


def check(token, leeway=0):
    """Decodes a token with all checks of PyJWT turned on.

    Its check of the subject came with 2.10. Before, callers compare it themselves.
    """
    found = jwt.decode(
        token, SIGNING_KEY, algorithms=["HS512"], issuer=ISSUER, audience=AUDIENCE,
        options={"require": REQUIRED}, leeway=leeway,
    )
    if found["sub"] != SUBJECT:
        raise WrongSubject
    return found


class OurClaims(unittest.TestCase):
    """Tokens that tokenmint minted with claims, in PyJWT."""

    def test_accepted(self):
        for aud in AUDIENCE, ["https://other.example", AUDIENCE]:
            for members in {}, {"user_data": ["x"]}:
                with self.subTest(aud=aud, members=members):
                    minted = claims(aud=aud)
                    found = check(mint(claims=minted, expires_in=3600, **members))
                    self.assertEqual({name: found[name] for name in minted}, minted)
                    self.assertEqual(found["exp"], found["iat"] + 3600)
                    self.assertEqual(found.get("payload", {}).get("data"), members.get("user_data"))

    def test_values_come_back(self):
        for name, text in VALUES.items():
            with self.subTest(name):
                value = json.loads(text)
                token = mint(claims=claims(é=value), expires_in=3600)
                self.assertEqual(repr(check(token)["é"]), repr(value))  # == ignores types and signs

    def test_other_claims_fail(self):
        for name, value, error in (
            ("iss", ISSUER + "/", jwt.InvalidIssuerError),
            ("aud", AUDIENCE + "/", jwt.InvalidAudienceError),
            ("aud", ["https://other.example", AUDIENCE + "/"], jwt.InvalidAudienceError),
            ("sub", "zoe", WrongSubject),
        ):
            with self.subTest(name, value=value), self.assertRaises(error):
                check(mint(claims=claims(**{name: value}), expires_in=3600))

    def test_missing_claims_fail(self):
        for name in REQUIRED:
            with self.subTest(name), self.assertRaises(jwt.MissingRequiredClaimError) as failed:
                check(mint(claims=claims(**{name: None}), expires_in=None if name == "exp" else 3600))
            self.assertEqual(failed.exception.claim, name)

    def test_before_nbf(self):
        token = mint(claims=claims(nbf=int(time.time()) + 3600), expires_in=7200)
        with self.assertRaises(jwt.ImmatureSignatureError):
            check(token)
        check(token, leeway=3600)

    def test_after_exp(self):
        token = mint(claims=claims(), expires_in=1)
        time.sleep(1.1)
        with self.assertRaises(jwt.ExpiredSignatureError):
            check(token)
        check(token, leeway=3600)

    def test_other_keys_fail(self):
        token = mint(claims=claims(), expires_in=3600)
        for key in SIGNING_KEY[1:], SIGNING_KEY + "\n", SIGNING_KEY.upper():
            with self.assertRaises(jwt.InvalidSignatureError):
                jwt.decode(token, key, algorithms=["HS512"], audience=AUDIENCE)


class Signing(unittest.TestCase):
    """POST /token/sign."""

    def test_their_tokens_are_signed_again(self):
        for alg in "HS256", "HS384", "HS512":
            for name, value in VALUES.items():
                for key, text, encoding in KEYS:
                    with self.subTest(alg=alg, value=name, encoding=encoding):
                        token = jwt.encode(claims(é=json.loads(value)), key, algorithm=alg, headers={"kid": "ключ"})
                        self.assertEqual(self.sign_again(token, text, encoding), token)

    def sign_again(self, token, key, encoding):
        """Sends the answer of an inspection back, with the key."""
        members = {"Signing_key": key, "Key_encoding": encoding}
        answer = post("/token/verify", json.dumps({"Token": token, **members}))
        self.assertIn('"Signature Verification":true', answer)
        return make("/token/sign", answer[:-1] + "," + json.dumps(members)[1:])

    def test_our_signatures_hold_there(self):
        for alg in "HS256", "HS384", "HS512":
            for key, text, encoding in KEYS:
                with self.subTest(alg=alg, encoding=encoding):
                    token = make("/token/sign", json.dumps({
                        "Header": {"alg": alg}, "Claims": claims(), "Signing_key": text, "Key_encoding": encoding,
                    }))
                    jwt.decode(token, key, algorithms=[alg], audience=AUDIENCE, issuer=ISSUER)
                    with self.assertRaises(jwt.InvalidSignatureError):
                        jwt.decode(token, key + b"x", algorithms=[alg], audience=AUDIENCE, issuer=ISSUER)


if __name__ == "__main__":
    unittest.main()
