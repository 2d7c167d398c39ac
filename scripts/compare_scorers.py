"""Print where our scorer and the paper's differ, and who agrees with a careful human, as docs/scoring.md has it.

python -m scripts.compare_scorers tests/data/adversarial/*.yaml

Args:
    cases: <benchmark>.yaml: questions and scored outputs
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
