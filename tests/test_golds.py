"""Outputs that are made from the benchmarks' own answers: the scores are known. Needs ../shared."""

import pytest
from conftest import SHARED, needs_shared

from rag_instruct.benchmarks import benchmark
from rag_instruct.benchmarks.golds import measure, table
from rag_instruct.errors import UserError
from rag_instruct.schema import Question

FILES = {
    "triviaqa": "triviaqa_unfiltered_1500.json",
    "webquestions": "webquestions_val.json",
    "popqa": "popQA_500.tsv",
    "hotpotqa": "hotpotqa_train_60.json",
    "musique": "musique_train_60.json",
    "arc": "arc_challenge_400.jsonl",
    "openbookqa": "openbookqa_200.jsonl",
}
AT_MOST = 120  # questions; `python -m scripts.measure_scorers` measures all


@needs_shared
@pytest.mark.parametrize("name", FILES)
def test_at_least_995_of_1000_are_scored_rightly(name):
    known = benchmark(name)
    questions = list(known.questions([SHARED / "benchmarks" / FILES[name]]))
    counts, wrong = measure(known, questions[:: -(-len(questions) // AT_MOST)])
    print(table({name: counts}))
    poor = {
        kind: [one.text for one in wrong if one.kind == kind]
        for kind, (made, right) in counts.items()
        if right < 0.99 * made
    }
    assert poor == {}
    made, right = (sum(column) for column in zip(*counts.values(), strict=True))
    assert right >= 0.995 * made


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("pubhealth", Question("1", "Is it?", ("true",), (("true", "true"), ("false", "false")))),
        ("convfinqa", Question("1", "How much?", ("14.1",), documents=("It is 14.1.",))),
        ("own", Question("1", "Which?", ("B",), (("A", "bat"), ("B", "cat")))),
    ],
)
def test_a_benchmark_for_which_no_outputs_are_made_is_refused(name, question):
    with pytest.raises(
        UserError, match=f"{name}: outputs are made only for benchmarks of the kinds open, multi_hop, c"
    ):
        measure(benchmark(name), [question])
