"""An OpenAI-compatible endpoint on loopback that answers from a function and counts what it served."""

import json
import threading
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Endpoint:
    def __init__(self, answer: Callable[[dict], str]) -> None:
        self.answer = answer
        self.headers: dict[str, str] = {}  # of every reply
        self.faults: list[int | str] = []  # statuses, or finish reasons, of the next replies
        self.refuses: Callable[[dict], int | None] = lambda request: None  # the status that a request always gets
        self.requests: list[dict] = []
        self.keys: set[str | None] = set()
        self.busy = self.busiest = 0
        self._lock = threading.Lock()

    def reply(self, request: dict, key: str | None) -> tuple[int, dict]:
        with self._lock:
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
            self.requests.append(request)
            self.keys.add(key)
            fault = self.refuses(request) or (self.faults.pop(0) if self.faults else None)
        text = self.answer(request)
        with self._lock:
            self.busy -= 1
        if isinstance(fault, int):
            return fault, {"error": {"message": f"made up fault {fault} for {key}"}}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": fault or "stop"}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        return 200, {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": request["model"],
            "choices": [choice],
            "usage": usage,
        }


@contextmanager
def endpoint(answer: Callable[[dict], str]):
    with served(Endpoint(answer)) as state:
        yield state


@contextmanager
def served(state, path: str = ""):
    """Serve `state.reply(request, key)`, a status and a body. Requests to other paths than `path` get 404."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = path in ("", self.path)
            status, body = state.reply(request, self.headers.get("Authorization")) if known else (404, {})
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    state.base_url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
