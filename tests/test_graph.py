"""The pictures of the graph: what they show, and that those in docs/ are of the graph as it is."""

import re
import xml.etree.ElementTree as ElementTree
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from conftest import ROOT
from debian import needs

from rag_instruct.graph.drawing import BOXES, GRAPHS, Job, draw, drawn, file_of_rule, jobs_in, kind_of

DRY_RUN = """
rule download:
    output: downloads/corpora/wiki/a.gz
    wildcards: section=corpora, name=wiki, file=a.gz

localrule pick:
    input: results/a/search/x/shard_00.npy, results/a/search/x/shard_01.npy
    output: results/a/search/x.parquet, results/a/search/x.trec
    wildcards: dataset=a, queries=x
"""


@pytest.fixture(scope="module")
def stages():
    return file_of_rule((ROOT / "rules").glob("*.smk"))


def test_a_rule_that_is_made_from_another_has_its_file(stages):
    assert stages["merge_word_search"] == stages["merge_search"] == "retrieval"


@pytest.fixture(scope="module")
def jobs():
    """Exemplars and 2 paradigms are searched in 16 shards, and 11 benchmarks are scored."""
    queries = ["exemplars", "useless_doc", "multi_doc_answer"]
    found = [Job("load_exemplars", {"set": name}, [f"{name}.json"], [f"results/{name}.parquet"]) for name in "abcd"]
    for name in queries:
        inputs = [f"results/{letter}.parquet" for letter in "abcd"] if name == "exemplars" else [f"pairs/{name}"]
        wildcards = {"dataset": "mine", "queries": name}
        found.append(Job("embed_queries", wildcards, inputs, [f"search/{name}/queries.npy"]))
        shards = [f"search/{name}/shard_{shard:02}.npy" for shard in range(16)]
        for shard, path in enumerate(shards):
            numbered = {**wildcards, "shard": f"{shard:02}"}
            found.append(Job("search_shard", numbered, [f"search/{name}/queries.npy"], [path]))
        found.append(Job("merge_search", wildcards, shards, [f"search/{name}.parquet"]))
    for name in queries[1:]:
        found.append(Job("gather_pairs", {"paradigm": name}, ["search/exemplars.parquet"], [f"pairs/{name}"]))
    for number in range(11):
        benchmark = {"benchmark": f"bench{number}"}
        found.append(
            Job("load_benchmark", benchmark, ["downloads/all.zip"], [f"results/bench{number}/questions.jsonl"])
        )
    return found


def boxes(dot):
    """The text of each box by its number, and the edges."""
    labels = dict(re.findall(r"^  (\d+) \[label=<(.*)>, fillcolor", dot, re.M))
    return {number: re.sub("<.*?>", "|", text) for number, text in labels.items()}, re.findall(r"(\d+) -> (\d+)", dot)


def test_jobs_are_read_from_a_dry_run():
    pick, download = sorted(jobs_in(DRY_RUN), key=lambda job: job.rule, reverse=True)
    assert (download.inputs, download.outputs) == ([], ["downloads/corpora/wiki/a.gz"])
    assert pick.inputs == ["results/a/search/x/shard_00.npy", "results/a/search/x/shard_01.npy"]
    assert pick.outputs == ["results/a/search/x.parquet", "results/a/search/x.trec"]
    assert pick.wildcards == {"dataset": "a", "queries": "x"}


def test_stages_make_no_circle_although_a_rule_runs_twice(jobs, stages):
    texts, edges = boxes(GRAPHS["stages"](jobs, stages))
    assert set(texts.values()) == {
        "load exemplars||4 jobs|",
        "embed queries of exemplars||1 job|",
        "search shard of exemplars||16 jobs|",
        "merge search of exemplars||1 job|",
        "gather pairs||2 jobs|",
        "embed queries of new questions||2 jobs|",
        "search shard of new questions||32 jobs|",
        "merge search of new questions||2 jobs|",
        "load benchmark||11 jobs|",
    }
    follow = {number: {b for a, b in edges if a == number} for number in texts}
    while leaves := [number for number, after in follow.items() if not after]:
        follow = {number: after - set(leaves) for number, after in follow.items() if number not in leaves}
    assert not follow, "what remains lies on a circle"


def test_jobs_of_a_scatter_are_one_box_and_those_of_paradigms_are_not(jobs, stages):
    texts, edges = boxes(GRAPHS["jobs"](jobs, stages))
    assert "search shard of exemplars x 16" in texts.values()
    assert "search shard of new questions x 16||useless_doc|" in texts.values()
    assert {"load exemplars||a|", "gather pairs||multi_doc_answer|", "load benchmark x 11"} <= set(texts.values())
    shown = sum(int(found[1]) if (found := re.search(r" x (\d+)", text)) else 1 for text in texts.values())
    assert shown == len(jobs), "every job stands in one box"
    number = {text: number for number, text in texts.items()}
    search = number["search shard of new questions x 16||useless_doc|"]
    assert (search, number["merge search of new questions||useless_doc|"]) in edges
    assert (search, number["merge search of new questions||multi_doc_answer|"]) not in edges


def test_files_are_drawn_by_kind_and_every_one_is_counted(jobs, stages):
    texts, edges = boxes(GRAPHS["files"](jobs, stages))
    assert "search/{queries}/shard_{shard}.npy x 32" in texts.values()
    assert "{set}.json x 4" in texts.values(), "a source"
    lines = [line for text in texts.values() for line in text.split("|")]
    shown = sum(int(found[1]) if (found := re.search(r" x (\d+)$", line)) else 1 for line in lines)
    assert shown == len({path for job in jobs for path in (*job.inputs, *job.outputs)})
    number = {text: number for number, text in texts.items()}
    assert (number["{set}.json x 4"], number["results/{set}.parquet x 4"]) in edges


def test_a_kind_has_the_wildcards_names():
    wildcards = {"dataset": "d", "paradigm": "multi_doc_answer", "chunk": "00"}
    path = "results/d/synthesis/multi_doc_answer/chunk_00.jsonl"
    assert kind_of(path, wildcards) == "results/d/synthesis/{paradigm}/chunk_{chunk}.jsonl"


def test_every_rule_file_has_a_colour(stages):
    from rag_instruct.graph.drawing import COLOURS

    assert set(stages.values()) - set(COLOURS) - {"graph"} == set()


@pytest.mark.slow
def test_a_picture_has_its_source_inside(tmp_path, jobs, stages):
    needs("dot", "graphviz")
    dot = GRAPHS["stages"](jobs, stages)
    draw(dot, tmp_path / "a_stages.svg")
    assert drawn(tmp_path / "a_stages.svg") == dot
    ElementTree.parse(tmp_path / "a_stages.svg")


def test_make_dag_draws_stages_jobs_and_files(project):
    needs("dot", "graphviz")
    ran = project.snakemake("--cores", "1", "--", "results/graph/rag_instruct_40k_files.svg")
    assert ran.returncode == 0, ran.stdout
    stale = []
    for kind in GRAPHS:
        name = f"rag_instruct_40k_{kind}.svg"
        dot = drawn(project.folder / "results/graph" / name)
        texts, _ = boxes(dot)
        assert 20 < len(texts) < 90, f"{name} has {len(texts)} boxes, which cannot be read"
        if drawn(ROOT / "docs" / name) != dot:
            stale.append(f"docs/{name}")
    assert not stale, f"out of date: {', '.join(stale)}; `make dag` renews them"


def test_the_stages_of_the_40k_come_one_after_the_other():
    """A stage that comes twice, such as a search, is two boxes. Else the picture would go round in a circle."""
    texts, arrows = boxes(drawn(ROOT / "docs/rag_instruct_40k_stages.svg"))
    before = TopologicalSorter({box: set() for box in texts})
    for first, then in arrows:
        before.add(then, first)
    assert len(list(before.static_order())) == len(texts)


def test_no_stage_of_the_40k_has_more_boxes_than_paradigms():
    texts, _ = boxes(drawn(ROOT / "docs/rag_instruct_40k_jobs.svg"))
    heads = [re.sub(r" x \d+$", "", text.split("|")[0]) for text in texts.values()]
    assert max(heads.count(head) for head in heads) == BOXES
    assert {f"docs/{path.name}" for path in Path(ROOT / "docs").glob("*.svg")} <= set(
        re.findall(r"\((docs/[\w.]+)\)", (ROOT / "README.md").read_text())
    ), "the README shows or names every picture"
