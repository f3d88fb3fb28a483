"""Makes access tokens (JWTs), good ones and bad ones."""

import json
import subprocess
import time

from nacl.signing import SigningKey

from .identity import b64url, b64url_decode


def encode_part(value):
    return b64url(json.dumps(value, separators=(",", ":")).encode())


def decode_part(token, index):
    return json.loads(b64url_decode(token.split(".")[index]))


def make_token(header, claims, sign):
    signing_input = f"{encode_part(header)}.{encode_part(claims)}"
    return f"{signing_input}.{b64url(sign(signing_input.encode()))}"


class ServerKey:
    """The daemon's signing key, from its data directory: so wrong claims can carry a right signature."""

    def __init__(self, data_dir):
        stored = json.loads((data_dir / "token-keys.json").read_text())["key"]
        self.kid = stored["kid"]
        self.key = SigningKey(b64url_decode(stored["d"]))

    def forge(self, token, header=None, **claims):
        """`token` with other header fields and claims (None removes one), signed by the server's key."""
        head = {**decode_part(token, 0), **(header or {})}
        body = {
            name: value for name, value in {**decode_part(token, 1), **claims}.items() if value is not None
        }
        return make_token(head, body, lambda data: self.key.sign(data).signature)


def openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *arguments], input=data, check=True, capture_output=True).stdout


class EdDsaIssuer:
    algorithm = "EdDSA"

    def __init__(self, folder, kid="ed"):
        self.kid = kid
        self.key = SigningKey.generate()

    def jwk(self):
        x = b64url(self.key.verify_key.encode())
        return {"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "use": "sig", "alg": "EdDSA", "x": x}

    def sign(self, data):
        return self.key.sign(data).signature


class Rs256Issuer:
    algorithm = "RS256"

    def __init__(self, folder, kid="rsa"):
        self.kid = kid
        self.path = folder / f"{kid}.pem"
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(self.path))

    def jwk(self):
        text = openssl("rsa", "-in", str(self.path), "-noout", "-modulus").decode()
        modulus = bytes.fromhex(text.strip().removeprefix("Modulus="))
        return {
            "kty": "RSA",
            "kid": self.kid,
            "use": "sig",
            "alg": "RS256",
            "n": b64url(modulus),
            "e": "AQAB",
        }

    def sign(self, data):
        return openssl("dgst", "-sha256", "-sign", str(self.path), data=data)


class Es256Issuer:
    algorithm = "ES256"

    def __init__(self, folder, kid="ec"):
        self.kid = kid
        self.path = folder / f"{kid}.pem"
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(self.path))

    def jwk(self):
        # The point is the end of the SubjectPublicKeyInfo: 04, x, y.
        point = openssl("pkey", "-in", str(self.path), "-pubout", "-outform", "DER")[-64:]
        return {
            "kty": "EC",
            "crv": "P-256",
            "kid": self.kid,
            "x": b64url(point[:32]),
            "y": b64url(point[32:]),
        }

    def sign(self, data):
        # DER SEQUENCE of two INTEGERs -> r and s of 32 bytes each (RFC 7518 section 3.4).
        der = openssl("dgst", "-sha256", "-sign", str(self.path), data=data)
        numbers, at = [], 2
        for _ in range(2):
            size = der[at + 1]
            numbers.append(int.from_bytes(der[at + 2 : at + 2 + size], "big").to_bytes(32, "big"))
            at += 2 + size
        return b"".join(numbers)


def issue(issuer, iss, aud, **claims):
    """A token of an external issuer."""
    now = int(time.time())
    header = {"alg": issuer.algorithm, "typ": "JWT", "kid": issuer.kid}
    body = {"iss": iss, "aud": aud, "iat": now, "exp": now + 300, **claims}
    return make_token(header, body, issuer.sign)
