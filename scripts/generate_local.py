"""Have a checkpoint answer a benchmark's questions, with documents or without.

    python -m scripts.generate_local questions.jsonl --documents documents.jsonl --model my_checkpoint/ \\
        --max-new-tokens 500 --decoding greedy --dataset rag_instruct_40k --output outputs.jsonl

Args:
    documents: of each question; left out, the model has its own knowledge only
    max_new_tokens: of an answer
    decoding: paper: temperature 0.5, top-p 0.9
    model: a hub id, a folder, or package:<module>/<file>.gguf
    revision: of a hub id
    seed: where answers are drawn
    dataset: for which it is
    settings: the graph's resolved settings; left out, config.yaml
"""

from pathlib import Path
from typing import Literal

from rag_instruct import cli
from rag_instruct.benchmarks import read_questions
from rag_instruct.evaluation.generation import Generation, answer, generated_folder
from rag_instruct.evaluation.questioning import tasks
from rag_instruct.files import write_jsonl
from rag_instruct.jobs import job_settings
from rag_instruct.llm.answers import AnswerStore, exclusive
from rag_instruct.models.decoding import Decoding
from rag_instruct.models.engines import engine_of, identity, longest_of, tokenizer_of


def main(
    questions: Path,
    *,
    documents: Path | None = None,
    max_new_tokens: int,
    decoding: Literal["greedy", "paper"],
    output: Path,
    model: str,
    revision: str | None = None,
    seed: int = 1,
    dataset: str,
    settings: Path | None = None,
) -> None:
    asked = tasks(read_questions(questions), documents)
    tokenizer, how = tokenizer_of(model, revision), Decoding.of(max_new_tokens, decoding)
    generation = Generation(identity(model, revision), tokenizer, longest_of(model, revision), how, seed)
    folder = generated_folder(Path(job_settings(settings)["answers"]))
    with exclusive(folder, output):
        store = AnswerStore(folder)
        outputs = answer(asked, generation, lambda: engine_of(model, tokenizer, revision), store, dataset)
        store.close()
    write_jsonl(output, outputs)


if __name__ == "__main__":
    cli.run(main)
