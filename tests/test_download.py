import contextlib
import hashlib
import json
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
import tenacity
from conftest import ROOT

from rag_instruct.download import Source, _fetch_all, download, listed_files
from rag_instruct.errors import UserError
from rag_instruct.files import write_json
from rag_instruct.settings.sources import file_name

CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def served():
    """The URL of a file whose server cuts the first answer short and continues where it is asked to."""
    ranges = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path not in ("/file", "/slow"):
                self.send_error(404)
                return
            asked = self.headers.get("Range")
            ranges.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            self.send_response(206 if asked else 200)
            self.send_header("ETag", '"v1"')
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
            self.send_header("Content-Length", str(len(CONTENT) - start))
            self.end_headers()
            if self.path == "/slow":
                with contextlib.suppress(OSError):
                    for place in range(start, len(CONTENT), 10_000):
                        self.wfile.write(CONTENT[place : place + 10_000])
                        time.sleep(0.01)
                return
            end = len(CONTENT) // 2 if len(ranges) == 1 else len(CONTENT)
            with contextlib.suppress(OSError):
                self.wfile.write(CONTENT[start:end])

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", ranges
    server.shutdown()
    server.server_close()


SUM = hashlib.sha256(CONTENT).hexdigest()


def test_a_break_is_resumed(served, tmp_path):
    url, ranges = served
    download(Source(f"{url}/file", len(CONTENT), SUM), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert ranges[0] is None
    assert ranges[1].startswith("bytes=")
    assert not (tmp_path / "file.part").exists()


@pytest.mark.parametrize(
    ("path", "size", "sha256", "said"),
    [
        ("file", None, "0" * 64, "sha256 is"),
        ("file", 5, None, "`size` in config.yaml is 5"),
        ("missing", None, None, "the server answered 404"),
        ("file", 10**18, None, "make room"),
    ],
)
def test_what_is_not_the_file_is_refused(served, tmp_path, path, size, sha256, said):
    with pytest.raises(UserError, match=said):
        download(Source(f"{served[0]}/{path}", size, sha256), tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_no_room_is_said_before_a_byte_is_written_also_where_no_size_is_known(served, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(UserError, match="1,024,000 bytes are still to come, but the disk has 1,000 free: make room"):
        download(Source(f"{served[0]}/file"), tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_meanwhile(served, small_disk, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=10**12))
    (small_disk / "other").write_bytes(bytes(600_000))
    with pytest.raises(UserError, match=r"file\.part: the disk is full"):
        download(Source(f"{served[0]}/file"), small_disk / "file")
    assert not (small_disk / "file").exists()
    (small_disk / "other").unlink()
    download(Source(f"{served[0]}/file"), small_disk / "file")
    assert (small_disk / "file").read_bytes() == CONTENT


def test_the_first_sight_is_kept_and_a_later_change_refused(served, tmp_path):
    source = Source(f"{served[0]}/file")
    download(source, tmp_path / "file")
    assert (tmp_path / "file.sha256").read_text() == f"{SUM}  file\n"
    (tmp_path / "file").unlink()
    download(source, tmp_path / "file")
    (tmp_path / "file").unlink()
    (tmp_path / "file.sha256").write_text(f"{'0' * 64}  file\n")
    with pytest.raises(UserError, match=r"but it was 0000.*delete .*file\.sha256 to accept it"):
        download(source, tmp_path / "file")
    assert not (tmp_path / "file").exists()
    download(Source(source.url, sha256=SUM), tmp_path / "file")
    assert (tmp_path / "file.sha256").read_text() == f"{SUM}  file\n", "a published sum counts for more"


def test_a_mirror_stands_in(served, tmp_path):
    mirrors = {"https://published.example/data/": f"{served[0]}/"}
    download(Source("https://published.example/data/file", len(CONTENT), SUM, mirrors), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_proxy_is_asked(served, tmp_path):
    url, ranges = served
    with pytest.raises(UserError, match=r"http://published\.example/file: the server answered 404"):
        download(Source("http://published.example/file", proxy=url), tmp_path / "file")
    assert ranges == [], "the proxy's own answer: it was asked for the whole address, which it does not have"


@pytest.mark.parametrize("name", ["http_proxy", "proxy"])
def test_a_proxy_that_cannot_be_used_is_named_with_its_place(tmp_path, monkeypatch, name):
    socks = "socks5://127.0.0.1:9"
    monkeypatch.setenv("http_proxy" if name != "proxy" else "unset", socks)
    given = Source("http://published.example/file", proxy=socks if name == "proxy" else None)
    place = "`proxy` in config.yaml" if name == "proxy" else r"the environment \(.*http_proxy.*\)"
    with pytest.raises(UserError, match=f"published.example/file: the proxy in {place} cannot be used"):
        download(given, tmp_path / "file")


def test_a_redirect_that_comes_back_is_a_wrong_address(tmp_path):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    with pytest.raises(UserError, match=r"redirects.*: check this `url`"):
        download(Source(f"http://127.0.0.1:{server.server_port}/file"), tmp_path / "file")
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_a_kill_keeps_what_came(served, tmp_path):
    """SIGKILL of the real command in mid-download, then the same command again."""
    url, ranges = served
    command = [sys.executable, "-m", "scripts.download", f"{url}/slow", "--output", str(tmp_path / "slow")]
    job = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    part = tmp_path / "slow.part"
    while not part.exists() or part.stat().st_size < 100_000:
        assert job.poll() is None
        time.sleep(0.01)
    job.send_signal(signal.SIGKILL)
    job.wait()
    kept = part.stat().st_size
    assert not (tmp_path / "slow").exists()
    subprocess.run([*command[:-1], str(tmp_path / "slow")], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    assert ranges[-1] == f"bytes={kept}-"
    assert (tmp_path / "slow").read_bytes() == CONTENT


class Versions:
    """A server of one file in several versions. It cuts the first answer short, and then has the next version."""

    def __init__(self, *versions, honours_if_range=True, validator="ETag", with_total=True):
        self.versions, self.asked = list(versions), []
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                served.answer(self)

            def log_message(self, *arguments):
                pass

        self.honours, self.validator, self.with_total = honours_if_range, validator, with_total
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/data.tsv"

    def answer(self, request):
        first = not self.asked
        content = self.versions[0] if first else self.versions[-1]
        tag = {
            "ETag": f'"{hashlib.sha1(content).hexdigest()}"',
            "Last-Modified": f"Mon, 0{len(set(self.versions[: 1 if first else 2]))} Jan 2024 00:00:00 GMT",
        }.get(self.validator)
        wanted, condition = request.headers.get("Range"), request.headers.get("If-Range")
        self.asked.append((wanted, condition))
        ranged = wanted and (not self.honours or condition in (None, tag))
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if ranged else 0
        if ranged and start >= len(content):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(content)}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(206 if ranged else 200)
        if tag:
            request.send_header(self.validator, tag)
        if ranged and self.with_total:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        with contextlib.suppress(OSError):
            request.wfile.write(content[start : len(content) // 2 if first else len(content)])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


OLD, NEW, LONGER = b"a" * 50_000, b"b" * 50_000, b"c" * 60_000


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(_fetch_all.retry, "wait", tenacity.wait_none())


@pytest.mark.parametrize("validator", ["ETag", "Last-Modified", None])
@pytest.mark.parametrize("honours", [True, False])
@pytest.mark.parametrize("new", [NEW, LONGER, b"short"])
def test_a_download_is_never_of_two_versions(tmp_path, validator, honours, new):
    """Also where the server ignores If-Range, or says nothing of the version."""
    with Versions(OLD, new, honours_if_range=honours, validator=validator) as served:
        download(Source(served.url), tmp_path / "data.tsv")
    assert (tmp_path / "data.tsv").read_bytes() == new
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.tsv", "data.tsv.sha256"]


@pytest.mark.parametrize("validator", ["ETag", "Last-Modified"])
def test_the_same_version_goes_on_where_it_stopped(tmp_path, validator):
    with Versions(OLD, OLD, validator=validator) as served:
        download(Source(served.url), tmp_path / "data.tsv")
    assert served.asked[1] == ("bytes=25000-", served.asked[1][1])
    assert served.asked[1][1], "If-Range names the version"
    assert (tmp_path / "data.tsv").read_bytes() == OLD


@pytest.mark.parametrize("busy", [0, 2])
def test_a_download_that_breaks_often_goes_on_while_it_grows(tmp_path, monkeypatch, busy):
    """Also if the server is too busy for every second request, and so for the last attempt."""
    cut = Versions.answer

    def a_part(self, request):
        if busy and len(self.asked) % busy:
            self.asked.append(None)
            request.send_error(503)
            return
        write = request.wfile.write
        headers = []

        def once(data):
            headers.append(data)  # the first call writes the headers
            return write(data if len(headers) == 1 else data[:2_000])

        request.wfile.write = once
        cut(self, request)

    monkeypatch.setattr(Versions, "answer", a_part)
    with Versions(OLD, OLD) as served:
        download(Source(served.url), tmp_path / "data.tsv")
    assert len(served.asked) == (49 if busy else 25), "more than the attempts without a byte"
    assert (tmp_path / "data.tsv").read_bytes() == OLD
    monkeypatch.setattr(Versions, "answer", lambda self, request: self.asked.append(None))
    with Versions(OLD, OLD) as served, pytest.raises(UserError, match="run again to resume at byte"):
        download(Source(served.url), tmp_path / "more.tsv")
    assert len(served.asked) == 8
    monkeypatch.setattr(Versions, "answer", lambda self, request: request.send_error(503))
    with Versions(OLD) as served, pytest.raises(UserError, match="answered 503: run again later to resume at byte 0"):
        download(Source(served.url), tmp_path / "more.tsv")


def test_a_partial_answer_that_says_not_where_it_begins_is_not_taken(tmp_path):
    with Versions(OLD, OLD, with_total=False) as served:
        download(Source(served.url), tmp_path / "data.tsv")
    assert (tmp_path / "data.tsv").read_bytes() == OLD
    assert served.asked[2][0] is None


def test_a_part_of_unknown_origin_and_one_that_is_complete(tmp_path):
    part = tmp_path / "data.tsv.part"
    with Versions(OLD, OLD) as served:
        served.asked.append(None)
        part.write_bytes(b"x" * 70_000)  # 416 would count as complete
        download(Source(served.url), tmp_path / "data.tsv")
        assert (tmp_path / "data.tsv").read_bytes() == OLD
        part.write_bytes(OLD)
        tag = f'"{hashlib.sha1(OLD).hexdigest()}"'
        described = {"address": served.url, "etag": tag, "modified": "", "total": len(OLD)}
        (tmp_path / "data.tsv.part.json").write_text(json.dumps(described))
        download(Source(served.url), tmp_path / "data.tsv")
    assert served.asked[-1] == ("bytes=50000-", tag), "416 of the same version: nothing is missing"
    assert (tmp_path / "data.tsv").read_bytes() == OLD


def test_a_web_page_in_place_of_a_file_is_refused(tmp_path):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(b"<html>Please log in")

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    with pytest.raises(UserError, match="the server sent a web page in place of the file"):
        download(Source(f"http://127.0.0.1:{server.server_port}/data.tsv.gz"), tmp_path / "data.tsv.gz")
    server.shutdown()
    server.server_close()


def test_names_come_from_the_path_of_an_address():
    assert file_name("https://host/a/psgs.tsv.gz?download=1&x=/y#z") == "psgs.tsv.gz"
    assert file_name("https://host/files.json") == "url_files.json", "files.json is the list of a download from the hub"


def test_a_users_own_file_may_be_called_as_our_list(tmp_path):
    (tmp_path / "files.json").write_text('[{"hub": "x"}]')
    assert listed_files(tmp_path / "files.json") == ([tmp_path / "files.json"], {"file": str(tmp_path / "files.json")})
    write_json(tmp_path / "files.json", {"hub": "me/set", "commit": "c", "files": ["a.json"]})
    assert listed_files(tmp_path / "files.json") == ([tmp_path / "a.json"], {"hub": "me/set", "commit": "c"})
