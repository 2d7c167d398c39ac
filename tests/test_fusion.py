from fractions import Fraction

import numpy as np
import pyarrow.parquet as pq
import pytest
from test_search import passages

from rag_instruct.errors import UserError
from rag_instruct.retrieval.foreign_runs import import_run
from rag_instruct.retrieval.fusion import fuse_runs, fused
from rag_instruct.retrieval.runs import Run


def test_scores_are_the_exact_sums_of_reciprocal_ranks():
    random = np.random.default_rng(0)
    rankings = [random.permutation(60)[:40] for _ in range(3)]
    sums = {}
    for ranking in rankings:
        for rank, row in enumerate(ranking.tolist(), start=1):
            sums[row] = sums.get(row, 0) + Fraction(1, 60 + rank)
    expected = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    found = fused(rankings)
    assert found["row"].tolist() == [row for row, _ in expected]
    assert found["score"].tolist() == [float(score) for _, score in expected]


def test_equal_sums_of_other_ranks_are_equal():
    """1/70 + 1/105 = 1/84 + 1/84, which floating point adds to different numbers."""
    first, second = np.arange(100, 200), np.arange(200, 300)
    first[9], second[44] = 8, 8  # ranks 10 and 45
    first[23], second[23] = 7, 7  # rank 24 twice
    found = fused([first, second])
    assert found["row"].tolist()[:2] == [7, 8]
    assert found["score"][0] == found["score"][1]


def run_of(folder, name, ranking, score=lambda rank: 100 - rank):
    """A run of one query whose hits are these passages."""
    lines = [f"q Q0 id{row} {rank} {score(rank)} {name}" for rank, row in enumerate(ranking, start=1)]
    (folder / f"{name}.trec").write_text("\n".join(lines))
    path = folder / f"{name}.parquet"
    import_run(folder / f"{name}.trec", len(ranking), ["q"], folder / "p.arrow", path, folder / f"{name}_own.trec")
    return Run(path, folder / "p.arrow")


def test_a_fused_run_is_a_run(tmp_path):
    passages(tmp_path, 9)
    runs = [run_of(tmp_path, "a", [0, 1, 2]), run_of(tmp_path, "b", [2, 1, 5])]
    fuse_runs(runs, 4, ["q"], tmp_path / "fused.parquet", tmp_path / "fused.trec")
    table = pq.read_table(tmp_path / "fused.parquet").to_pydict()
    assert table["row"] == [2, 1, 0, 5]
    assert table["rank"] == [1, 2, 3, 4]
    assert table["score"] == [1 / 61 + 1 / 63, 2 / 62, 1 / 61, 1 / 63]
    with pytest.raises(UserError, match="the runs have 4 passages for the query 'q', but 5 are needed"):
        fuse_runs(runs, 5, ["q"], tmp_path / "fused.parquet", tmp_path / "fused.trec")


@pytest.mark.parametrize(("found", "rows"), [(0, [5, 6, 7]), (1, [8, 5, 6]), (2, [8, 5, 0])])
def test_passages_that_share_no_word_with_the_query_win_nothing_by_their_place_in_the_corpus(tmp_path, found, rows):
    """The search by words fills its list up with them: their score is 0, and their order is that of the corpus."""
    passages(tmp_path, 9)
    dense = run_of(tmp_path, "dense", [5, 6, 7])
    words = run_of(tmp_path, "words", [8, 0, 1], score=lambda rank: max(found + 1 - rank, 0))
    fuse_runs([dense, words], 3, ["q"], tmp_path / "fused.parquet", tmp_path / "fused.trec")
    rows_found = pq.read_table(tmp_path / "fused.parquet").to_pydict()["row"]
    assert set(rows_found) == set(rows)


@pytest.mark.parametrize(
    ("first", "second", "rows"),
    [
        # By vectors, a score of 0 is better than those below it.
        (dict(zip([1, 2, 3], [1, 0, -1], strict=True)), dict(zip([7, 8], [2, 1], strict=True)), [1, 7, 2, 8, 3]),
        # A passage whose vector is 0 comes last, instead of making the run too short.
        ({4: 3, 2: 0}, {4: 1, 2: 0}, [4, 2]),
        # Two searches by words: what neither found follows in the order of the corpus.
        ({5: 1, 3: 0, 8: 0}, {6: 1, 2: 0, 3: 0}, [5, 6, 2, 3, 8]),
    ],
)
def test_a_score_of_0_is_no_find_only_at_the_end_and_shortens_no_run(tmp_path, first, second, rows):
    passages(tmp_path, 9)
    runs = [
        run_of(tmp_path, name, list(found), score=dict(enumerate(found.values(), start=1)).get)
        for name, found in (("first", first), ("second", second))
    ]
    fuse_runs(runs, len(rows), ["q"], tmp_path / "fused.parquet", tmp_path / "fused.trec")
    table = pq.read_table(tmp_path / "fused.parquet").to_pydict()
    assert table["row"] == rows
    assert table["score"] == sorted(table["score"], reverse=True)
