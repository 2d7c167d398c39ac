import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import httpx2
import pytest
from asking import ask_all, body
from conftest import ROOT
from loopback import endpoint

from rag_instruct.errors import UserError
from rag_instruct.jobs import REPLAY
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.concurrency import at_once
from rag_instruct.llm.other_jobs import OtherJobs
from rag_instruct.llm.server import LocalServer, local_server
from rag_instruct.llm.session import with_teacher

pytestmark = pytest.mark.slow  # the openai client asks the system what it is, by a process

KEY = "sk-very-secret-0123456789"


def echo(request):
    return f"answer to {request['messages'][-1]['content']}"


def test_answers_come_in_order_and_are_bought_once(tmp_path):
    with endpoint(echo) as served:
        replies, bought, replayed = ask_all(served.base_url, tmp_path, range(30))
        assert [reply["text"] for _, reply in replies] == [f"answer to question {n}" for n in range(30)]
        assert (bought, replayed, len(served.requests)) == (30, 0, 30)
        again, bought, replayed = ask_all(served.base_url, tmp_path, range(31))
        assert (bought, replayed, len(served.requests)) == (1, 30, 31)
        assert again[:30] == replies


def test_the_same_request_at_the_same_time_is_one_request(tmp_path):
    with endpoint(lambda request: time.sleep(0.2) or "x") as served:
        ask_all(served.base_url, tmp_path, [7] * 10, concurrency=10)
        assert len(served.requests) == 1


def test_concurrency_is_used_and_kept(tmp_path):
    with endpoint(lambda request: time.sleep(0.05) or "x") as served:
        ask_all(served.base_url, tmp_path, range(40), concurrency=5)
        assert 3 <= served.busiest <= 5


def test_faults_are_retried_and_the_answers_then_kept(tmp_path):
    with endpoint(echo) as served:
        served.faults = [500, 429]
        replies, _, _ = ask_all(served.base_url, tmp_path, range(2))
        assert len(replies) == 2
        assert len(served.requests) == 4
        assert ask_all(served.base_url, tmp_path, range(2))[1:] == (0, 2)


def test_what_was_bought_before_a_failure_is_kept(tmp_path):
    with endpoint(echo) as served:
        served.faults = ["stop"] * 5 + [401]
        with pytest.raises(UserError, match=r"needs a key: .*what was bought is kept"):
            ask_all(served.base_url, tmp_path, range(20), concurrency=1)
        assert len(AnswerStore(tmp_path)) == 5
        ask_all(served.base_url, tmp_path, range(20), concurrency=1)
        assert len(served.requests) == 21, "20 answers and the one failure"


def test_a_refused_key_is_not_tried_again_and_stands_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    with endpoint(echo) as served:
        served.faults = [401]
        with pytest.raises(UserError, match="refuses the key in MY_KEY") as refusal:
            ask_all(served.base_url, tmp_path, range(1), variable="MY_KEY")
        assert len(served.requests) == 1
        ask_all(served.base_url, tmp_path, range(3), variable="MY_KEY")
        assert served.keys == {f"Bearer {KEY}"}
    assert KEY not in str(refusal.value)
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("status", [400, 403])
def test_a_key_that_the_endpoint_repeats_is_left_out(tmp_path, monkeypatch, status):
    monkeypatch.setenv("MY_KEY", KEY)
    with endpoint(echo) as served:
        served.faults = ["stop"] * 3 + [status] * 9
        said = ""
        try:
            ask_all(served.base_url, tmp_path, range(5), variable="MY_KEY", concurrency=1)
        except UserError as error:
            said = str(error)
    said += "".join(path.read_text() for path in tmp_path.glob("*.jsonl"))
    assert f"made up fault {status} for Bearer <MY_KEY>" in said
    assert KEY not in said


def test_a_key_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(UserError, match="MY_KEY is not set"):
        ask_all("http://127.0.0.1:9/v1", tmp_path, range(1), variable="MY_KEY")


def test_replay_needs_neither_network_nor_key(tmp_path, monkeypatch):
    with endpoint(echo) as served:
        ask_all(served.base_url, tmp_path, range(3))
    monkeypatch.setenv(REPLAY, "1")
    _, bought, replayed = ask_all("http://127.0.0.1:9/v1", tmp_path, range(3), variable="NO_SUCH_KEY")
    assert (bought, replayed) == (0, 3)
    with pytest.raises(UserError, match="the store has no answer"):
        ask_all("http://127.0.0.1:9/v1", tmp_path, range(4))


def test_an_endpoint_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"http://127.0.0.1:9/v1 does not answer"):
        ask_all("http://127.0.0.1:9/v1", tmp_path, range(1), attempts=1)


def command(folder, loads=0, lives=9, lists=True):
    """The command of a server that is given JSON."""
    (folder / "serve.py").write_text(SERVER)
    return f"python {folder}/serve.py {{port}} '{json.dumps({'loads': loads, 'lives': lives, 'lists': lists})}'"


@pytest.fixture
def serving(tmp_path):
    return command(tmp_path)


def gone(url):
    for _ in range(100):
        try:
            httpx2.get(f"{url}/models", timeout=1)
        except httpx2.TransportError:
            return True
        time.sleep(0.1)
    return False


def test_a_local_server_ends_with_its_block(serving):
    with local_server(serving, "m") as server:
        assert httpx2.get(f"{server.base_url}/models").is_success
    assert gone(server.base_url)


def test_a_local_server_ends_with_a_killed_stage(serving):
    code = f"from rag_instruct.llm.server import local_server\nimport time\nwith local_server({serving!r}, 'm') as server:\n    print(server.base_url, flush=True)\n    time.sleep(60)"
    stage = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    url = stage.stdout.readline().strip()
    assert httpx2.get(f"{url}/models").is_success
    os.kill(stage.pid, signal.SIGKILL)
    stage.wait()
    assert gone(url)


def test_a_server_that_fails_shows_its_last_words():
    with pytest.raises(UserError, match=r"ended before it answered(.|\n)*no room for 8080"):
        with local_server("python -c \"raise SystemExit('no room for 8080')\" {port}", "m"):
            pass


SERVER = '''
"""Lists its models at once, loads for a while, and dies after some answers; it is given JSON."""
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

port, options = int(sys.argv[1]), json.loads(sys.argv[2])
asked = 0

class Handler(BaseHTTPRequestHandler):
    def say(self, status, value):
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        self.say(200 if options["lists"] else 404, {"data": []})

    def do_POST(self):
        global asked
        asked += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        if asked <= options["loads"]:
            self.say(503, {"error": {"message": "Loading model", "code": 503}})
        elif asked > options["lives"]:
            print("CUDA out of memory, says the made-up server", flush=True)
            os._exit(1)
        else:
            message = {"role": "assistant", "content": f"number {asked}"}
            usage = {"prompt_tokens": 1, "completion_tokens": 1}
            self.say(200, {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})

    def log_message(self, *arguments):
        pass

HTTPServer(("127.0.0.1", port), Handler).serve_forever()
'''


def with_own_server(folder, loads, lives, questions, lists=True):
    """The replies of a teacher whose `server` starts with the stage; the command has JSON among its arguments."""
    settings = {
        "teachers": {"t": {"model": "m", "server": command(folder, loads, lives, lists), "concurrency": 1}},
        "datasets": {"set": {"budget": {}}},
        "answers": str(folder / "answers"),
        "prices": str(ROOT / "resources/prices.yaml"),
    }

    async def work(asked):
        return await at_once(range(questions), lambda number: asked.ask(body(number)), 1, "test")

    return [reply for _, reply in with_teacher("t", "set", "x", settings, folder / "out", work)]


@pytest.mark.parametrize("lists", [True, False], ids=["lists its models", "lists no models"])
def test_a_server_is_ready_when_a_chat_request_succeeds(tmp_path, monkeypatch, lists):
    monkeypatch.setattr("rag_instruct.llm.server.START_SECONDS", 60.0)
    replies = with_own_server(tmp_path, loads=3, lives=1000, questions=2, lists=lists)
    assert [reply["text"] for reply in replies] == ["number 5", "number 6"], (
        "the fourth request showed that it is ready"
    )


def test_the_last_lines_of_a_server_that_dies_are_shown(tmp_path):
    with pytest.raises(UserError, match=r"ended while it was needed(.|\n)*CUDA out of memory, says the made-up server"):
        with_own_server(tmp_path, loads=0, lives=4, questions=9)
    assert len(AnswerStore(tmp_path / "answers")) == 3


def test_reading_a_servers_last_lines_loses_none_of_its_output():
    """The server writes into the same file, and goes on writing after each look."""
    write = "import sys\nfor line in sys.stdin: print(line.strip() * 1000, flush=True)"
    with tempfile.TemporaryFile() as output:
        guard = subprocess.Popen([sys.executable, "-c", write], stdin=subprocess.PIPE, stdout=output)
        server = LocalServer("serve", "http://127.0.0.1:1/v1", guard, output)
        for number in range(10, 50):
            guard.stdin.write(b"%d\n" % number)
            guard.stdin.flush()
            while not server.last_lines(1).endswith(str(number)):
                time.sleep(0.001)
        guard.communicate()
        output.seek(0)
        assert output.read().decode().split() == [str(number) * 1000 for number in range(10, 50)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_job_cleanly_also_while_it_looks_for_batches(tmp_path, monkeypatch, number):
    async def adopt(jobs):
        os.kill(os.getpid(), number)
        for _ in range(100):
            await asyncio.sleep(0.05)
            jobs._go_on()

    monkeypatch.setattr(OtherJobs, "adopt", adopt)
    with pytest.raises(UserError, match="interrupted; what was bought is kept"):
        with_own_server(tmp_path, loads=0, lives=99, questions=2)


def test_a_replay_starts_no_server(tmp_path, monkeypatch):
    with_own_server(tmp_path, loads=0, lives=99, questions=2)
    monkeypatch.setenv(REPLAY, "1")
    monkeypatch.setattr("rag_instruct.llm.session.local_server", None)
    replies = with_own_server(tmp_path, loads=0, lives=99, questions=2)
    assert [reply["text"] for reply in replies] == ["number 2", "number 3"]
