"""The folder of web files: what is served, how it may be kept, and what a page may load."""

import gzip
import urllib.error
import urllib.request

import pytest


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "web"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<!doctype html><title>Godwit</title>" + "<p>bird</p>" * 200)
    (root / "assets" / "app-1a2b.js").write_text("export const flies = true;\n" * 100)
    (root / "icon.png").write_bytes(b"\x89PNG not much of one")
    (root / "secret.key").write_text("never served")
    (tmp_path / "outside.js").write_text("never served")
    (root / "link.js").symlink_to(tmp_path / "outside.js")
    return root


def get(daemon, path, **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{daemon.client_port}{path}", headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            return reply.status, reply.headers, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@pytest.fixture
def served(daemons, folder):
    return daemons({"server.web_dir": str(folder)}).start()


def test_pages_and_assets(served, folder):
    status, headers, body = get(served, "/")
    assert status == 200 and body == (folder / "index.html").read_bytes()
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache"
    status, headers, body = get(served, "/assets/app-1a2b.js")
    assert status == 200 and body == (folder / "assets" / "app-1a2b.js").read_bytes()
    assert "immutable" in headers["Cache-Control"]
    assert get(served, "/icon.png")[1]["Content-Type"] == "image/png"


@pytest.mark.parametrize(
    "name,kind",
    [
        ("app.js", "text/javascript; charset=utf-8"),
        ("app.css", "text/css; charset=utf-8"),
        ("manifest.webmanifest", "application/manifest+json"),
        ("icon.svg", "image/svg+xml"),
        ("module.wasm", "application/wasm"),
        ("font.woff2", "font/woff2"),
    ],
)
def test_kinds_of_files(daemons, folder, name, kind):
    (folder / name).write_bytes(b"anything")
    daemon = daemons({"server.web_dir": str(folder)}).start()
    status, headers, body = get(daemon, f"/{name}")
    assert (status, headers["Content-Type"], body) == (200, kind, b"anything")
    assert headers["Cache-Control"] == "no-cache" and headers["X-Content-Type-Options"] == "nosniff"


def test_policy_lets_nothing_in_from_elsewhere(served):
    policy = get(served, "/")[1]["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "http:" not in policy and "*" not in policy


def test_compressed_for_who_takes_it(served, folder):
    _, headers, body = get(served, "/", Accept_Encoding="br, gzip")
    assert headers["Content-Encoding"] == "gzip" and headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(body) == (folder / "index.html").read_bytes()
    assert get(served, "/", Accept_Encoding="br")[1]["Content-Encoding"] is None


def test_unchanged_is_not_sent_again(served):
    etag = get(served, "/")[1]["ETag"]
    status, _, body = get(served, "/", If_None_Match=etag)
    assert status == 304 and body == b""
    assert get(served, "/", If_None_Match='"other"')[0] == 200


@pytest.mark.parametrize("path", ["/secret.key", "/link.js", "/../outside.js", "/assets/..%2f..%2foutside.js", "/assets/", "/none.js"])
def test_nothing_else_is_served(served, path):
    assert get(served, path)[0] in (400, 404)


def test_folder_without_a_page_is_refused(daemons, tmp_path):
    (tmp_path / "empty").mkdir()
    daemon = daemons({"server.web_dir": str(tmp_path / "empty")})
    assert "index.html" in str(daemon.start_refused())
