"""A hub on loopback that says which models and data sets are gated."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GATED = {
    "/api/datasets/lmsys/lmsys-chat-1m": "auto",
    "/api/models/meta-llama/Llama-3.1-8B": "manual",
    "/api/models/google/embeddinggemma-300m": "manual",
    "/api/models/google/gemma-2b": "manual",
    "/api/models/me/new-model": "auto",
}
SHUT, MISSING, BROKEN, SLOW = "me/shut", "me/missing", "me/broken", "me/slow"


class Hub(BaseHTTPRequestHandler):
    """Other repositories are open to all."""

    def do_GET(self):
        path = self.path.partition("?")[0].partition("/revision/")[0]
        self.server.asked.append((path, self.headers.get("Authorization")))
        if path.endswith(SLOW):
            time.sleep(1)
        refused = {SHUT: (403, "GatedRepo"), MISSING: (401, "RepoNotFound"), BROKEN: (500, "")}
        status, code = next((refused[name] for name in refused if path.endswith(name)), (200, ""))
        body = b"<html>" if status == 500 else json.dumps({"id": "x", "gated": GATED.get(path, False)}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Error-Code", code)
        self.end_headers()
        with suppress(OSError):  # the client may have gone
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def gated_hub() -> Iterator[ThreadingHTTPServer]:
    """The server; `address` is its address, and `asked` has the paths and tokens that it got."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.daemon_threads = True
    server.asked, server.address = [], f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
