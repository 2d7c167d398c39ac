"""What Snakemake would do: the jobs of each target, and what is refused at once."""

import hashlib
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import forked
import numpy as np
import pytest
import yaml
from conftest import DEMO_SEARCH, Project, plan
from gated_hub import gated_hub

from rag_instruct.jobs import job_settings
from rag_instruct.lock import hold

pytestmark = pytest.mark.slow
DEMO, FULL = "results/rag_instruct_demo.jsonl", "results/rag_instruct_40k.jsonl"


CORES = 4  # of a job on SLURM, at most: a job that asks for more than any node has waits for ever


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """The project as it is, in which nothing is made or edited."""
    return Project(tmp_path_factory.mktemp("bare"))


@pytest.mark.parametrize("target", [DEMO, FULL])
def test_no_job_on_slurm_asks_for_more_cores_than_a_small_node_has(bare, target):
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "-n",
        "--cores",
        "64",
        "--profile",
        "profiles/slurm",
        "--quiet",
        "host",
        "--",
        target,
    ]
    found = subprocess.run(command, cwd=bare.folder, env=bare.environment(), capture_output=True, text=True)
    threads = [int(count) for count in re.findall(r"^ *threads: (\d+)$", found.stdout + found.stderr, re.M)]
    assert found.returncode == 0, found.stderr
    assert max(threads) == CORES


def test_the_jobs_of_both_targets(bare):
    assert plan(bare, DEMO) == {
        "import_passages": 1,
        "embed": 2,
        "list_shards": 1,
        "load_exemplars": 5,
        "draw_exemplars": 1,
        "filter_exemplars_by_heuristic": 1,
        "report_exemplars": 1,
        "embed_queries": 6,
        "choose_first_documents": 1,
        "copy_vectors": 1,
        "search_shard": 14,
        "merge_search": 7,
        "link_documents": 1,
        "count_facts": 1,
        "find_facts": 1,
        "synthesise": 10,
        "gather_pairs": 5,
        "assemble": 5,
        "filter_rows": 1,
        "measure_evidence": 1,
        "merge_dataset": 1,
    }
    assert plan(bare, FULL) == {
        "download": 3,
        "import_passages": 1,
        "import_embeddings": 16,
        "list_shards": 1,
        "download_from_hub": 15,
        "extract_questions": 11,
        "report_exemplars": 1,
        "load_exemplars": 5,
        "draw_exemplars": 1,
        "filter_exemplars_by_teacher": 1,
        "embed_queries": 7,
        "choose_first_documents": 1,
        "copy_vectors": 1,
        "search_shard": 128,
        "merge_search": 8,
        "link_documents": 1,
        "synthesise": 40,
        "gather_pairs": 5,
        "filter_before_refill": 1,
        "refill": 1,
        "assemble": 6,
        "filter_rows": 1,
        "measure_evidence": 1,
        "merge_dataset": 1,
    }


@pytest.mark.parametrize(("refill", "first", "judged"), [(True, "filter_before_refill", 2), (False, "filter_rows", 1)])
def test_filters_run_before_the_judge_is_paid(tmp_path, refill, first, judged):
    """The judge of the first rows does not wait for the refill, which waits for its verdicts."""
    project = Project(tmp_path)
    verification = {"share": 1, "judge": "remote"}
    rows = {"paradigms": {"single_doc_answer": 5}, "refill": refill, "verification": verification}
    project.pay("http://localhost:9/v1", rows, {})
    verdicts = "results/paid/verification/single_doc_answer.jsonl"
    jobs = plan(project, verdicts, TEST_KEY="x")
    assert {jobs["verify_paradigms"], jobs[first]} == {1}
    assert not {"filter_before_refill", "filter_rows"} - {first} & jobs.keys()
    assert plan(project, "results/paid.jsonl", TEST_KEY="x")["verify_paradigms"] == judged


def test_the_jobs_of_an_evaluation(bare):
    """Eleven benchmarks, of which two bring their documents; four models, two of them trained; each asked twice."""
    jobs = plan(bare, "results/rag_instruct_40k/evaluation.html")
    assert {rule: jobs[rule] for rule in ("load_benchmark", "list_queries", "gather_documents", "train")} == {
        "load_benchmark": 11,
        "list_queries": 9,
        "gather_documents": 11,
        "train": 2,
    }
    assert (jobs["generate_local"], jobs["score"], jobs["tabulate"], jobs["draw_page"]) == (88, 88, 1, 1)
    assert jobs["search_shard"] == (8 + 9) * 16
    assert jobs["import_passages"] == jobs["list_shards"] == 1
    assert plan(bare, "results/rag_instruct_40k/evaluation/pubmedqa/documents.jsonl") == {
        "download": 1,
        "download_from_hub": 1,
        "load_benchmark": 1,
        "gather_documents": 1,
    }


def test_a_model_behind_an_endpoint_needs_its_key_and_trains_nothing(bare):
    target = "results/rag_instruct_40k/evaluation/pubmedqa/closed_book/gpt_4o.scores.jsonl"
    jobs = plan(bare, target)
    assert jobs["generate_endpoint"] == 1
    assert "train" not in jobs
    refused(bare, target, "OPENAI_API_KEY is not set, and gpt-4o needs it")


def test_a_paradigm_left_out_and_an_own_corpus_are_a_few_lines(project):
    (project.folder / "mine.jsonl").write_text('{"id": 1, "text": "text", "title": "title"}\n')
    project.edit(
        "config.yaml",
        "corpora:\n",
        "  mine:\n    <<: *rag_instruct_40k\n    corpus: mine\n    encoder: minilm\n    paradigms: {single_doc_answer: 10}\n"
        "    exemplars: {demo_alpaca: 5}\n    exemplar_filter: heuristic\n    decontaminate: []\n\n"
        "corpora:\n\n  mine:\n    passages: {path: mine.jsonl}\n    shards: 3\n",
    )
    jobs = plan(project, "results/mine.jsonl")
    assert (jobs["embed"], jobs["search_shard"], jobs["synthesise"], jobs["assemble"]) == (3, 9, 8, 2)
    assert "download" not in jobs


@pytest.mark.parametrize("of_sentences", ["single_doc_answer", "useless_doc"])
def test_a_folder_of_prompts_of_both_kinds_gives_facts_to_those_of_sentences(project, of_sentences):
    prompts = project.folder / "resources/prompts"
    shutil.copytree(prompts / "full", prompts / "mixed")
    shutil.copy(prompts / f"compact/{of_sentences}.yaml", prompts / "mixed")
    project.edit("config.yaml", "prompts: compact", "prompts: mixed")
    assert plan(project, DEMO)["find_facts"] == 1
    shown = project.snakemake("-n", "-p", "--quiet", "host", "--", DEMO)
    with_facts = re.findall(r"scripts.synthesise .* --paradigm (\w+) .* --facts ", shown.stdout)
    assert set(with_facts) == {of_sentences}


def test_a_second_search_is_only_for_linked_documents_and_a_run_can_replace_it(project):
    linked = project.folder.joinpath("config.yaml").read_text()
    project.edit("config.yaml", "multi_documents: {depth: 60}", "multi_documents: {choose: next_hits}")
    jobs = plan(project, DEMO)
    assert jobs["search_shard"] == 12
    assert not {"choose_first_documents", "copy_vectors", "link_documents"} & jobs.keys(), "as in the paper"
    (project.folder / "first.trec").write_text("")
    runs = "multi_documents: {depth: 60}\n    runs: {first_documents: first.trec}"
    (project.folder / "config.yaml").write_text(linked.replace("multi_documents: {depth: 60}", runs))
    jobs = plan(project, DEMO)
    assert (jobs["import_run"], jobs["search_shard"], jobs["link_documents"]) == (1, 12, 1)
    assert "copy_vectors" not in jobs


def test_a_folder_of_documents_is_a_corpus_and_an_edit_of_one_is_noticed(project):
    (project.folder / "docs").mkdir()
    for name in ("a.txt", "b.md"):
        (project.folder / "docs" / name).write_text("Some text.")
    project.edit("config.yaml", "{path: resources/demo/passages.tsv}", "{path: docs, words: 100}")
    store = "results/corpora/demo/passages.arrow"
    assert plan(project, store) == {"import_passages": 1}
    ran = project.snakemake("--cores", "1", "--", store)
    assert ran.returncode == 0, ran.stdout
    assert plan(project, store) == {}
    (project.folder / "docs" / "b.md").write_text("Other text.")
    assert plan(project, store) == {"import_passages": 1}


def test_a_given_run_takes_the_place_of_a_search_and_embeddings_in_a_folder_need_no_tar(project):
    (project.folder / "bm25.trec").write_text("")
    project.edit("config.yaml", DEMO_SEARCH, f"{DEMO_SEARCH}\n    runs: {{exemplars: bm25.trec}}")
    (project.folder / "published").mkdir()
    for shard in range(2):
        (project.folder / f"published/passages_{shard:02d}").write_text("")
    project.edit(
        "config.yaml",
        "passages.tsv}\n    shards: 2",
        "passages.tsv}\n    shards: 2\n    embeddings: {minilm: {path: published}}",
    )
    jobs = plan(project, DEMO)
    assert (jobs["import_run"], jobs["merge_search"], jobs["search_shard"], jobs["embed_queries"]) == (1, 6, 12, 5)
    assert jobs["import_embeddings"] == 2
    assert "embed" not in jobs


def with_retrievers(project, **settings):
    lines = "".join(f"\n    {key}: {json.dumps(value)}" for key, value in settings.items())
    project.edit("config.yaml", DEMO_SEARCH, f"{DEMO_SEARCH}{lines}")


def test_each_search_has_its_retriever_and_only_what_it_needs_is_indexed(project):
    retriever = {"sources": "bm25", "noise": "hybrid"}
    with_retrievers(project, retriever=retriever)
    jobs = plan(project, "results/rag_instruct_demo/search/exemplars.parquet")
    assert (jobs["index_words"], jobs["search_words"], jobs["merge_word_search"]) == (2, 2, 1)
    assert "embed" not in jobs, "a search by words needs no vectors"
    jobs = plan(project, DEMO)
    assert (jobs["search_words"], jobs["merge_word_search"], jobs["fuse_runs"]) == (12, 6, 5)
    assert (jobs["search_shard"], jobs["merge_search"]) == (12, 6), "also for linked documents"


def test_a_given_run_can_be_reranked_and_retrievers_compared(project):
    (project.folder / "bm25.trec").write_text("")
    rerank = {"model": "some/model", "first": 30}
    runs = {"exemplars": "bm25.trec"}
    with_retrievers(project, rerank=rerank, runs=runs)
    jobs = plan(project, "results/rag_instruct_demo/search/exemplars.parquet")
    assert (jobs["import_run"], jobs["rerank_run"]) == (1, 1)
    assert "search_shard" not in jobs
    jobs = plan(project, "results/rag_instruct_demo/retrieval.md")
    assert (jobs["compare_retrievers"], jobs["rerank_run"], jobs["merge_search"]) == (1, 3, 3)
    project.edit("config.yaml", "      documents: 3", "      documents: 3\n      retrievers: [dense, bm25, hybrid]")
    jobs = plan(project, "results/rag_instruct_demo/retrieval.md")
    assert (jobs["merge_search"], jobs["merge_word_search"], jobs["fuse_runs"]) == (3, 3, 3)
    assert "rerank_run" not in jobs


def test_a_new_mirror_or_sum_downloads_nothing_again(project):
    """Downloads are known by their address: 37 GB must not come again because a proxy changed."""
    url = "https://dl.fbaipublicfiles.com/dpr/wikipedia_split/psgs_w100.tsv.gz"
    target = "downloads/corpora/wikipedia/psgs_w100.tsv.gz"
    ran = project.snakemake("--cores", "1", "--touch", "--", target)
    (project.folder / target).parent.mkdir(parents=True, exist_ok=True)
    (project.folder / target).write_text("")
    ran = project.snakemake("--cores", "1", "--touch", "--", target)
    assert ran.returncode == 0, ran.stdout
    assert plan(project, target) == {}
    project.edit("config.yaml", "      size: 4694541059\n", "")
    project.edit(
        "config.yaml",
        "datasets:\n\n",
        'mirrors: {"https://dl.fbaipublicfiles.com/": "http://mirror/"}\nproxy: http://proxy:3128\n\ndatasets:\n\n',
    )
    assert plan(project, target) == {}
    project.edit("config.yaml", url, url.replace("/dpr/", "/dpr2/"))
    assert plan(project, target) == {"download": 1}


def test_a_download_goes_by_the_configs_mirror_and_sum(project):
    handler = partial(SimpleHTTPRequestHandler, directory=project.folder / "resources/demo")
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    wrong = "0" * 64
    project.edit(
        "config.yaml",
        "{path: resources/demo/passages.tsv}",
        f"{{url: 'http://published.example/passages.tsv', sha256: '{wrong}'}}",
    )
    project.edit(
        "config.yaml",
        "datasets:\n\n",
        f"mirrors: {{'http://published.example/': 'http://127.0.0.1:{server.server_port}/'}}\n\ndatasets:\n\n",
    )
    store = "results/corpora/demo/passages.arrow"
    refused(project, store, f"{wrong} was expected: the download was removed")
    content = (project.folder / "resources/demo/passages.tsv").read_bytes()
    project.edit("config.yaml", wrong, hashlib.sha256(content).hexdigest())
    ran = project.snakemake("--cores", "1", "--", store)
    server.shutdown()
    server.server_close()
    assert ran.returncode == 0, ran.stdout
    assert (project.folder / "downloads/corpora/demo/passages.tsv").read_bytes() == content


def test_a_config_of_200_ablations_plans_and_runs(project):
    """More settings than an environment holds: Linux ends a job at 128 KB with "Argument list too long"."""
    ablations = (f"  ablation_{n}: {{<<: *demo, seed: {n}, budget: {{dollars: {n}}}}}\n" for n in range(200))
    project.edit("config.yaml", "\n  rag_instruct_demo:\n", "\n  rag_instruct_demo: &demo\n")
    project.edit("config.yaml", "\ncorpora:\n", f"\n{''.join(ablations)}\ncorpora:\n")
    assert plan(project, "results/ablation_199.jsonl") == plan(project, DEMO)
    ran = project.snakemake("--cores", "1", "--", "results/ablation_199/cost_preview.json")
    assert ran.returncode == 0, ran.stdout
    (settings,) = (project.folder / ".snakemake/settings").iterdir()
    assert settings.stat().st_size > 131_072
    assert "199 dollars" in ran.stdout


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="only Linux counts the bytes that a process reads")
def test_files_of_the_real_size_are_not_read_to_find_that_nothing_is_to_be_done(project):
    """Sparse files of 52 GB in all: hashing them would take minutes, so the bytes that were read are counted."""
    sizes = {"downloads/corpora/wikipedia/psgs_w100.tsv.gz": 4_694_541_059}
    sizes |= {"downloads/corpora/wikipedia/wikipedia_embeddings.tar": 32_325_000_000}
    folder = "results/corpora/wikipedia"
    sizes |= {f"{folder}/passages.arrow": 14_000_000_000, f"{folder}/passages.json": 100}
    sizes |= {f"{folder}/contriever/shard_{n:02d}.npy": 2_017_000_000 for n in range(16)}
    sizes |= {f"{folder}/contriever/shard_{n:02d}.json": 60 for n in range(16)} | {
        f"{folder}/contriever/shards.json": 300
    }
    for name, size in sizes.items():
        path = project.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(size)
    target = f"{folder}/contriever/shards.json"
    ran = project.snakemake("--cores", "1", "--touch", "--", target)
    assert ran.returncode == 0, ran.stdout
    before = read_by_children()
    command = [sys.executable, "-m", "snakemake", "-n", "--cores", "1", "--", target]  # a child, whose bytes count
    ran = subprocess.run(command, cwd=project.folder, env=project.environment(), text=True, capture_output=True)
    assert "Nothing to be done" in ran.stdout + ran.stderr
    assert 1_000_000 < read_by_children() - before < 500_000_000
    shutil.rmtree(project.folder / "downloads")
    assert plan(project, target) == {}, "what was downloaded may be deleted once it is imported"


def read_by_children():
    """Bytes that ended children read, by any call."""
    line = next(line for line in Path("/proc/self/io").read_text().splitlines() if line.startswith("rchar"))
    return int(line.split()[1])


def refused(project, target, *said, **environment):
    """Run for real: it must end at once, say all of `said`, and have asked no teacher."""
    ran = project.snakemake("--cores", "2", "--", target, **environment)
    assert ran.returncode != 0
    for words in said:
        assert words in " ".join(ran.stdout.split()), ran.stdout
    assert "Traceback" not in ran.stdout
    assert not (project.folder / "answers").exists()
    return ran.stdout


def test_a_typo_in_the_config(project):
    """The other slips are those of tests/test_config.py."""
    project.edit("config.yaml", "    tries: 16", "    trys: 16")
    refused(project, DEMO, "config.yaml: datasets.rag_instruct_demo has no key 'trys': did you mean 'tries'?")


@pytest.mark.parametrize("ending", [".jsonl", "/evaluation.md", "/cost_preview.json"])
def test_an_unknown_data_set(bare, ending):
    """As `make cost` asks for it, too: --quiet all silences Snakemake's own errors."""
    ran = bare.snakemake("--cores", "1", "--quiet", "all", "--", f"results/rag_instruct_dem{ending}")
    assert ran.returncode == 1
    assert "'rag_instruct_dem' is not in datasets: did you mean 'rag_instruct_demo'?" in ran.stdout
    assert "Traceback" not in ran.stdout


@pytest.fixture
def hub():
    with gated_hub() as served:
        yield served


def test_a_missing_key_is_said_before_anything_runs(bare, hub, monkeypatch):
    """A dry run needs none, and names those that the run will need."""
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    planned = bare.snakemake("-n", "--", FULL)
    assert planned.returncode == 0
    for needed in ("OPENAI_API_KEY is not set, and gpt-4o", "HF_TOKEN is not set, and lmsys/lmsys-chat-1m"):
        assert planned.stdout.count(f"warning: {needed} needs it to make") == 1
    remedies = "export OPENAI_API_KEY=...", "export HF_TOKEN=..."
    output = refused(bare, FULL, "OPENAI_API_KEY is not set, and gpt-4o needs it", *remedies, "Nothing was run.")
    assert "rule download" not in output
    assert not (bare.folder / "downloads").exists()


def test_bad_inputs_end_the_run_with_one_readable_message_each(project):
    """The other bad inputs are in the tests of the functions that read them."""
    project.edit("resources/demo/passages.tsv", "id\ttext\ttitle", "id\ttext")
    project.edit("resources/demo/exemplars/alpaca.json", '"instruction"', '"prompt"')
    output = refused(project, DEMO, "not of the schema of demo_alpaca: no 'instruction'")
    errors = [line.split(":")[1].split(",")[0].strip() for line in output.splitlines() if line.startswith("error: ")]
    assert sorted(errors) == ["resources/demo/exemplars/alpaca.json", "resources/demo/passages.tsv"]


def test_a_file_name_that_cannot_be_read_is_said_without_a_traceback(project):
    """The inputs of a job are listed while Snakemake plans."""
    (project.folder / "docs").mkdir()
    (project.folder / "docs" / os.fsdecode(b"caf\xe9.txt")).write_text("Some text.")
    project.edit("config.yaml", "{path: resources/demo/passages.tsv}", "{path: docs, words: 100}")
    refused(project, "results/corpora/demo/passages.json", "the name of the file caf\\xe9.txt is not UTF-8: rename")


def test_embeddings_of_another_corpus(project):
    """Published vectors, one too few: the whole way from a local tar."""
    published = project.folder / "passages_00"
    published.write_bytes(pickle.dumps(([str(n) for n in range(1, 240)], np.ones((239, 384), np.float16))))
    with tarfile.open(project.folder / "embeddings.tar", "w") as tar:
        tar.add(published, "embeddings/passages_00")
    project.edit(
        "config.yaml",
        "passages.tsv}\n    shards: 2",
        "passages.tsv}\n    shards: 1\n    embeddings: {minilm: {path: embeddings.tar}}",
    )
    target = "results/corpora/demo/minilm/shards.json"
    refused(project, target, "1 passages between shard_00 and the corpus's end have no vector")


def test_a_second_run_in_the_same_folder(project):
    lock = hold(project.folder / ".snakemake/run.lock", wait=False)
    refused(project, DEMO, "another run is active in this folder")
    asked = project.snakemake("--cores", "1", "--", "results/rag_instruct_demo/cost_preview.json")
    assert asked.returncode == 0, asked.stdout
    lock.close()


def test_a_plan_of_a_training_tells_stages_dollars_and_gpu_hours(bare):
    target = "results/rag_instruct_40k/models/llama_3_1_8b"
    ran = forked.run("scripts.plan", [target], bare.folder, bare.environment())
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"^synthesise +40  not made yet$", ran.stdout, re.M)
    assert "GPU hours: at most 384 (train)" in ran.stdout
    assert "What rag_instruct_40k would still buy" in ran.stdout
    assert not (bare.folder / "answers").exists(), "nothing is run and nothing bought"


def test_training_and_card_get_one_split(project):
    """The data set's, also where a recipe has a seed of its own."""
    (project.folder / "mine.yaml").write_text("datasets: {rag_instruct_demo: {seed: 2, validation: 0.3}}")
    options = ["-n", "-p", "--workflow-profile", "none", "--configfile", "mine.yaml"]
    targets = ["results/rag_instruct_demo/models/smollm2_135m", "results/rag_instruct_demo/hub/README.md"]
    said = project.snakemake(*options, "--", *targets).stdout
    assert "--validation 0.3 --split-seed 2" in said
    assert "--validation 0.3 --seed 2" in said


def test_a_changed_split_trains_again(project):
    """Otherwise the model would have been trained on rows that the card lists for validation."""
    options = ["--touch", "--cores", "1", "--workflow-profile", "none"]
    for path in ("results/rag_instruct_demo.jsonl", "results/rag_instruct_demo/models/smollm2_135m/config.json"):
        (project.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / path).write_text("{}")
    target, only = "results/rag_instruct_demo/models/smollm2_135m", ["--allowed-rules", "train", "--"]
    assert project.snakemake(*options, "--forcerun", "train", *only, target).returncode == 0
    assert "Nothing to be done" in project.snakemake("-n", *only, target).stdout
    (project.folder / "mine.yaml").write_text("datasets: {rag_instruct_demo: {validation: 0.3}}")
    assert "train" in project.snakemake("-n", "--configfile", "mine.yaml", *only, target).stdout.split()


REMOTE = {"encoders": {"remote": {"teacher": "emb"}}, "teachers": {"emb": {"model": "e", "base_url": "http://h/v1"}}}


@pytest.mark.parametrize(
    ("settings", "vectors"),
    [({}, 6), ({"retriever": "bm25", "multi_documents": {"choose": "next_hits"}}, 5)],
)
def test_an_encoder_behind_an_endpoint_can_build_a_data_set(project, settings, vectors):
    """The second search takes the passages' vectors. Without a search by vectors, a filter compares the questions."""
    described = {**REMOTE, "datasets": {"rag_instruct_demo": {"encoder": "remote", **settings}}}
    (project.folder / "mine.yaml").write_text(yaml.safe_dump(described))
    mine = ["--configfile", "mine.yaml"]
    assert plan(project, DEMO, *mine)["embed_queries_endpoint"] == vectors
    assert plan(project, "results/rag_instruct_demo/report.html", *mine)["report"] == 1
    described["datasets"]["rag_instruct_demo"]["quality_filters"] = {"similar_questions": False}
    (project.folder / "mine.yaml").write_text(yaml.safe_dump(described))
    assert plan(project, DEMO, *mine).get("embed_queries_endpoint", 0) == (0 if settings else vectors)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--configfile", "nope.yaml", "--", DEMO], "error: nope.yaml: no such file"),
        (["--configfile", "config.yaml", DEMO], "stands after --configfile"),
        (["--forcerun", "synthesise", DEMO], "stands after an option for rules"),
        (["-R", "train", "synthesise", DEMO], f"snakemake -n -R train synthesise -- {DEMO}"),
    ],
)
def test_a_target_that_an_option_would_take_is_named(project, words, said):
    ran = project.snakemake("-n", *words)
    assert ran.returncode != 0
    assert said in ran.stdout
    assert "Traceback" not in ran.stdout


def test_an_unknown_benchmark_is_said_by_each_plan(project):
    described = {"benchmarks": {"quiz": {"path": "quiz.jsonl"}}}
    described["datasets"] = {"rag_instruct_demo": {"evaluation": {"benchmarks": ["quiz"]}}}
    (project.folder / "mine.yaml").write_text(yaml.safe_dump(described))
    ran = project.snakemake("-n", "--configfile", "mine.yaml", "--", DEMO)
    assert "no benchmark 'quiz'" in ran.stdout
    assert "Traceback" not in ran.stdout


def test_the_limit_of_requests_reaches_each_paid_job(project):
    (project.folder / "mine.yaml").write_text("teachers: {smollm2: {concurrency: 64}}")
    options = ["--workflow-profile", "none", "--configfile", "mine.yaml", "--resources", "requests=7"]
    said = project.snakemake("-n", "-p", "-F", *options, "--", DEMO)
    sent = re.findall(r"-m scripts\.(?:synthesise|refill) .*--requests (\d+)", said.stdout)
    assert len(sent) > 5
    assert set(sent) == {"7"}
    given = {"teachers": {"one": {"concurrency": 16}, "two": {"concurrency": 4}}}
    (path := project.folder / "settings.json").write_text(json.dumps(given))
    assert [one["concurrency"] for one in job_settings(path, 7)["teachers"].values()] == [7, 4]
    assert job_settings(path) == given
