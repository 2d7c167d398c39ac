"""Print how often our scorer and the paper's scorer agree with a careful human, and where the two differ.

python -m scripts.compare_scorers tests/data/adversarial/*.yaml

Args:
    cases: files <benchmark>.yaml with questions and outputs that a human scored
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.benchmarks.comparison import cases as cases_of
from rag_instruct.benchmarks.comparison import differences, summary


def main(cases: list[Path]) -> None:
    found = [case for path in cases for case in cases_of(path)]
    print(f"{summary(found)}\n\n{differences(found)}")


if __name__ == "__main__":
    cli.run(main)
