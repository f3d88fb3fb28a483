"""TLS: connections are encrypted and checked, and SIGHUP takes a new certificate without dropping any."""

import signal
import socket
import ssl

import pytest
from godwit_e2e.certificates import Certificate
from godwit_e2e.daemon import wait_until


@pytest.fixture
def certificate(tmp_path):
    return Certificate(tmp_path)


@pytest.fixture
def encrypted(daemons, certificate):
    return daemons(certificate.settings()).start()


def served_certificate(daemon):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", daemon.client_port), timeout=20) as raw:
        with context.wrap_socket(raw) as wrapped:
            return ssl.DER_cert_to_PEM_cert(wrapped.getpeercert(True)).strip()


def test_two_users_over_tls(encrypted, certificate, crowd):
    tls = {"tls_ca": str(certificate.trust)}
    alice = crowd.login(encrypted.register(**tls), encrypted, connection=tls)
    bob = crowd.login(encrypted.register(**tls), encrypted, connection=tls)
    large = bytes(range(256)) * 256
    alice.send(bob.device, large)
    assert bob.receive()[0].payload == large
    assert alice.socket.socket.version() == "TLSv1.3"


def test_http_over_tls(encrypted, certificate):
    context = ssl.create_default_context(cafile=str(certificate.trust))
    status, body, _ = encrypted.http("/ready", port=encrypted.client_port, scheme="https", context=context)
    assert (status, body) == (200, b"ready\n")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize(("version", "accepted"), [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
def test_versions(encrypted, version, accepted):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    with socket.create_connection(("127.0.0.1", encrypted.client_port), timeout=20) as raw:
        if accepted:
            context.wrap_socket(raw).close()
        else:
            with pytest.raises((ssl.SSLError, ConnectionResetError)):
                context.wrap_socket(raw)


def test_plain_text_on_the_tls_port_is_closed(encrypted):
    with socket.create_connection(("127.0.0.1", encrypted.client_port), timeout=20) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            assert not raw.recv(4096).startswith(b"HTTP")
        except ConnectionResetError:
            pass
    wait_until(
        lambda: encrypted.metric("godwit_net_handshake_failures_total", listener="client", reason="tls") == 1
    )


def test_sighup_takes_a_new_certificate_and_drops_nobody(encrypted, certificate, crowd):
    old = {"tls_ca": str(certificate.trust)}
    alice = crowd.login(encrypted.register(**old), encrypted, connection=old)
    before = served_certificate(encrypted)
    new = {"tls_ca": certificate.renew()}
    encrypted.signal(signal.SIGHUP)
    wait_until(lambda: served_certificate(encrypted) != before, what="the new certificate")
    assert served_certificate(encrypted) == certificate.certificate.read_text().strip()

    bob = crowd.login(encrypted.register(**new), encrypted, connection=new)
    bob.send(alice.device, b"over the old connection")
    assert alice.receive()[0].payload == b"over the old connection"


def test_sighup_with_a_broken_certificate_keeps_the_old_one(encrypted, certificate, crowd):
    before = served_certificate(encrypted)
    certificate.certificate.write_text("not a certificate")
    encrypted.signal(signal.SIGHUP)
    encrypted.wait_log("certificate_reload_failed")
    assert served_certificate(encrypted) == before
    encrypted.register(tls_ca=str(certificate.trust))


def test_key_that_does_not_fit_is_refused_at_the_start(daemons, certificate, tmp_path):
    (tmp_path / "other").mkdir()
    other = Certificate(tmp_path / "other")
    code, said = daemons({**certificate.settings(), "net.tls_key": str(other.key)}).start_refused()
    assert code == 1 and "key" in said
