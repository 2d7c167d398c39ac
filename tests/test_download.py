import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rag_instruct.download import download
from rag_instruct.errors import UserError

CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def served():
    """The URL of a file whose server cuts the first answer short and continues where it is asked to."""
    ranges = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path != "/file":
                self.send_error(404)
                return
            asked = self.headers.get("Range")
            ranges.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(CONTENT) - start))
            self.end_headers()
            end = len(CONTENT) // 2 if len(ranges) == 1 else len(CONTENT)
            self.wfile.write(CONTENT[start:end])

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", ranges
    server.shutdown()
    server.server_close()


def test_a_broken_download_goes_on_where_it_broke(served, tmp_path):
    url, ranges = served
    download(f"{url}/file", tmp_path / "file", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert ranges[0] is None
    assert ranges[1].startswith("bytes=")
    assert not (tmp_path / "file.part").exists()


@pytest.mark.parametrize(
    ("path", "size", "sha256", "said"),
    [
        ("file", None, "0" * 64, "sha256 is"),
        ("file", 5, None, "5 were expected"),
        ("missing", None, None, "the server answered 404"),
        ("file", 10**18, None, "make room"),
    ],
)
def test_what_is_not_the_file_is_refused(served, tmp_path, path, size, sha256, said):
    with pytest.raises(UserError, match=said):
        download(f"{served[0]}/{path}", tmp_path / "file", size, sha256)
    assert not (tmp_path / "file").exists()
