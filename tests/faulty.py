"""An OpenAI-compatible server that answers late, wrongly or not at all, and keeps the bill.

    python tests/faulty.py --latency 0.2 --faults 0.3

prints its address, and serves /v1/chat/completions, /v1/files and /v1/batches, with what it served at /bill. Which
request meets which fault follows from the request and from how often it came, so two runs are alike.
"""

import argparse
import asyncio
import gzip
import hashlib
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

# What may befall an attempt; the last two are billed, though the client gets nothing for it.
PASSING = ("429", "429 without Retry-After", "500", "503", "reset", "hang", "lost", "half a character")
# What a model may answer, again and again.
ANSWERS = ("cut JSON", "no JSON", "empty", "refusal", "length", "content_filter", "no usage")
STATUS = {"429": 429, "429 without Retry-After": 429, "500": 500, "503": 503}
# What befalls a request for good.
LASTING = {
    "context": (400, "context_length_exceeded", "This model's maximum context length is 8192 tokens."),
    "policy": (400, "content_policy_violation", "Your request was rejected by the safety system."),
}
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


def drawn(*parts):
    """A number from 0 to 1 that follows from the parts."""
    return int(hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:12], 16) / 16**12


def refusal_of(fault):
    """A response in a batch's file of errors."""
    status, code, message = LASTING.get(fault, (STATUS.get(fault), "server_error", "made up"))
    return {"status_code": status, "body": {"error": {"code": code, "message": message}}}


def answer_to(request):
    """What a model would say: a pair, or where the request's schema wants it a category, an answer or a verdict."""
    schema = request.get("response_format", {}).get("json_schema", {}).get("schema", {})
    said = request["messages"][-1]["content"]
    if pattern := schema.get("pattern"):  # of compact prompts: one of several wordings
        wordings = re.split(r"(?<!\\)\|", pattern.removeprefix("^(").removesuffix(")$"))
        return json.dumps(re.sub(r"\\(.)", r"\1", wordings[int(drawn(said) * len(wordings))]))
    wanted = schema.get("required", [])
    if wanted and all(map(str.isdigit, wanted)):
        return json.dumps(dict.fromkeys(wanted, "knowledge"))
    if wanted == ["answer"]:  # all that the documents say
        return json.dumps({"answer": " ".join(re.findall(r"Document \d+: .+\n(.+)", said)) or "I do not know."})
    if wanted == ["verdict"]:
        reference, answer = re.search(r"Reference: (.*)\n\nAnswer: (.*)", said, re.S).groups()
        parts = re.split(r"(?<=[.!?]) +", reference)
        return json.dumps({"verdict": "right" if all(part in answer for part in parts) else "wrong"})
    return write_pair(request)


def write_pair(request):
    """A question and an answer whose words are the documents' own, so that the project's filters pass them."""
    messages = [message["content"] for message in request["messages"]]
    shown = re.findall(r"Document \d+: (.+)\n(.+)", messages[-1])
    if not shown:
        return f"answer to {messages[-1]}"
    seed = hashlib.sha256("".join(messages).encode()).digest()
    facts = []
    for number, (title, text) in enumerate(shown):
        sentences = [s for s in re.split(r"(?<=[.!?]) +", text) if len(s.split()) > 6] or [text]
        facts.append((title, sentences[seed[number] % len(sentences)]))
    if "Cite in the answer" in messages[-1]:
        facts = [(title, f"{fact} [{number}]") for number, (title, fact) in enumerate(facts, start=1)]
    names = " and ".join(f"{title}, where {' '.join(fact.split()[:4])}" for title, fact in facts)
    pair = {"question": f"What should one know about {names}?", "answer": " ".join(fact for _, fact in facts)}
    if '"declined"' in messages[-1]:
        pair["declined"] = "The documents at hand do not tell more."
    return json.dumps(pair)


def recorded_replies(path):
    """Request as it was sent -> reply, of a store's records that are kept as gzip."""
    records = [
        record for record in map(json.loads, gzip.decompress(path.read_bytes()).splitlines()) if "reply" in record
    ]
    return {json.dumps(sent_of(record), sort_keys=True): record["reply"] for record in records}


def sent_of(record):
    """A record's request as the endpoint got it; the store keeps what was adapted."""
    adapted = record["reply"].get("sent")
    return {**adapted, "messages": record["request"]["messages"]} if adapted else record["request"]


class Server:
    def __init__(self, settings):
        self.settings = settings
        self.seen = Counter()  # how often each request came
        self.faults = Counter()
        self.distinct = set()
        self.served = self.billed = self.busy = self.busiest = 0
        self.keys = set()
        self.files = {}
        self.batches = {}
        self.begun = self.ended = 0.0
        self.tokens = Counter()
        self.recorded = recorded_replies(settings.recorded) if settings.recorded else {}

    def bill(self):
        return {
            "served": self.served, "billed": self.billed, "distinct": len(self.distinct), "busiest": self.busiest,
            "busy": self.busy, "faults": dict(self.faults), "seconds": self.ended - self.begun, "batches": len(self.batches),
            "tokens": dict(self.tokens),
        }  # fmt: skip

    def fault_of(self, body):
        """The fault that this request meets this time, or None; and the lasting one."""
        self.seen[body] += 1
        if drawn("lasting", body) < self.settings.lasting:
            return list(LASTING)[int(drawn("which", body) * len(LASTING))]
        if drawn(body, self.seen[body]) < self.settings.faults / 2:
            return PASSING[int(drawn("fault", body, self.seen[body]) * len(PASSING))]
        if drawn("answer", body) < self.settings.faults / 2:
            return ANSWERS[int(drawn("kind", body) * len(ANSWERS))]
        return None

    def answer(self, request):
        """By the table of questions and answers, where one was given."""
        if not self.settings.table:
            return answer_to(request)
        return self.settings.table[request["messages"][-1]["content"].rsplit("Question: ", 1)[-1]]

    def complete(self, request, fault, body):
        """The completion, its usage billed."""
        if self.recorded:
            return self.play(request, body)
        text = self.answer(request)
        message = {"role": "assistant", "content": text, "refusal": None}
        finish = fault if fault in ("length", "content_filter") else "stop"
        if fault == "cut JSON" or finish == "length":
            message["content"] = text[: len(text) // 2]
        elif fault == "no JSON":
            message["content"] = "Certainly! Here is what you asked for."
        elif fault in ("empty", "content_filter"):
            message["content"] = ""
        elif fault == "refusal":
            message |= {"content": None, "refusal": "I'm sorry, I can't help with that."}
        used = {"prompt_tokens": len(body) // 4, "completion_tokens": len(text) // 4 + 1}
        self.billed += 1
        self.distinct.add(body)
        self.tokens.update(used)
        return {
            "id": f"chatcmpl-{self.billed}", "object": "chat.completion", "created": 0, "model": request["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            **({} if fault == "no usage" else {"usage": {**used, "total_tokens": sum(used.values())}}),
        }  # fmt: skip

    def play(self, request, body):
        """The recorded reply, its usage billed."""
        reply = self.recorded[body]
        self.billed += 1
        self.distinct.add(body)
        message = {"role": "assistant", "content": reply["text"], "refusal": reply["refusal"]}
        return {
            "id": f"chatcmpl-{self.billed}", "object": "chat.completion", "created": 0, "model": request["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": reply["finish_reason"]}],
            "usage": reply["usage"],
        }  # fmt: skip

    # Batches

    def upload(self, form):
        name = f"file-{len(self.files)}"
        self.files[name] = form.split(b'name="file"', 1)[1].split(b"\r\n\r\n", 1)[1].split(b"\r\n--", 1)[0]
        described = {"id": name, "object": "file", "purpose": "batch", "bytes": 0, "created_at": 0, "filename": "x"}
        return {**described, "status": "processed"}

    def listed(self):
        data = [self.shown(name) for name in reversed(self.batches)]
        return {"object": "list", "data": data, "has_more": False}

    def open_batch(self, request):
        name = f"batch_{len(self.batches)}"
        lines = self.files[request["input_file_id"]].decode().splitlines()
        self.batches[name] = {
            "id": name, "object": "batch", "endpoint": request["endpoint"], "input_file_id": request["input_file_id"],
            "completion_window": "24h", "status": "in_progress", "created_at": int(time.time()),
            "metadata": request["metadata"], "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
            "ready": time.monotonic() + self.settings.batch_seconds,
        }  # fmt: skip
        return self.shown(name)

    def shown(self, name):
        batch = self.batches[name]
        if batch["status"] == "in_progress" and time.monotonic() >= batch["ready"]:
            self.end_batch(batch)
        return {key: value for key, value in batch.items() if key != "ready"}

    def end_batch(self, batch):
        """Answer its lines; some in error, some twice, some never, and one broken in the middle of a character."""
        output, errors = [], []
        expired = drawn(batch["id"]) < self.settings.faults
        for line in self.files[batch["input_file_id"]].decode().splitlines():
            self.end_line(json.loads(line), expired, output, errors)
        self.ended = time.monotonic()
        batch["status"] = "expired" if expired else "completed"
        for key, lines in (("output_file_id", output), ("error_file_id", errors)):
            if lines:
                batch[key] = f"file-{len(self.files)}"
                self.files[batch[key]] = b"\n".join(lines) + b"\n"

    def end_line(self, entry, expired, output, errors):
        body = json.dumps(entry["body"], sort_keys=True)
        self.served += 1
        fault = self.fault_of(body)
        if fault:
            self.faults[fault] += 1
        reply = {"id": f"r{self.served}", "custom_id": entry["custom_id"], "error": None}
        if fault in LASTING or fault in STATUS:
            errors.append(json.dumps({**reply, "response": refusal_of(fault)}).encode())
        elif fault == "hang" or (expired and drawn("expired", body, self.seen[body]) < 0.5):
            self.faults["missing"] += 1
        else:
            done = self.complete(entry["body"], fault, body)
            text = json.dumps({**reply, "response": {"status_code": 200, "body": done}}, ensure_ascii=False)
            output.append(text.encode())
            if fault == "reset":
                output.append(text.encode())
            elif fault == "half a character":
                output[-1] = text.encode()[:-40] + "é".encode()[:1]


class Connection(asyncio.Protocol):
    def __init__(self, server):
        self.server, self.data = server, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.data += data
        while True:
            head, found, rest = self.data.partition(b"\r\n\r\n")
            if not found:
                return
            length = re.search(rb"(?im)^content-length: *(\d+)", head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self.data = rest[size:]
            if key := re.search(rb"(?im)^authorization: *(.+?)\r?$", head):
                self.server.keys.add(key[1].decode())
            method, path, _ = head.split(b"\r\n", 1)[0].decode().split()
            self.route(method, path.partition("?")[0], rest[:size])

    def route(self, method, path, body):
        server = self.server
        fixed = {
            ("GET", "/bill"): server.bill,
            ("GET", "/v1/models"): lambda: {"object": "list", "data": []},
            ("POST", "/v1/files"): lambda: server.upload(body),
            ("POST", "/v1/batches"): lambda: server.open_batch(json.loads(body)),
            ("GET", "/v1/batches"): server.listed,
        }
        if path == "/v1/chat/completions":
            self.chat(body)
        elif (method, path) in fixed:
            self.send(fixed[method, path]())
        elif (file := re.fullmatch(r"/v1/files/(.+)/content", path)) and server.files[file[1]] is not None:
            self.send_bytes(200, server.files[file[1]])
        elif method == "DELETE" and (file := re.fullmatch(r"/v1/files/(.+)", path)):
            server.files[file[1]] = None
            self.send({"id": file[1], "deleted": True})
        elif batch := re.fullmatch(r"/v1/batches/(.+)", path):
            self.send(server.shown(batch[1]))
        else:
            self.send({"error": {"message": f"no {path}"}}, 404)

    def chat(self, raw):
        server, request = self.server, json.loads(raw)
        now = time.monotonic()
        server.begun = server.begun or now
        server.served += 1
        server.busy += 1
        server.busiest = max(server.busiest, server.busy)
        body = json.dumps(request, sort_keys=True)
        if refused := server.settings.refuse(request):
            return self.later(0, self.fail, *refused)
        if server.recorded and body not in server.recorded:
            return self.later(0, self.fail, 404, "not_recorded", "this request is not in the recording")
        if server.settings.capacity and server.busy > server.settings.capacity:
            server.faults["over capacity"] += 1
            return self.later(0, self.send_bytes, 429, b'{"error": {"message": "slow down"}}', "Retry-After: 0.1\r\n")
        fault = server.fault_of(body)
        if fault:
            server.faults[fault] += 1
        if fault == "hang":
            server.busy -= 1  # held open until the client gives up
            return None
        return self.later(server.settings.latency, self.answer, request, fault, body)

    def later(self, seconds, work, *arguments):
        asyncio.get_running_loop().call_later(seconds, self.do, work, *arguments)

    def do(self, work, *arguments):
        self.server.busy -= 1
        self.server.ended = time.monotonic()
        work(*arguments)

    def fail(self, status, code, message, param=None):
        self.send({"error": {"message": message, "code": code, "param": param, "type": "made_up"}}, status)

    def answer(self, request, fault, body):
        if fault in LASTING:
            self.fail(*LASTING[fault])
        elif fault in STATUS:
            more = "Retry-After: 0.3\r\n" if fault == "429" else ""
            self.send_bytes(STATUS[fault], b'{"error": {"message": "made up"}}', more)
        elif fault == "reset":
            self.transport.abort()
        else:
            content = json.dumps(self.server.complete(request, fault, body), ensure_ascii=False).encode()
            if fault == "half a character":
                content = content.replace(b'"content": "', b'"content": "\xc3', 1)
            if fault == "lost":
                self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content[:99])
                self.transport.close()
            else:
                self.send_bytes(200, content)

    def send(self, value, status=200):
        self.send_bytes(status, json.dumps(value).encode())

    def send_bytes(self, status, content, more=""):
        if self.transport.is_closing():
            return
        head = f"HTTP/1.1 {status} {REASONS.get(status, 'Fault')}\r\nContent-Type: application/json\r\n{more}"
        self.transport.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)


def refusals(plain, reasoning):
    """A function that says which requests the server refuses outright, as older or plainer servers do."""

    def refuse(request):
        form = request.get("response_format", {}).get("type")
        if form in plain:
            return 400, "unsupported", f"response_format of type {form} is not supported", "response_format"
        if reasoning and "max_tokens" in request:
            message = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return 400, "unsupported_parameter", message, "max_tokens"
        if reasoning and "temperature" in request:
            message = "Unsupported value: 'temperature' does not support 0 with this model."
            return 400, "unsupported_value", message, "temperature"
        return None

    return refuse


async def serve(settings):
    server = Server(settings)
    listening = await asyncio.get_running_loop().create_server(
        lambda: Connection(server), "127.0.0.1", settings.port, backlog=2048
    )
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", flush=True)
    await listening.serve_forever()


class Running:
    """A server in a process of its own, which outlives the client's kills."""

    def __init__(self, *arguments):
        command = [sys.executable, __file__, *map(str, arguments)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.base_url = self._process.stdout.readline().strip()

    def bill(self):
        with urllib.request.urlopen(self.base_url.replace("/v1", "/bill")) as reply:
            return json.load(reply)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.kill()
        self._process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    parser.add_argument("--faults", type=float, default=0.0, help="share of the requests that meet one")
    parser.add_argument("--lasting", type=float, default=0.0, help="share that is refused for good")
    parser.add_argument("--capacity", type=int, default=0, help="requests at a time; 429 for more")
    parser.add_argument("--batch-seconds", type=float, default=0.5, help="how long a batch takes")
    parser.add_argument("--plain", nargs="*", default=[], help="response formats that it does not know")
    parser.add_argument("--reasoning", action="store_true", help="wants max_completion_tokens, and no temperature")
    parser.add_argument(
        "--table", type=lambda path: json.loads(Path(path).read_text()), help="JSON: answers by question"
    )
    parser.add_argument("--recorded", type=Path, help="a store's records (.jsonl.gz), which it plays; a 404 for others")
    arguments = parser.parse_args()
    arguments.refuse = refusals(arguments.plain, arguments.reasoning)
    asyncio.run(serve(arguments))


if __name__ == "__main__":
    main()
