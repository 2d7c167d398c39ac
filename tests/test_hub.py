"""Downloads from the hub, against as much of its API as they call."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import ROOT

COMMIT = "c0ffee" * 6 + "c0ff"
FILES = {"data/train-0.parquet": b"first", "data/train-1.parquet": b"second", "README.md": b"no"}
REFUSED = {"gone/set": (404, "RepoNotFound"), "gated/set": (403, "GatedRepo"), "ill/set": (500, "")}


class Hub(BaseHTTPRequestHandler):
    """One data set, me/set, and others that are gone, gated or ill."""

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def _answer(self, body):
        path = self.path.split("?")[0].removeprefix("/api").removeprefix("/datasets/")
        name = "/".join(path.split("/")[:2])
        if name in REFUSED:
            status, code = REFUSED[name]
            return self._send(status, b"", {"X-Error-Code": code})
        rest = path.removeprefix("me/set/")
        if "/api/" not in self.path:
            content = FILES[rest.removeprefix(f"resolve/{COMMIT}/")]
            return self._send(200, content if body else b"", {"Content-Length": str(len(content)),
                              "ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": COMMIT})  # fmt: skip
        if rest.startswith("tree/"):
            tree = [
                {"type": "file", "path": name, "size": len(FILES[name]), "oid": hashlib.sha1(FILES[name]).hexdigest()}
                for name in FILES
            ]
            return self._send(200, json.dumps(tree).encode())
        if rest not in ("revision/main", f"revision/{COMMIT}"):
            return self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        info = {"id": "me/set", "sha": COMMIT, "siblings": [{"rfilename": name} for name in FILES]}
        return self._send(200, json.dumps(info).encode())

    def _send(self, status, content, headers=None):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@contextmanager
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def download(folder, address, name, *patterns, revision="main"):
    command = [sys.executable, "-m", "scripts.download_from_hub", name, "--revision", revision, "--files", *patterns]
    environment = os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(folder / "home"), "HF_HUB_DISABLE_XET": "1"}
    environment.pop("HF_TOKEN", None)
    output = ["--output", str(folder / "got/files.json")]
    return subprocess.run(command + output, cwd=ROOT, env=environment, text=True, capture_output=True)


def test_the_wanted_files_come_and_their_commit_is_written_down(tmp_path):
    with hub() as address:
        ran = download(tmp_path, address, "me/set", "data/*.parquet")
    assert ran.returncode == 0, ran.stderr
    listed = json.loads((tmp_path / "got/files.json").read_text())
    assert listed == {"hub": "me/set", "commit": COMMIT, "files": ["data/train-0.parquet", "data/train-1.parquet"]}
    assert (tmp_path / "got/data/train-1.parquet").read_bytes() == b"second"
    assert not (tmp_path / "got/README.md").exists()


@pytest.mark.parametrize(
    ("name", "revision", "said"),
    [
        ("gated/set", "main", "gated/set is gated: accept its terms at https://huggingface.co/datasets/gated/set, then export HF_TOKEN=..., or give a local `path`"),
        ("gone/set", "main", "gone/set at main is not on the hub: give its new id, or a local `path`"),
        ("me/set", "0ld", "me/set at 0ld is not on the hub: give its new id, or a local `path`"),
        ("me/set", "main", "me/set has no file moved.json: give its new names under `files`"),
        ("ill/set", "main", "ill/set: the hub cannot be reached"),
        ("nowhere", "main", "me/set: the hub cannot be reached"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_said_with_a_remedy(tmp_path, name, revision, said):
    with hub() as address:
        place = "http://127.0.0.1:9" if name == "nowhere" else address
        ran = download(tmp_path, place, "me/set" if name == "nowhere" else name, "moved.json", revision=revision)
    assert ran.returncode == 1
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "got/files.json").exists()
