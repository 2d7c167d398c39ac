"""Print where our scorer and the paper's differ, and who agrees with a careful human, as docs/scoring.md has it.

python -m scripts.compare_scorers tests/data/adversarial/*.yaml
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.benchmarks.comparison import cases, differences, summary


def main(arguments: argparse.Namespace) -> None:
    found = [case for path in arguments.cases for case in cases(path)]
    print(f"{summary(found)}\n\n{differences(found)}")


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("cases", type=Path, nargs="+", help="<benchmark>.yaml: questions and scored outputs")
    cli.run(main, parser.parse_args())
