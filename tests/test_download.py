import contextlib
import hashlib
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from conftest import ROOT

from rag_instruct.download import Source, download
from rag_instruct.errors import UserError

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
    threading.Thread(target=server.serve_forever, daemon=True).start()
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
