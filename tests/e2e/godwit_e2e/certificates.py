"""Self-signed certificates for TLS tests, made by the openssl program."""

import os

from .tokens import openssl


class Certificate:
    """certificate.pem and key.pem in a folder; `renew` replaces both."""

    def __init__(self, folder):
        self.certificate = folder / "certificate.pem"
        self.key = folder / "key.pem"
        self.count = 0
        self.renew()

    def renew(self):
        """A new key and certificate; returns a copy of the certificate of its own name, to trust it by."""
        self.count += 1
        new = [f"{path}.new" for path in (self.certificate, self.key)]
        openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-out", new[0], "-keyout", new[1],
        )  # fmt: skip
        os.replace(new[0], self.certificate)
        os.replace(new[1], self.key)
        self.trust = self.certificate.with_name(f"trust{self.count}.pem")
        self.trust.write_bytes(self.certificate.read_bytes())
        return str(self.trust)

    def settings(self):
        return {"net.tls_certificate": str(self.certificate), "net.tls_key": str(self.key)}
