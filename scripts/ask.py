"""Ask a model questions in the terminal, with documents from the index of the data set it was trained on.

python -m scripts.ask results/rag_instruct_demo/models/smollm2_135m "Who found the moons of Mars?"
python -m scripts.ask results/rag_instruct_demo/models/smollm2_135m            # many questions
python -m scripts.ask results/rag_instruct_demo/models/smollm2_135m < questions.txt   # one question a line
python -m scripts.ask HuggingFaceTB/SmolLM2-135M-Instruct --dataset rag_instruct_demo "..."
python -m scripts.ask results/rag_instruct_demo/models/smollm2_135m --alone "..."    # without documents

Args:
    model: folder, hub id, or package:<module>/<file>.gguf
    question: default: questions are read from the terminal, or from a file on standard input
    dataset: data set whose corpus is searched; default: the data set in whose folder the model is
    configfile: YAML files with settings that override config.yaml
    alone: ask without documents
    documents: number of documents in the prompt
    tokens: the longest answer, in tokens
"""

import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO

from transformers.utils.logging import disable_progress_bar, set_verbosity_error

from rag_instruct import cli
from rag_instruct.errors import UserError
from rag_instruct.evaluation.answerer import Answerer, cited
from rag_instruct.models.loading import load_config
from rag_instruct.records import PLAIN
from rag_instruct.records.opening import encoding_of
from rag_instruct.retrieval.encoder import EncoderSettings
from rag_instruct.retrieval.endpoint_settings import EndpointEncoderSettings
from rag_instruct.retrieval.passage_index import PassageIndex
from rag_instruct.retrieval.runs import Hit
from rag_instruct.settings import Settings, known
from rag_instruct.settings.config import read_config


def main(
    model: str,
    question: str | None = None,
    *,
    dataset: str | None = None,
    configfile: Sequence[Path] = (),
    alone: bool = False,
    documents: int = 10,
    tokens: int = 500,
) -> None:
    disable_progress_bar()
    set_verbosity_error()
    load_config(model)  # the message about a missing model comes first

    def answer_all(index: PassageIndex | None) -> None:
        answerer = Answerer(model)  # takes up to a minute, so what else may fail comes before
        for each in [question] if question else asked():
            hits = index.best(each, documents) if index else []
            seen = [hit.passage.document for hit in hits]
            answer = answerer.answer(each, seen, tokens, lambda text: print(text, end="", flush=True))
            print("\n" + listed(hits, cited(each, answer, seen)))

    if alone:
        answer_all(None)
    else:
        with_index(read_config(Path.cwd(), configfile), dataset or dataset_of(model), answer_all)


def asked() -> Iterator[str]:
    """Yield questions from the terminal until an empty one, or all lines of a file on standard input."""
    if not sys.stdin.isatty():
        yield from _lines(sys.stdin.buffer)
        return
    while True:
        try:
            question = input("\nQuestion (empty to end): ").strip()
        except EOFError:
            return
        if not question:
            return
        yield question


def _lines(given: IO[bytes]) -> Iterator[str]:
    """Yield the lines of a file of questions, without blank ones. A program may write one after the other."""
    place, first = Path("standard input"), given.readline()
    encoding = encoding_of(place, first, PLAIN)
    for number, line in enumerate(chain([first], given) if encoding.startswith("utf-8") else [first + given.read()], 1):
        try:
            text = line.decode(encoding if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"{place}, line {number}: not UTF-8 ({error.reason}): convert the file to UTF-8") from error
        yield from filter(None, map(str.strip, re.split("[\r\n]+", text)))


def dataset_of(model: str) -> str:
    """Return the data set in whose folder a trained model is, or "" for another model."""
    parts = Path(model).resolve().parts
    return parts[-3] if len(parts) > 2 and parts[-2] == "models" else ""


def with_index(config: Settings, name: str, work: Callable[[PassageIndex], None]) -> None:
    """Call `work` with the index of a data set. An encoder behind an endpoint is paid by the data set's budget."""
    known(name, config["datasets"], "--dataset", "datasets (with --alone, no data set is needed)")
    corpus, encoder = config["datasets"][name]["corpus"], config["datasets"][name]["encoder"]
    place, settings = Path("results/corpora") / corpus, config["encoders"][encoder]
    approximate = config["corpora"][corpus]["index"] != "exact"
    if "teacher" in settings:
        from rag_instruct.retrieval.endpoint_encoder import with_endpoint  # openai loads slowly

        elsewhere, output = EndpointEncoderSettings.of(settings, "query"), Path(f"ask_{os.getpid()}")
        with_endpoint(elsewhere, name, config, output, lambda one: work(PassageIndex(place, encoder, one, approximate)))
        return
    here = EncoderSettings(**{key: value for key, value in settings.items() if key in EncoderSettings._fields})
    work(PassageIndex(place, encoder, here, approximate))


def listed(hits: list[Hit], drawn_upon: list[int]) -> str:
    """Return the list of documents. → marks those that contain most of the answer's words (`drawn_upon`)."""
    lines = []
    for place, hit in enumerate(hits):
        mark = "→" if place in drawn_upon else " "
        text = textwrap.shorten(hit.passage.text, 100, placeholder=" ...")
        lines.append(f"{mark} [{hit.rank}] {hit.passage.title} (passage {hit.passage.id}, {hit.score:.3f}): {text}")
    return "\n".join(lines)


if __name__ == "__main__":
    cli.run(main)
