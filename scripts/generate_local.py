"""Let a local model answer a benchmark's questions, with documents or without.

    python -m scripts.generate_local questions.jsonl --documents documents.jsonl --model my_checkpoint/ \\
        --max-new-tokens 500 --decoding greedy --dataset rag_instruct_40k --output outputs.jsonl

Args:
    questions: .jsonl of scripts.load_benchmark
    documents: .jsonl of scripts.gather_documents; default: closed book, without documents
    max_new_tokens: the longest answer, in tokens
    decoding: greedy, or paper (temperature 0.5, top-p 0.9)
    output: output, .jsonl
    model: hub id, folder, or package:<module>/<file>.gguf
    revision: commit, branch or tag of the hub id
    seed: seed of sampled answers; not used by greedy decoding
    dataset: data set that the store notes for the answers
"""

from pathlib import Path
from typing import Literal

from rag_instruct import cli
from rag_instruct.evaluation.generation import Generation, answer, generated_folder
from rag_instruct.evaluation.questioning import tasks
from rag_instruct.files import write_jsonl
from rag_instruct.jobs import job_settings
from rag_instruct.llm.answers import AnswerStore, exclusive
from rag_instruct.models.decoding import Decoding
from rag_instruct.models.engines import engine_of, identity, longest_of, tokenizer_of
from rag_instruct.record_files import read_records
from rag_instruct.schema import Question


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
    asked = tasks(read_records(questions, Question), documents)
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
