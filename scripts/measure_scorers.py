"""Print how often our scorers are right about outputs that are made from benchmarks' gold answers.

python -m scripts.measure_scorers triviaqa=unfiltered.json arc=ARC-Challenge-Test.jsonl

Args:
    benchmarks: <benchmark>=<file>, the benchmark's own file; of the kinds open, multi_hop and choice
    errors: also print this many wrongly scored outputs of each benchmark
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.benchmarks import benchmark
from rag_instruct.benchmarks.golds import measure, table


def main(benchmarks: list[str], errors: int = 0) -> None:
    measured, shown = {}, []
    for name, _, path in (given.partition("=") for given in benchmarks):
        known = benchmark(name)
        measured[name], wrong = measure(known, list(known.questions([Path(path)])))
        shown += [f"{name}: {one.kind}: {one.text!r}, answers {one.question.answers}" for one in wrong[:errors]]
    print("\n".join([table(measured), "", *shown]))


if __name__ == "__main__":
    cli.run(main)
