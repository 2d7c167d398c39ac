"""The graph searches by words and vectors, fuses, reranks and compares: on one core as on two."""

import json

import pyarrow.parquet as pq
import pytest
from conftest import DEMO_SEARCH, Project
from tiny_reranker import reranker_folder

pytestmark = pytest.mark.slow
RUNS = [f"results/rag_instruct_demo/search/{name}.parquet" for name in ("exemplars", "evaluation_demo_open")]
COMPARED = [f"results/rag_instruct_demo/retrieval.{ending}" for ending in ("md", "json", "svg")]
PASSAGES = 60


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The runs and the comparison of a small corpus, built on one core and on two."""
    reranker = reranker_folder(tmp_path_factory.mktemp("reranker"))
    return [_build(Project(tmp_path_factory.mktemp(f"cores_{cores}")), cores, reranker) for cores in (1, 2)]


def _build(project, cores, reranker):
    source = project.folder / "resources/demo/passages.tsv"
    source.write_text("".join(source.read_text("utf-8").splitlines(keepends=True)[: PASSAGES + 1]), "utf-8")
    project.edit("config.yaml", "    source_depth: 60 ", "    source_depth: 20 ")
    rerank = {"model": str(reranker), "first": 10, "searches": ["evaluation"]}
    project.edit(
        "config.yaml",
        DEMO_SEARCH,
        f"{DEMO_SEARCH}\n    retriever: hybrid\n    rerank: {json.dumps(rerank)}",
    )
    project.edit(
        "config.yaml", "[demo_open, demo_closed, demo_multi_hop, demo_own_context]", "[demo_open, demo_own_context]"
    )
    project.edit(
        "config.yaml", "      documents: 3", "      documents: 3\n      retrievers: [dense, bm25, hybrid, reranked]"
    )
    ran = project.snakemake("--cores", str(cores), "--", RUNS[0], COMPARED[0])
    assert ran.returncode == 0, ran.stdout
    return project.folder


def test_one_core_and_two_give_the_same_bytes(built):
    one, two = built
    for path in [RUNS[0], *COMPARED]:
        assert (one / path).read_bytes() == (two / path).read_bytes(), path
    runs = sorted(path.relative_to(one) for path in one.glob("results/rag_instruct_demo/search/*/*.parquet"))
    assert [path.stem for path in runs] == ["bm25", "dense", "hybrid", "reranked", "bm25", "dense"]
    for path in runs:
        assert (one / path).read_bytes() == (two / path).read_bytes(), path


def test_a_run_for_later_stages_has_their_depth_and_other_runs_have_more(built):
    folder = built[0] / "results/rag_instruct_demo/search"
    assert set(pq.read_table(folder / "exemplars.parquet")["rank"].to_pylist()) == set(range(1, 21))
    assert max(pq.read_table(folder / "exemplars/bm25.parquet")["rank"].to_pylist()) == PASSAGES


def test_the_comparison_names_every_retriever(built):
    found = json.loads((built[0] / COMPARED[1]).read_text())
    assert [one["retriever"] for one in found if one["measure"] == "recall@100"] == [
        "dense",
        "bm25",
        "hybrid",
        "reranked",
    ]
    assert "| hybrid" in (built[0] / COMPARED[0]).read_text()
