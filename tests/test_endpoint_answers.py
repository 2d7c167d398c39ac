"""Models behind an endpoint under test: what they are asked, what is bought once, and endpoints that fail."""

import asyncio
import signal
import time

import forked
import pytest
from asking import teacher
from conftest import ROOT
from faulty import Running
from habits import asked_in, completion, habits
from loopback import endpoint
from stage import KEY, environment, settings

from rag_instruct.evaluation.endpoint_answers import answer
from rag_instruct.evaluation.questioning import Task
from rag_instruct.files import read_jsonl, write_jsonl
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.models.decoding import Decoding
from rag_instruct.record_files import write_records
from rag_instruct.schema import Question

DRY = (402, {"error": {"message": "Insufficient Balance", "type": "unknown_error", "code": "invalid_request_error"}})
TASKS = [Task(f"q{n}", f"What is number {n}?", tuple(f"T{d}\ntext {d} of {n}" for d in range(3))) for n in range(12)]


def ask_all(url, folder, tasks=TASKS, **settings):
    async def session():
        async with teacher(url, folder, **{"sampling": {}, "concurrency": 4, **settings}) as asked:
            return await answer(tasks, asked, Decoding(50)), asked.bought

    return asyncio.run(session())


def test_what_is_asked_and_that_it_is_bought_once(tmp_path):
    with endpoint(lambda request: f" answer {request['messages'][0]['content'][-20:]} ") as served:
        outputs, bought = ask_all(served.base_url, tmp_path)
        again, bought_again = ask_all(served.base_url, tmp_path)
    assert (bought, bought_again, again) == (12, 0, outputs)
    assert [row["id"] for row in outputs] == [task.id for task in TASKS]
    assert outputs[3]["output"] == "answer " + "Question: What is number 3?"[-20:]
    assert (outputs[3]["finish_reason"], outputs[3]["documents"], outputs[3]["left_out"]) == ("stop", 3, 0)
    request = next(r for r in served.requests if "number 3?" in r["messages"][0]["content"])
    assert request["messages"][0]["content"].startswith("Documents:\nDocument 1:\nT0\ntext 0 of 3")
    assert request["max_tokens"] == 50


def test_an_answer_cut_off_is_kept_and_said(tmp_path):
    with endpoint(lambda request: "half an") as served:
        served.faults = ["length"]
        outputs, _ = ask_all(served.base_url, tmp_path, TASKS[:1])
    assert (outputs[0]["output"], outputs[0]["finish_reason"]) == ("half an", "length")


def test_a_prompt_that_is_too_long_is_asked_with_fewer_documents(tmp_path):
    """As vLLM with a short context refuses: at last the question alone, and what does not even fit so has failed."""

    with endpoint(lambda request: "short enough") as served:
        plain = served.reply

        def short(request, key):
            text = request["messages"][0]["content"]
            if "Document 2" in text or "number 1?" in text:
                error = {"code": "context_length_exceeded", "message": "maximum context length is 9 tokens"}
                return 400, {"error": error}
            return plain(request, key)

        served.reply = short
        outputs, _ = ask_all(served.base_url, tmp_path, TASKS[:2])
        asked = len(served.requests)
        again, bought = ask_all(served.base_url, tmp_path, TASKS[:2])
    assert [(row["documents"], row["left_out"], row["finish_reason"]) for row in outputs] == [
        (1, 2, "stop"),
        (0, 3, "failed"),
    ]
    assert "context_length_exceeded" in outputs[1]["failure"]
    assert (again, bought, len(served.requests)) == (outputs, 0, asked), "refusals are not sought again"


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (400, {"object": "error", "message": "This model's maximum context length is 2048 tokens.", "code": 400}),
        (400, {"error": {"code": 400, "message": "request (4390 tokens) exceeds the available context size", "type": "exceed_context_size_error"}}),
        (422, {"error": "Input validation error: `inputs` must have less than 1024 tokens. Given: 2000", "error_type": "validation"}),
        (400, {"object": "error", "message": "The input (3000 tokens) is longer than the model's context length (2048 tokens).", "code": 400}),
        (400, [{"error": {"code": 400, "message": "The input token count (12) exceeds the maximum number of tokens allowed (9)."}}]),
        (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 210 tokens > 200 maximum"}}),
        (403, {"error": {"message": "Input token count + max_tokens must be less than the context length of the model."}}),
    ],
)  # fmt: skip
def test_long_prompts_in_other_servers_words(tmp_path, status, answer):
    """vLLM, llama.cpp, TGI, SGLang, Gemini, Anthropic, Together: documents are left out as for OpenAI."""
    with habits(
        lambda request: (status, answer) if "Document 2" in asked_in(request) else completion("short")
    ) as served:
        outputs, _ = ask_all(served.base_url, tmp_path, TASKS[:2])
    assert [(row["documents"], row["left_out"], row["finish_reason"]) for row in outputs] == [(1, 2, "stop")] * 2


class Command:
    """scripts.generate_endpoint over some questions, in a process of its own."""

    def __init__(self, folder, url, count, **model):
        questions = [Question(f"q{n}", f"What is number {n}?", (f"{n}",)) for n in range(count)]
        write_records(folder / "questions.jsonl", questions)
        rows = ({"id": q.id, "documents": [f"T\ntext of {q.id}"], "passages": []} for q in questions)
        write_jsonl(folder / "documents.jsonl", rows)
        self.output, self.answers = folder / "outputs.jsonl", folder / "answers"
        self.environment = environment()
        arguments = f"{folder}/questions.jsonl --documents {folder}/documents.jsonl --teacher t --dataset set"
        arguments += f" --max-new-tokens 50 --decoding greedy --output {self.output}"
        arguments += f" --settings {settings(url, self.answers, **model)}"
        self.arguments = arguments.split()

    def start(self):
        return forked.start("scripts.generate_endpoint", self.arguments, ROOT, self.environment)

    def run(self):
        job = self.start()
        said = job.communicate()[0]
        return job.returncode, said


@pytest.mark.slow
def test_greedy_goes_before_the_teachers_own_sampling(tmp_path):
    with endpoint(lambda request: "yes") as served:
        code, said = Command(tmp_path, served.base_url, 2, sampling={"temperature": 1.0, "seed": 7}).run()
    assert code == 0, said
    assert [(r["temperature"], r["seed"]) for r in served.requests] == [(0, 7)] * 2
    assert {f"Bearer {KEY}"} == served.keys


@pytest.mark.slow
def test_a_kill_and_a_rerun_buy_only_what_is_missing(tmp_path):
    with Running("--latency", 0.05) as served:
        command = Command(tmp_path, served.base_url, 200)
        job = command.start()
        while served.bill()["served"] < 40:
            time.sleep(0.02)
        job.send_signal(signal.SIGKILL)
        job.wait()
        assert not command.output.exists()
        code, said = command.run()
        bill = served.bill()
    assert code == 0, said
    assert len(list(read_jsonl(command.output))) == 200
    assert bill["distinct"] == 200
    assert bill["billed"] <= 200 + 8, "what was in flight is all that was bought twice"


@pytest.mark.slow
def test_an_account_that_runs_dry_half_way_loses_nothing(tmp_path):
    """Nothing is answered for the rest of the run: a clear end, no outputs, and a rerun buys the rest."""
    with endpoint(lambda request: "yes") as served:
        plain = served.reply
        served.reply = lambda request, key: DRY if len(served.requests) >= 30 else plain(request, key)
        command = Command(tmp_path, served.base_url, 100, attempts=2)
        code, said = command.run()
        assert code == 1
        assert "kept: correct this, then run again" in said
        assert "Traceback" not in said
        assert not command.output.exists()
        kept = len(AnswerStore(command.answers))
        assert kept >= 22
        served.reply = plain
        before = len(served.requests)
        code, said = command.run()
    assert code == 0, said
    assert len(served.requests) - before == 100 - kept
    assert len(list(read_jsonl(command.output))) == 100


@pytest.mark.slow
def test_a_missing_key_is_named(tmp_path):
    command = Command(tmp_path, "http://127.0.0.1:9/v1", 1)
    command.environment.pop("TEST_KEY")
    code, said = command.run()
    assert code == 1
    assert "TEST_KEY is not set" in said


@pytest.mark.slow
@pytest.mark.parametrize("decoding", ["greedy", "paper"])
def test_presets(tmp_path, decoding):
    with endpoint(lambda request: "yes") as served:
        command = Command(tmp_path, served.base_url, 1)
        command.arguments[command.arguments.index("greedy")] = decoding
        assert command.run()[0] == 0
    sent = served.requests[0]
    assert (sent["temperature"], sent.get("top_p")) == {"greedy": (0, None), "paper": (0.5, 0.9)}[decoding]
