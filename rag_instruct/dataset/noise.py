"""Choose noise documents for a question: hits in a window of ranks, hard documents, random documents, or a mixture."""

from collections.abc import Callable, Iterator
from itertools import chain, count, islice

from rag_instruct.citations import plain_answer
from rag_instruct.corpus.passages import Passage
from rag_instruct.files import digest
from rag_instruct.retrieval.runs import Hit, Run
from rag_instruct.schema import Pair
from rag_instruct.synthesis.declining import may_answer
from rag_instruct.words import added_words

DRAWN = 64  # random passages that are read at a time


def choose_noise(
    choose: str, pair: Pair, run: Run, sources: list[Passage], wanted: int, beyond: int, seed: str
) -> list[Hit]:
    """Return `wanted` noise documents, or fewer if there are no more.

    Documents that the teacher saw and left unused come first. `choose`, a key of CHOICES, says how to find the others.

    Source documents (`sources` are their passages), hidden passages (which state the answer), and copies of both are
    never noise. We recognise copies of a hidden passage only if the search with the question found the hidden passage,
    because a pair has the passage's id but not its text. If the row declines to answer, documents that may answer are
    not noise, either.
    """
    chosen: list[Hit] = []
    if wanted <= 0:
        return chosen
    never = {source.id for source in pair.sources} | set(pair.hidden)
    hidden = [hit.passage for hit in run.hits(pair.id) if hit.passage.id in pair.hidden] if pair.hidden else []
    texts = {passage.text for passage in [*sources, *hidden]}
    unused = [Hit(run.store[[one.row]][0], one.row, one.rank, one.score, one.nearest_to) for one in pair.unused]
    for hit in chain(unused, CHOICES[choose](pair, run, beyond, seed)):
        answers = bool(pair.withheld) and may_answer(pair.question, plain_answer(pair), hit.passage.document)
        if hit.passage.id not in never and hit.passage.text not in texts and not answers:
            chosen.append(hit)
            texts.add(hit.passage.text)
        if len(chosen) == wanted:
            break
    return chosen


def _window(pair: Pair, run: Run, beyond: int, seed: str) -> Iterator[Hit]:
    """Yield the hits whose rank is greater than `beyond`, in an order that a hash chooses."""
    yield from sorted(run.hits(pair.id, beyond), key=lambda hit: digest(seed, pair.id, hit.passage.id))


def _hard(pair: Pair, run: Run, beyond: int, seed: str) -> Iterator[Hit]:
    """Yield hard documents: the best hits, without those that have most of the answer's words and so may answer.

    Then yield the window's hits. An answer such as "yes" adds no words to the question. For such an answer, we cannot
    see whether a passage answers, so we yield only the window's hits.
    """
    answer = plain_answer(pair)
    near = run.hits(pair.id)[:beyond] if added_words(pair.question, answer) else []
    yield from (hit for hit in near if not may_answer(pair.question, answer, hit.passage.document))
    yield from _window(pair, run, beyond, seed)


def _random(pair: Pair, run: Run, beyond: int, seed: str) -> Iterator[Hit]:
    """Yield passages of the whole corpus that the search did not find. They have the rank 0.

    Then yield the window's hits, because the search finds nearly all passages of a small corpus.
    """
    corpus_size = len(run.store)
    seen = set(run.ranking(pair.id)["row"].tolist())
    drawn = (int(digest(seed, "random noise", pair.id, number)[:15], 16) % corpus_size for number in count())
    while len(seen) < corpus_size:
        part = list(dict.fromkeys(row for row in islice(drawn, DRAWN) if row not in seen))
        seen.update(part)
        yield from (Hit(passage, row, 0, 0.0) for passage, row in zip(run.store[part], part, strict=True))
    yield from _window(pair, run, beyond, seed)


def _mixed(pair: Pair, run: Run, beyond: int, seed: str) -> Iterator[Hit]:
    """Yield hard, window and random documents in turn, until there are no more."""
    parts = [choice(pair, run, beyond, seed) for choice in (_hard, _window, _random)]
    while parts:
        for part in list(parts):
            if hit := next(part, None):
                yield hit
            else:
                parts.remove(part)


CHOICES: dict[str, Callable[[Pair, Run, int, str], Iterator[Hit]]] = {
    "window": _window,
    "hard": _hard,
    "random": _random,
    "mixed": _mixed,
}
