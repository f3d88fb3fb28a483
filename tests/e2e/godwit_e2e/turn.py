"""A TURN client with control over its credentials (RFC 8489, RFC 8656), and coturn as a child process."""

import base64
import hashlib
import hmac
import ipaddress
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import time
import zlib

from .daemon import REPOSITORY, die_with_parent, wait_until

EXAMPLE = REPOSITORY / "config/coturn.conf.example"
COOKIE = 0x2112A442
BINDING, ALLOCATE, REFRESH, SEND, DATA, CREATE_PERMISSION = 0x001, 0x003, 0x004, 0x006, 0x007, 0x008
REQUEST, INDICATION, SUCCESS, FAILURE = 0x000, 0x010, 0x100, 0x110
USERNAME, INTEGRITY, ERROR_CODE, LIFETIME, XOR_PEER, PAYLOAD = 0x0006, 0x0008, 0x0009, 0x000D, 0x0012, 0x0013
REALM, NONCE, XOR_RELAYED, TRANSPORT, XOR_MAPPED, FINGERPRINT = 0x0014, 0x0015, 0x0016, 0x0019, 0x0020, 0x8028
UDP = b"\x11\0\0\0"
WAIT_S = 10.0


class TurnError(Exception):
    """The server answered with an error."""

    def __init__(self, code, reason):
        super().__init__(f"{code} {reason}")
        self.code = code


def credentials(secret, user_id, expires_s):
    """(username, password) as a TURN server with use-auth-secret expects them."""
    username = f"{expires_s}:{user_id}"
    return username, password_of(secret, username)


def password_of(secret, username):
    return base64.b64encode(hmac.digest(secret.encode(), username.encode(), hashlib.sha1)).decode()


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def message(kind, transaction, attributes, length=None):
    return struct.pack("!HHI", kind, len(attributes) if length is None else length, COOKIE) + transaction + attributes


def integrity(kind, transaction, attributes, key):
    """MESSAGE-INTEGRITY over what stands before it, with the length as if it were the last attribute."""
    covered = message(kind, transaction, attributes, len(attributes) + 24)
    return hmac.digest(key, covered, hashlib.sha1)


def xor_address(data):
    port = struct.unpack("!H", data[2:4])[0] ^ (COOKIE >> 16)
    return str(ipaddress.IPv4Address(struct.unpack("!I", data[4:8])[0] ^ COOKIE)), port


def to_xor_address(address):
    host, port = address
    return struct.pack("!BBHI", 0, 1, port ^ (COOKIE >> 16), int(ipaddress.IPv4Address(host)) ^ COOKIE)


class TurnClient:
    """One socket to the server, and at most one relay on it. IPv4."""

    def __init__(self, address, transport="udp", context=None):
        """`context` (ssl.SSLContext) asks for TLS over tcp."""
        self.transport = transport
        if transport == "tcp":
            self.socket = socket.create_connection(address, WAIT_S)
            if context:
                self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        else:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.connect(address)
        self.socket.settimeout(WAIT_S)
        self.received = b""
        self.username = self.realm = self.nonce = self.key = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def binding(self):
        """The address that the server sees (STUN)."""
        _, _, found = self._exchange(BINDING, b"")
        return xor_address(found[XOR_MAPPED])

    def allocate(self, username, password):
        """Makes a relay; returns its address. Without credentials first, as RFC 8489 section 9.2 has it."""
        wanted = attribute(TRANSPORT, UDP)
        try:
            self._exchange(ALLOCATE, wanted)
        except TurnError as error:
            if error.code != 401:
                raise
        else:
            raise AssertionError("a relay without credentials")
        self.username = username
        self.key = hashlib.md5(b":".join((username.encode(), self.realm, password.encode()))).digest()
        return xor_address(self.ask(ALLOCATE, wanted)[XOR_RELAYED])

    def refresh(self, lifetime_s):
        """Prolongs the relay, 0 ends it; returns what is granted."""
        return struct.unpack("!I", self.ask(REFRESH, attribute(LIFETIME, struct.pack("!I", lifetime_s)))[LIFETIME])[0]

    def permit(self, peer):
        self.ask(CREATE_PERMISSION, attribute(XOR_PEER, to_xor_address(peer)))

    def send(self, peer, data):
        attributes = attribute(XOR_PEER, to_xor_address(peer)) + attribute(PAYLOAD, data)
        self.socket.sendall(message(SEND | INDICATION, os.urandom(12), attributes))

    def receive(self):
        """(peer, data) of the next packet that was relayed to here."""
        kind, _, found = self._read()
        assert kind == DATA | INDICATION
        return xor_address(found[XOR_PEER]), found[PAYLOAD]

    def ask(self, method, attributes):
        """An authenticated request, the attributes of whose answer must be authenticated by the server, too."""
        try:
            return self._authenticated(method, attributes)
        except TurnError as error:
            if error.code != 438:  # stale nonce: the answer had a fresh one
                raise
        return self._authenticated(method, attributes)

    def _authenticated(self, method, attributes):
        attributes += attribute(USERNAME, self.username.encode())
        attributes += attribute(REALM, self.realm) + attribute(NONCE, self.nonce)
        kind, raw, found = self._exchange(method, attributes, self.key)
        end = raw.index(struct.pack("!HH", INTEGRITY, 20))
        expected = integrity(kind, raw[8:20], raw[20:end], self.key)
        assert hmac.compare_digest(found[INTEGRITY], expected), "an answer by somebody else"
        return found

    def _exchange(self, method, attributes, key=None):
        transaction = os.urandom(12)
        if key:
            attributes += attribute(INTEGRITY, integrity(method, transaction, attributes, key))
        self.socket.sendall(message(method | REQUEST, transaction, attributes))
        kind, raw, found = self._read()
        assert raw[8:20] == transaction
        self.realm, self.nonce = found.get(REALM, self.realm), found.get(NONCE, self.nonce)
        if kind == method | FAILURE:
            code = found[ERROR_CODE]
            raise TurnError(code[2] * 100 + code[3], code[4:].decode())
        assert kind == method | SUCCESS
        return kind, raw, found

    def _read(self):
        """(type, bytes, attributes) of the next message."""
        if self.transport == "tcp":
            raw = self._read_exactly(20)
            raw += self._read_exactly(struct.unpack("!H", raw[2:4])[0])
        else:
            raw = self.socket.recv(65536)
        kind, length, cookie = struct.unpack("!HHI", raw[:8])
        assert (length, cookie) == (len(raw) - 20, COOKIE)
        found, at = {}, 20
        while at < len(raw):
            name, size = struct.unpack("!HH", raw[at : at + 4])
            if name == FINGERPRINT:
                crc = zlib.crc32(raw[:at]) ^ 0x5354554E
                assert raw[at + 4 : at + 8] == struct.pack("!I", crc), "a wrong fingerprint"
            found.setdefault(name, raw[at + 4 : at + 4 + size])
            at += 4 + size + -size % 4
        return kind, raw, found

    def _read_exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            assert more, "the server closed the connection"
            data += more
        return data


def free_port():
    """A port of loopback that is free for UDP and TCP."""
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                continue
            return udp.getsockname()[1]
    raise AssertionError("no free port")


class Coturn:
    """coturn with config/coturn.conf.example, but for what ties that to a machine: ports, files, certificates.

    `loopback_peers` lets relays reach 127.0.0.1, which the example refuses; all else that it refuses stays so.
    `changes` are options in place of those of the example, with _ for -. Without `cert` there is no TLS.
    """

    def __init__(self, folder, secrets, loopback_peers=True, **changes):
        self.folder = pathlib.Path(folder)
        self.secrets = secrets
        self.loopback_peers = loopback_peers
        self.changes = {name.replace("_", "-"): value for name, value in changes.items()}
        self.log_path = self.folder / "coturn.log"
        self.process = None
        self.address = self.tls_address = None

    @property
    def url(self):
        return "turn:%s:%d?transport=" % self.address

    @property
    def database(self):
        return self.folder / "turndb"

    def configuration(self):
        changes = {
            "listening-port": self.address[1],
            "tls-listening-port": self.tls_address[1],
            "listening-ip": "127.0.0.1",
            "relay-ip": "127.0.0.1",
            "userdb": self.database,
            "syslog": None,
            "static-auth-secret": None,
            "log-file": "stdout",
            **self.changes,
        }
        lines = [line.strip() for line in EXAMPLE.read_text().splitlines() if not line.startswith("#")]
        lines = [line for line in lines if line and line.partition("=")[0] not in changes]
        lines += [f"{name}={value}" for name, value in changes.items() if value is not None]
        lines += [f"static-auth-secret={secret}" for secret in self.secrets]
        lines += ["simple-log"]
        if "cert" not in self.changes:
            lines += ["no-tls", "no-dtls"]
        if self.loopback_peers:
            lines += ["allow-loopback-peers", "allowed-peer-ip=127.0.0.1"]
        return "\n".join(lines) + "\n"

    def start(self):
        program = shutil.which("turnserver")
        assert program, "coturn is not installed"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.address = self.address or ("127.0.0.1", free_port())
        self.tls_address = self.tls_address or ("127.0.0.1", free_port())
        path = self.folder / "turnserver.conf"
        path.write_text(self.configuration())
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [program, "-c", str(path), "--pidfile="],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        wait_until(self._answers, 20.0, "coturn's start")
        return self

    def restart(self, secrets):
        self.stop()
        self.secrets = secrets
        return self.start()

    def admin(self, *arguments):
        """turnadmin on the database of this server."""
        command = ["turnadmin", "-b", str(self.database), *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=20)

    def stop(self):
        if self.process is None:
            return
        self.process.kill()
        self.process.wait(20)
        self.process = None

    def client(self, transport="udp", context=None):
        """A socket to this server; `context` (ssl.SSLContext) asks for TLS over tcp."""
        return TurnClient(self.tls_address if context else self.address, transport, context)

    def log_text(self):
        return self.log_path.read_text(errors="replace")

    def _answers(self):
        assert self.process.poll() is None, f"coturn ended:\n{self.log_text()[-4000:]}"
        try:
            with self.client() as client:
                client.socket.settimeout(0.2)
                return client.binding()
        except OSError:
            time.sleep(0.05)
            return None
