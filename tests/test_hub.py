"""Downloads from the hub, against as much of its API as they call."""

import errno
import hashlib
import json
import os
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import forked
import pytest
from conftest import ROOT
from huggingface_hub import constants

from rag_instruct.download import download_from_hub, listed_files
from rag_instruct.errors import UserError

COMMIT = "c0ffee" * 6 + "c0ff"
FILES = {"data/train-0.parquet": b"first", "data/train-1.parquet": b"second", "README.md": b"no"}
RENAMED = {"data/train-0-of-2.parquet": b"third", "data/train-1.parquet": b"fourth"}
REVISIONS = {"main": (COMMIT, FILES), "new": ("d0d0" * 10, RENAMED), "odd": ("ab" * 20, {"files.json": b"[1]"})}
COMMITS = dict(REVISIONS.values())
REFUSED = {
    "gone/set": (404, "RepoNotFound"),
    "gated/set": (403, "GatedRepo"),
    "ill/set": (500, ""),
    "key/set": (401, ""),
}


SILENT = set()  # files about which the hub does not answer


class Hub(BaseHTTPRequestHandler):
    """One data set, me/set, and others that are gone, gated or ill; of shut/set all can see what there is."""

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
        kind, revision, *rest = path.removeprefix(f"{name}/").split("/")
        commit, files = REVISIONS.get(revision) or (revision, COMMITS.get(revision))
        if files is None:
            return self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        if kind == "resolve" and name == "shut/set":
            return self._send(403, b"", {"X-Error-Code": "GatedRepo"})
        if kind == "resolve" and "/".join(rest) in self.server.silent:
            return self._send(500, b"")
        if kind == "resolve":
            content = files["/".join(rest)]
            return self._send(200, content if body else b"", {"Content-Length": str(len(content)),
                              "ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": commit})  # fmt: skip
        if kind == "tree":
            tree = [
                {"type": "file", "path": file, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for file, content in files.items()
            ]
            return self._send(200, json.dumps(tree).encode())
        info = {"id": name, "sha": commit, "siblings": [{"rfilename": file} for file in files]}
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
    server.silent = SILENT
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def address():
    with hub() as served:
        yield served


@pytest.fixture
def download(tmp_path, monkeypatch):
    """Downloads from the hub at an address into tmp_path/got."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.delenv("HF_TOKEN", raising=False)

    def downloading(address, name, *patterns, revision="main"):
        monkeypatch.setattr(constants, "ENDPOINT", address)
        pattern = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", pattern)
        download_from_hub(name, revision, list(patterns), tmp_path / "got/files.json")

    return downloading


def test_the_wanted_files_come_and_their_commit_is_written_down(tmp_path, address, download):
    download(address, "me/set", "data/*.parquet")
    listed = json.loads((tmp_path / "got/files.json").read_text())
    assert listed == {"hub": "me/set", "commit": COMMIT, "files": ["data/train-0.parquet", "data/train-1.parquet"]}
    assert (tmp_path / "got/data/train-1.parquet").read_bytes() == b"second"
    assert not (tmp_path / "got/README.md").exists()


def test_a_data_sets_own_files_json_is_not_replaced_by_our_list(tmp_path, address, download):
    download(address, "me/set", "files.json", revision="odd")
    listed, origin = listed_files(tmp_path / "got/files.json")
    assert [path.read_bytes() for path in listed] == [b"[1]"]
    assert origin["hub"] == "me/set"


def test_a_new_revision_lists_none_of_the_old_ones_files(tmp_path, address, download):
    download(address, "me/set", "data/*.parquet")
    download(address, "me/set", "*.parquet", revision="new")
    listed = json.loads((tmp_path / "got/files.json").read_text())
    assert (listed["commit"], listed["files"]) == (REVISIONS["new"][0], sorted(RENAMED))
    assert (tmp_path / "got/data/train-1.parquet").read_bytes() == b"fourth"
    assert (tmp_path / "got/data/train-0.parquet").exists(), "it is in nobody's way"


def test_an_old_file_is_not_listed_under_a_new_commit_if_the_hub_does_not_answer_about_it(tmp_path, address, download):
    download(address, "me/set", "data/*.parquet")
    (tmp_path / "got/files.json").unlink()
    SILENT.add("data/train-1.parquet")
    with pytest.raises(UserError, match=r"cannot be reached \(no answer about data/train-1\.parquet\): run again"):
        download(address, "me/set", "*.parquet", revision="new")
    assert not (tmp_path / "got/files.json").exists()
    SILENT.clear()
    download(address, "me/set", "*.parquet", revision="new")
    assert (tmp_path / "got/data/train-1.parquet").read_bytes() == b"fourth"


def test_a_full_disk_is_said_and_not_taken_for_a_hub_that_is_away(tmp_path, address, download, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("rag_instruct.download.snapshot_download", full)
    with pytest.raises(UserError, match="got: the disk is full: make room and run again"):
        download(address, "me/set", "data/*.parquet")


def test_a_local_folder_that_cannot_be_written_is_no_fault_of_the_hub(tmp_path, address, download):
    (tmp_path / "got").mkdir()
    (tmp_path / "got/data").write_text("a file in place of the folder")
    with pytest.raises(OSError, match="got/data") as refusal:
        download(address, "me/set", "data/*.parquet")
    assert refusal.value.filename, "the command names this path, and asks to check it"


def test_a_proxy_that_the_hubs_library_cannot_use_is_named(tmp_path, address, download, monkeypatch):
    def without_socksio(*_, **__):
        raise ImportError("Using SOCKS proxy, but the 'socksio' package is not installed.")

    monkeypatch.setattr("rag_instruct.download.HfApi.dataset_info", without_socksio)
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:9")
    with pytest.raises(UserError, match=r"me/set: the proxy in the environment \(.*all_proxy.*\) cannot be used"):
        download(address, "me/set", "data/*.parquet")


@pytest.mark.parametrize(
    ("name", "revision", "said"),
    [
        ("gated/set", "main", "gated/set is gated: accept its terms at https://huggingface.co/datasets/gated/set, then export HF_TOKEN=..., or give a local `path`"),
        ("shut/set", "main", "shut/set is gated: accept its terms at https://huggingface.co/datasets/shut/set, then export HF_TOKEN=..., or give a local `path`"),
        ("key/set", "main", "key/set: the hub does not accept HF_TOKEN"),
        ("gone/set", "main", "gone/set at main is not on the hub: give its new id, or a local `path`"),
        ("me/set/odd name", "main", "'me/set/odd name' is no id of the hub: give <owner>/<name> as `hub`"),
        ("me/set", "0ld", "me/set at 0ld is not on the hub: give its new id, or a local `path`"),
        ("me/set", "main", "me/set has no file moved.json: give its new names under `files`"),
        ("ill/set", "main", "ill/set: the hub cannot be reached"),
        ("nowhere", "main", "me/set: the hub cannot be reached"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_said_with_a_remedy(tmp_path, address, download, name, revision, said):
    place = "http://127.0.0.1:9" if name == "nowhere" else address
    files = ["data/*.parquet", *(["moved.json"] if name == "me/set" else [])]
    with pytest.raises(UserError) as refusal:
        download(place, "me/set" if name == "nowhere" else name, *files, revision=revision)
    assert said in str(refusal.value)
    assert not (tmp_path / "got/files.json").exists()


@pytest.mark.slow
def test_the_command_downloads_and_ends_with_one_readable_message(tmp_path, address):
    environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1"}
    environment.pop("HF_TOKEN", None)
    output = ["--files", "data/*.parquet", "--output", tmp_path / "got/files.json"]
    ran = forked.run("scripts.download_from_hub", ["me/set", *output], ROOT, environment)
    assert ran.returncode == 0, ran.stdout
    assert (tmp_path / "got/data/train-0.parquet").read_bytes() == b"first"
    ran = forked.run("scripts.download_from_hub", ["gated/set", *output], ROOT, environment)
    assert ran.returncode == 1
    assert "error: gated/set is gated" in ran.stdout
    assert "Traceback" not in ran.stdout
