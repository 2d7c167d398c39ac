"""Have a checkpoint answer a benchmark's questions, with documents or without.

    python -m scripts.generate_local questions.jsonl --documents documents.jsonl --model my_checkpoint/ \\
        --max-new-tokens 500 --decoding greedy --dataset rag_instruct_40k --output outputs.jsonl
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.benchmarks import read_questions
from rag_instruct.evaluation.generation import Generation, answer, generated_folder
from rag_instruct.evaluation.questioning import tasks
from rag_instruct.files import write_jsonl
from rag_instruct.jobs import job_settings
from rag_instruct.llm.answers import AnswerStore, exclusive
from rag_instruct.models.decoding import Decoding
from rag_instruct.models.engines import engine_of, identity, longest_of, tokenizer_of


def main(arguments: argparse.Namespace) -> None:
    asked = tasks(read_questions(arguments.questions), arguments.documents)
    model, revision = arguments.model, arguments.revision
    tokenizer = tokenizer_of(model, revision)
    generation = Generation(
        identity(model, revision), tokenizer, longest_of(model, revision), Decoding.of(arguments), arguments.seed
    )
    folder = generated_folder(Path(job_settings()["answers"]))
    with exclusive(folder, arguments.output):
        store = AnswerStore(folder)
        outputs = answer(asked, generation, lambda: engine_of(model, tokenizer, revision), store, arguments.dataset)
        store.close()
    write_jsonl(arguments.output, outputs)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    cli.add_generation(parser)
    parser.add_argument("--model", required=True, help="a hub id, a folder, or package:<module>/<file>.gguf")
    parser.add_argument("--revision", nargs="?", help="of a hub id")
    parser.add_argument("--seed", type=int, default=1, help="where answers are drawn")
    parser.add_argument("--dataset", required=True, help="for which it is")
    cli.run(main, parser.parse_args())
