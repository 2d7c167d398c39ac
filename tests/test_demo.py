"""The demo, built by replay and in the long tier with its language model: its rows, its bytes, what an edit makes stale."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

import pyarrow.parquet as pq
import pytest
import recording
from conftest import DEMO_SEARCH, ROOT, TARGET, built_with, has_the_bytes_of_a_quiet_build, plan, played, sha256

from rag_instruct.corpus.passages import PassageStore
from rag_instruct.jobs import REPLAY
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.paradigms import PARADIGMS

pytestmark = pytest.mark.slow


def rows_of(project):
    return [json.loads(line) for line in (project.folder / TARGET).open(encoding="utf-8")]


def test_at_least_60_rows_over_all_paradigms(demo):
    counts = Counter(row["paradigm"] for row in rows_of(demo))
    assert sum(counts.values()) >= 60
    assert len(counts) == 5
    assert min(counts.values()) >= 8


def test_snakemakes_own_report_is_one_file_and_needs_no_network(copied):
    nowhere = dict.fromkeys(["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"], "http://127.0.0.1:9")
    ran = copied.snakemake("--report", "report_of_run.html", "--", TARGET, **nowhere)
    assert ran.returncode == 0, ran.stdout
    made = (copied.folder / "report_of_run.html").read_text("utf-8")
    for file in ("counts.json", "exemplars/report.md"):
        assert f"results/rag_instruct_demo/{file}" in made
    assert not re.search(r"""<(?:script|link|img)[^>]+(?:src|href)=["']?https?:""", made), "nothing is fetched"


def test_counts_add_up(demo):
    folder = demo.folder / "results/rag_instruct_demo"
    counts = json.loads((folder / "counts.json").read_text())
    rejects = [json.loads(line) for line in (folder / "rejects.jsonl").open(encoding="utf-8")]
    assert counts["rows"] == len(rows_of(demo)) == sum(part["rows"] for part in counts["paradigms"].values())
    assert sum(sum(reasons.values()) for reasons in counts["rejects"].values()) == len(rejects)
    assert all(reject["reason"] for reject in rejects)
    for paradigm in counts["paradigms"]:
        chunks = sorted((folder / f"synthesis/{paradigm}").glob("chunk_??.jsonl"))
        assert len(chunks) == 2
        written = [line for path in chunks for line in path.open(encoding="utf-8")]
        left = [
            r
            for r in rejects
            if r["paradigm"] == paradigm
            and r["reason"] in ("repeated question", "surplus", "too few noise documents", "near duplicate")
        ]
        assert len(written) == counts["paradigms"][paradigm]["rows"] + len(left)


def test_the_bits_are_the_recorded_ones(demo):
    if (demo.folder / "recorded_exemplars.trec").exists():
        pytest.skip("this processor ranks otherwise, so other noise documents were measured at first")
    measured = [path.name for path in (demo.folder / "answers/measured").glob("*.jsonl")]
    assert measured == ["0-recorded.jsonl"], recording.REMEDY
    rows = rows_of(demo)
    assert all(row["evidence"]["found"] in PARADIGMS for row in rows), "every row of the demo is measured"
    for row in rows:
        assert all("bits" in one for one in row["passages"] if one["role"] == "source" or one.get("demoted"))


def test_every_row_is_as_it_should_be(demo):
    rows = rows_of(demo)
    assert len({row["id"] for row in rows}) == len({row["question"] for row in rows}) == len(rows)
    for row in rows:
        roles = Counter(passage["role"] for passage in row["passages"])
        assert len(row["documents"]) == len(row["passages"]) == len(set(row["documents"])) == 5
        least = 2 if row["paradigm"].startswith("multi") else 1
        assert roles["source"] == least, "no demo row has more sources than its paradigm needs, so none is demoted"
        assert row["question"].strip()
        assert row["answer"].strip()
        assert all(passage["rank"] > 20 for passage in row["passages"] if passage["role"] == "noise")
        noise = {passage["id"] for passage in row["passages"] if passage["role"] == "noise"}
        assert not noise & set(row["hidden_passages"])
    first = Counter(row["passages"][0]["role"] for row in rows)
    assert first["source"] < 0.6 * len(rows), "the place of a document tells nothing"


def record_of(name, number):
    """A record of the demo's own files of instructions, counted from 0."""
    path = next((ROOT / "resources/demo/exemplars").glob(f"{name}.*"))
    text = path.read_text("utf-8")
    return json.loads(text)[number] if path.suffix == ".json" else json.loads(text.splitlines()[number])


def test_every_row_leads_back_to_its_passages_exemplar_and_answers(demo):
    store = PassageStore(demo.folder / "results/corpora/demo/passages.arrow")
    by_id = {passage.id: passage for passage in store.slice(0, len(store))}
    exemplars = {}
    for path in (demo.folder / "results/exemplar_sets").glob("*.parquet"):
        exemplars |= {f"{path.stem}:{row['row']}": row for row in pq.read_table(path).to_pylist()}
    answers = AnswerStore(demo.folder / "answers")
    with (ROOT / "resources/demo/passages.tsv").open(encoding="utf-8", newline="") as file:
        published = {row["id"]: row for row in csv.DictReader(file, delimiter="\t")}
    for row in rows_of(demo):
        for document, passage in zip(row["documents"], row["passages"], strict=True):
            assert document == by_id[passage["id"]].document
            assert document == "{title}\n{text}".format(**published[passage["id"]])
        name, _, number = row["exemplar_id"].partition(":")
        record = json.dumps(record_of(name.removeprefix("demo_"), int(number)), ensure_ascii=False)
        assert json.dumps(row["exemplar"].split("\n")[0], ensure_ascii=False)[1:-1] in record
        assert exemplars[row["exemplar_id"]]["instruction"] == row["exemplar"]
        summary = demo.folder / f"results/exemplar_sets/{row['exemplar_id'].split(':')[0]}.json"
        assert row["license"] == json.loads(summary.read_text())["license"]
        replies = [answers.get(key) for key in row["request_keys"]]
        assert all(reply["finish_reason"] == "stop" for reply in replies)
        assert json.loads(replies[-1]["text"]) in row["question"], "the teacher chose its wording"


def answers_of(project):
    """The keys of the whole records in its store, as often as they are there."""
    lines = (line for path in (project.folder / "answers").glob("*.jsonl") for line in path.open("rb"))
    return [json.loads(line)["key"] for line in lines if line.endswith(b"\n")]


def without_synthesis(project):
    """Forget what is bought, and all that is made of it, but not the bits, which take minutes to measure."""
    for segment in (project.folder / "answers").glob("*.jsonl"):
        segment.unlink()
    folder = project.folder / "results/rag_instruct_demo"
    for paradigm in PARADIGMS:
        shutil.rmtree(folder / "search" / paradigm)
        (folder / f"search/{paradigm}.parquet").unlink()
    for name in ("synthesis", "pairs", "rows", "quality_filters"):
        shutil.rmtree(folder / name)
    (project.folder / TARGET).unlink()


def killed_in_the_middle(project, stored, *arguments):
    """Snakemake and its jobs are killed when so many answers are stored; how many were, then."""
    command = [sys.executable, "-m", "snakemake", *arguments, "--", TARGET]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # Jobs in interpreters of their own: a fork would belong to another group of processes, and be killed a bit later.
    environment = project.environment(BASH_ENV="")
    assert not environment.keys() & {REPLAY, "OPENAI_API_KEY"}, "no key is needed"
    run = subprocess.Popen(command, cwd=project.folder, env=environment, start_new_session=True, **quiet)
    while len(answers_of(project)) < stored:
        assert run.poll() is None, "it ended before it could be killed"
        time.sleep(0.1)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    return len(answers_of(project))


def test_neither_a_kill_in_synthesis_nor_one_core_nor_other_chunks_change_a_byte(copied, demo):
    """The recording is played by a server that needs time for an answer, and keeps the bill."""
    without_synthesis(copied)
    with played(copied) as served:
        before = killed_in_the_middle(copied, 30, "--cores", "2")
        copied.edit("config.yaml", "    chunks: 2", "    chunks: 3")
        assert built_with(copied, 1) == demo.sha256
        bill = served.bill()
    after = answers_of(copied)
    assert 30 <= before < len(after)
    assert len(after) == len(set(after)) == bill["distinct"], "no answer is kept twice"
    assert bill["billed"] - bill["distinct"] <= 2, "what the two killed jobs had in flight, and no more"


@pytest.mark.long
@pytest.mark.parametrize("chunks", [1, 5])
def test_results_are_rebuilt_from_the_store_without_a_call_in_other_chunks(copied, demo, chunks):
    shutil.rmtree(copied.folder / "results")
    copied.edit("config.yaml", "    chunks: 2", f"    chunks: {chunks}")
    assert plan(copied, TARGET)["synthesise"] == 5 * chunks
    assert built_with(copied, 2, **{REPLAY: "1"}) == demo.sha256


@pytest.mark.long
def test_a_kill_and_one_core_change_no_byte_of_the_whole_build(project, demo, tmp_path):
    recording.unpack_measured(project.folder)
    with played(project) as served:
        killed_in_the_middle(project, 40, "--cores", "2")
        built_with(project, 1, BASH_ENV="")
        assert has_the_bytes_of_a_quiet_build(project, demo, tmp_path / "again")
        assert served.bill()["billed"] - served.bill()["distinct"] <= 2


@pytest.mark.long
def test_make_demo(project):
    """With its language model. The bytes are the recording's on a processor of the same kind; others may round otherwise."""
    for name in ("Makefile", "requirements.txt", "requirements.lock", "requirements-models.txt"):
        shutil.copy2(ROOT / name, project.folder / name)
    (project.folder / ".venv").symlink_to(ROOT / ".venv")
    environment = project.environment(BASH_ENV="")
    command = ["make", "demo", "CORES=2"]
    ran = subprocess.run(command, cwd=project.folder, env=environment, text=True, capture_output=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count(" imitates  ") == 3, "three rows are shown"
    assert (project.folder / "results/rag_instruct_demo/report.html").exists()
    made, rows = sha256(project), Counter(row["paradigm"] for row in rows_of(project))
    assert sum(rows.values()) >= 60
    assert min(rows.values()) >= 8
    if recording.processor() == recording.summary()["processor"]:
        assert made == recording.summary()["sha256"], recording.REMEDY


# A message of an error, a progress interval, a word on the terminal, a function that no rule reaches.
SAID = [
    ("rag_instruct/files.py", "the disk is full", "no room is left"),
    ("rag_instruct/logs.py", "SECONDS_BETWEEN_LINES = 30", "SECONDS_BETWEEN_LINES = 10"),
    ("rag_instruct/cli.py", "interrupted", "stopped by hand"),
    ("rag_instruct/files.py", "def digest(", "def unrelated() -> None:\n    return None\n\n\ndef digest("),
]


def test_what_is_stale_after_which_edit(copied):
    """Of one tree, one edit after the other."""
    assert plan(copied, TARGET) == {}
    for path in copied.folder.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            os.utime(path)
    for module in ("retrieval/search", "synthesis/slots", "synthesis/filters"):
        path = copied.folder / f"rag_instruct/{module}.py"
        path.write_text(path.read_text().replace('"""', '"""As before. ', 1) + "\n\n# A comment.\n")
    for name, old, new in SAID:
        copied.edit(name, old, new)
    assert plan(copied, TARGET) == {}, "neither a touch nor a comment nor a message makes anything stale"
    path = copied.folder / "resources/prompts/compact/single_doc_answer.yaml"
    prompt = path.read_text()
    path.write_text(prompt + "# a change\n")
    given = (copied.folder / "recorded_exemplars.trec").exists()  # on a processor that ranks otherwise
    searches = {"import_run": 1} if given else {"search_shard": 2, "merge_search": 1}
    after = {
        "gather_pairs": 1,
        "embed_queries": 1,
        "assemble": 1,
        "filter_rows": 1,
        "measure_evidence": 1,
        "merge_dataset": 1,
    }
    assert plan(copied, TARGET) == {"synthesise": 2, **searches, **after}, "a prompt concerns its paradigm alone"
    path.write_text(prompt)
    if given:
        copied.edit("rag_instruct/retrieval/runs.py", "STEP_HITS = 262_144", "STEP_HITS = 1000")
    else:
        copied.edit("rag_instruct/retrieval/search.py", "QUERY_ROWS = 1024", "QUERY_ROWS = 16")
    jobs = plan(copied, TARGET)
    assert jobs["import_run" if given else "search_shard"] == (7 if given else 14), "a real edit makes its stage stale"
    assert "embed" not in jobs, "and not the vectors before it"


@pytest.mark.long
def test_a_real_edit_of_retrieval_buys_nothing(copied, demo):
    copied.edit("rag_instruct/retrieval/search.py", "QUERY_ROWS = 1024", "QUERY_ROWS = 16")
    assert built_with(copied, 2, **{REPLAY: "1"}) == demo.sha256


@pytest.mark.long
def test_recorded_rankings_in_place_of_the_search_give_the_same_bytes(project, demo):
    """As the tests do where the processor ranks otherwise than the recording."""
    recording.unpack_answers(project.folder)
    runs = json.dumps(recording.unpack_runs(project.folder))
    project.edit("config.yaml", DEMO_SEARCH, f"{DEMO_SEARCH}\n    runs: {runs}")
    assert built_with(project, 2, **{REPLAY: "1"}) == demo.sha256
