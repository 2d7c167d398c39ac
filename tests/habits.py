"""An endpoint on loopback that sends whatever a function says: any status, header and bytes, and batches of its own."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CONTROL = "Reply with the single word: ok"


def completion(text="yes", finish="stop", usage=(10, 5), **more):
    """A completion; `usage` is that of the provider, or its prompt and completion tokens."""
    if isinstance(usage, tuple):
        usage = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    message = {"role": "assistant", "content": text, **more}
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage, "model": "m"}


def error(message, **more):
    return {"error": {"message": message, **more}}


def asked_in(request):
    """The words of a request."""
    return request["messages"][-1]["content"]


class Raw(bytes):
    """Bytes that are sent as they are; then the connection closes."""


class Habits:
    """What was sent and said. `answer` gets a request and returns a body, or a status and a body, and headers, or Raw."""

    def __init__(self, answer: Callable[[dict], Any]) -> None:
        self.answer = answer
        self.requests: list[dict] = []
        self.batches = Batches()
        self.lock = threading.Lock()

    @property
    def controls(self):
        return [request for request in self.requests if asked_in(request) == CONTROL]

    def numbers(self):
        """The numbers of the questions, in the order in which they came."""
        return [asked_in(request).split()[-1] for request in self.requests if asked_in(request) != CONTROL]


class Batches:
    """The Batch API. `lines` makes the lines of a batch's results; `late` delays the names of its files."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.opened: dict[str, dict] = {}
        self.lines: Callable[[dict], dict | bytes] = lambda line: result(line, 200, completion())
        self.late = 0  # looks at an ended batch before it names its files
        self.lost_creates = 0  # openings whose response is lost, although the batch exists
        self.hidden = 0  # lists that do not show such a batch yet
        self.cancelled: list[str] = []
        self.running: set[str] = set()
        self.most = 10**9  # requests in a batch, beyond which it fails
        self.missing = 0  # times that a file of results is not there
        self.looks: Counter[str] = Counter()
        self.billed = 0

    def create(self, request):
        name = f"batch_{len(self.opened)}"
        count = len(self.files[request["input_file_id"]].splitlines())
        self.opened[name] = {
            "id": name, "object": "batch", "endpoint": request["endpoint"], "input_file_id": request["input_file_id"],
            "completion_window": "24h", "status": "in_progress", "created_at": int(time.time()),
            "metadata": request["metadata"], "request_counts": {"total": count, "completed": 0, "failed": 0},
        }  # fmt: skip
        return self.opened[name]

    def show(self, name):
        batch = self.opened[name]
        if batch["request_counts"]["total"] > self.most:
            said = "Enqueued token limit reached for m in organization org-x. Limit: 90,000 enqueued tokens."
            batch |= {"status": "failed", "errors": {"data": [{"code": "token_limit_exceeded", "message": said}]}}
        elif batch["status"] == "in_progress" and name not in self.running:
            self.end(batch, "completed")
        self.looks[name] += 1
        return {key: value for key, value in batch.items() if key != "output_file_id" or self.looks[name] > self.late}

    def end(self, batch, status):
        lines = [self.lines(json.loads(line)) for line in self.files[batch["input_file_id"]].splitlines()]
        content = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        batch |= {"status": status, "output_file_id": f"out-{batch['id']}"}
        self.files[batch["output_file_id"]] = content
        self.billed += len(lines)
        batch["request_counts"] = {"total": len(lines), "completed": len(lines), "failed": 0}

    def cancel(self, name):
        self.cancelled.append(name)
        self.end(self.opened[name], "cancelled")
        return self.show(name)

    def route(self, method, path, body):
        """The response, or None where the connection is to break."""
        if (method, path) == ("POST", "/v1/files"):
            name = f"file-{len(self.files)}"
            self.files[name] = body.split(b'name="file"', 1)[1].split(b"\r\n\r\n", 1)[1].split(b"\r\n--", 1)[0]
            described = {"id": name, "object": "file", "purpose": "batch", "bytes": 0, "created_at": 0, "filename": "x"}
            return {**described, "status": "processed"}
        if path == "/v1/batches" and method == "POST":
            made = self.create(json.loads(body))
            self.lost_creates -= 1
            return None if self.lost_creates >= 0 else self.show(made["id"])
        if path == "/v1/batches":
            self.hidden -= 1
            shown = [] if self.hidden >= 0 else [self.show(name) for name in reversed(self.opened)]
            return {"object": "list", "data": shown, "has_more": False}
        if found := re.fullmatch("/v1/files/(.+)/content", path):
            self.missing -= found[1].startswith("out")
            if found[1].startswith("out") and self.missing >= 0:
                return 404, error("No such File object")
            return self.files[found[1]]
        if found := re.fullmatch("/v1/batches/(.+)/cancel", path):
            return self.cancel(found[1])
        return self.show(path.rpartition("/")[2])


def result(line, status, body, **more):
    """A line of a batch's results."""
    return {
        "id": "r",
        "custom_id": line["custom_id"],
        "error": None,
        **more,
        "response": {"status_code": status, "body": body},
    }


class Handler(BaseHTTPRequestHandler):
    """Says what the server's `state` says."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.respond("GET", b"")

    def do_POST(self):
        self.respond("POST", self.rfile.read(int(self.headers["Content-Length"])))

    def respond(self, method, body):
        state, path = self.server.state, self.path.partition("?")[0]
        if path == "/v1/chat/completions":
            with state.lock:
                state.requests.append(json.loads(body))
            given = state.answer(json.loads(body))
        else:
            with state.lock:
                given = state.batches.route(method, path, body)
        if given is None or isinstance(given, Raw):
            self.wfile.write(given or b"")
            self.close_connection = True
        else:
            self.say(*given if isinstance(given, tuple) else (200, given))

    def say(self, status, value, headers=()):
        if callable(value):
            return self.stream(value)
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", "Content-Length": len(content), **dict(headers)}.items():
            self.send_header(name, str(text))
        self.end_headers()
        self.wfile.write(content)

    def stream(self, write):
        """Headers without a length; `write` sends what it likes."""
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):
            write(self.wfile)

    def log_message(self, *arguments):
        pass


@contextmanager
def habits(answer: Callable[[dict], Any]) -> Iterator[Habits]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.state = state = Habits(answer)
    state.base_url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
