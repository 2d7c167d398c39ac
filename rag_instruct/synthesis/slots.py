"""Synthesis: the teacher fills row slots. A row slot is the place of one wanted row.

The teacher tries the candidates of a slot in turn until it writes a good pair.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from msgspec.structs import replace

from rag_instruct.citations import in_one_form, renumbered, uncited
from rag_instruct.errors import UserError
from rag_instruct.files import digest, fraction
from rag_instruct.llm.concurrency import at_once
from rag_instruct.llm.prompts import Prompt, read
from rag_instruct.llm.session import Session
from rag_instruct.llm.watch import YieldWatch
from rag_instruct.logs import logger
from rag_instruct.paradigms import ANY, PARADIGMS, WITH_ANSWER, Slot, candidates, drawing_orders
from rag_instruct.reasons import WITHOUT_REQUEST, Fault, Reason
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import Exemplar, LinkedDocuments, Pair, Reject
from rag_instruct.synthesis.citing import citation_fault
from rag_instruct.synthesis.declining import pair_declining_fault
from rag_instruct.synthesis.facts import Fact
from rag_instruct.synthesis.filters import pair_fault
from rag_instruct.synthesis.focus import Focus, linked_focuses, whole_documents
from rag_instruct.synthesis.search_results import SearchResults
from rag_instruct.synthesis.sentence_focus import focuses, kind_of


class Origin(NamedTuple):
    """The teacher and the prompts that wrote a pair."""

    teacher: str
    prompts: str
    prompt_version: int


@dataclass(frozen=True)
class Written:
    """What the teacher wrote for a candidate. Texts are empty if it did not get to write them."""

    keys: list[str]  # of the requests
    question: str = ""
    answer: str = ""
    unused: tuple[int, ...] = ()  # numbers, from 1, of the documents that it left unused; too large ones are ignored
    declined: str = ""  # the answer without the withheld document
    fault: Fault | None = None


class Begun(NamedTuple):
    """How far a row slot has come."""

    attempt: int = 0  # of the next candidate
    asked: int = 0  # candidates about which the teacher was asked
    skipped: frozenset[str] = frozenset()  # ids of the exemplars that the teacher skipped


BEGINNING = Begun()


def check_exemplars(paradigm: str, exemplars: Sequence[Exemplar], wanted: Sequence[Slot]) -> None:
    """Raise UserError if a row slot has no exemplar to imitate. Call it before a request is paid."""
    sources = {exemplar.source for exemplar in exemplars} | ({ANY} if exemplars else set())
    for slot in wanted:
        if slot.source not in sources:
            raise _no_exemplar(paradigm, slot.source)


def _no_exemplar(paradigm: str, source: str) -> UserError:
    of = "" if source == ANY else f" of {source}"
    return UserError(
        f"no exemplar{of} is left after the filter, but `paradigms.{paradigm}` in config.yaml asks for rows: raise the "
        "set's number in `exemplars`, or remove these rows from `paradigms`. results/<dataset>/exemplars/report.md "
        "lists why exemplars were dropped"
    )


@dataclass
class Synthesis:
    """The synthesis of one paradigm: exemplars, search hits, prompt and teacher."""

    paradigm: str
    exemplars: list[Exemplar]
    run: Run
    prompt: Prompt
    teacher: Session
    simulate: bool
    seed: str
    origin: Origin
    least_words: int = 0  # of a source document
    linked: Mapping[str, Sequence[LinkedDocuments]] | None = None  # by exemplar; None: take the next best hits
    declining: float = 0.0  # share of row slots whose answer declines, because a document is withheld
    citing: bool = False  # whether answers cite their documents
    facts: Mapping[str, Sequence[Fact]] = field(default_factory=dict)  # by passage, for prompts with single sentences
    rejects: list[Reject] = field(default_factory=list)
    out_of_budget: bool = False  # whether a refill ended because the budget was used up

    @cached_property
    def watch(self) -> YieldWatch:
        """The watch on how many bought candidates become pairs."""
        return YieldWatch(self.paradigm, self.teacher)

    @cached_property
    def orders(self) -> dict[str, list[Exemplar]]:
        """The exemplars of each set, in the order in which this paradigm draws them; computed once."""
        return drawing_orders(self.exemplars, f"{self.seed}/{self.paradigm}")

    def order(self, source: str) -> list[Exemplar]:
        """Return the exemplars of a set in drawing order; raise UserError if there are none."""
        if source not in self.orders:
            raise _no_exemplar(self.paradigm, source)
        return self.orders[source]

    async def fill(self, place: int, slot: Slot, tries: int, begun: Begun = BEGINNING) -> Pair | None:
        """Return the pair of the slot's first good candidate, or None; add failed candidates to `rejects`.

        A candidate without documents costs nothing and does not count as a try. If the teacher skips an exemplar, the
        slot does not ask about it again. A refilled slot continues from `begun`. Raise UserError if the set is empty.
        """
        left, skipped = tries - begun.asked, set(begun.skipped)
        if left <= 0:
            return None
        for attempt, (exemplar, round_) in enumerate(candidates(slot, self.order(slot.source), tries)):
            if attempt < begun.attempt or exemplar.id in skipped:
                continue
            written = await self._write(place, slot, attempt, exemplar, round_)
            if isinstance(written, Pair):
                self.watch.useful(written.question)
                return written
            self.rejects.append(written)
            if written.reason in WITHOUT_REQUEST:
                continue
            self.watch.useless(Fault(written.reason, written.detail))
            left -= 1
            if not left:
                return None
            skipped |= {exemplar.id} if written.reason == Reason.SKIPPED else set()
        return None

    async def _write(self, place: int, slot: Slot, attempt: int, exemplar: Exemplar, round_: int) -> Pair | Reject:
        candidate: dict[str, Any] = {
            "paradigm": self.paradigm,
            "slot": place,
            "attempt": attempt,
            "exemplar_id": exemplar.id,
            "exemplar": exemplar.instruction,
            "license": exemplar.license,
        }
        found = self._search_results(exemplar)
        shown = exemplar.instruction if self.simulate else ""
        focus = self._focus(exemplar, shown, found, round_)
        if focus is None:
            return Reject(reason=self._lacks(found), **candidate)
        kind = focus.variables.get("kind") or kind_of(shown)
        withheld = self._withheld(slot, len(focus.sources))
        written = await self._ask(kind, {**focus.variables, "exemplar": shown}, withheld)
        used, unused = focus.split(written.unused)
        declines = withheld and withheld not in written.unused
        pair = Pair(
            **candidate,
            id=f"{self.paradigm}-{digest(self.seed, exemplar.id, *written.keys)[:16]}",
            kind=kind,
            sources=found.sources(used.sources),
            hidden=tuple(passage.id for passage in focus.hidden),
            question=written.question,
            answer=written.answer,
            request_keys=tuple(written.keys),
            links=used.links,
            unused=found.sources(unused),
            withheld=focus.sources[withheld - 1].id if declines else "",
            declined=written.declined if declines else "",
            **self.origin._asdict(),
        )
        fault = written.fault or self._fault(written, shown, focus, used)
        if declines and not fault:
            fault = pair_declining_fault(pair.question, pair.answer, pair.declined, used.sources, pair.withheld)
        return Reject.of(pair, *fault) if fault else self._numbered(pair, len(focus.sources), written.unused)

    def _numbered(self, pair: Pair, documents: int, unused: tuple[int, ...]) -> Pair:
        """Return the pair with citations that number its source documents, not those of the prompt."""
        if not self._cites:
            return pair
        used = [number for number in range(1, documents + 1) if number not in unused]
        places = {number: place for place, number in enumerate(used, start=1)}
        answer, declined = renumbered(pair.answer, places), renumbered(pair.declined, places)
        return replace(pair, answer=answer, declined=declined, cited=True)

    @property
    def _cites(self) -> bool:
        return self.citing and bool(self.prompt.citing)

    def _fault(self, written: Written, exemplar: str, focus: Focus, used: Focus) -> Fault | None:
        """Return why a pair is rejected, or None. The documents that the teacher used must support it."""
        if min(written.unused, default=1) < 1:
            return Fault(Reason.UNPARSABLE, f"there is no document {min(written.unused)} that could be unused")
        if len(used.sources) < PARADIGMS[self.paradigm].least:
            return Fault(Reason.ONE_IS_ENOUGH, f"unused: {', '.join(map(str, written.unused))}")
        if focus.links and not used.links:
            return Fault(Reason.FIRST_UNUSED)
        answer = uncited(written.answer) if self._cites else written.answer
        fault = pair_fault(self.paradigm, written.question, answer, exemplar, used)
        if fault or not self._cites:
            return fault
        numbers = {number for number in range(1, len(focus.sources) + 1) if number not in written.unused}
        return citation_fault(self.paradigm, written.answer, numbers)

    def _withheld(self, slot: Slot, documents: int) -> int:
        """Return the number of the document that the row must not have, or 0.

        A hash chooses whether a document is withheld, and another hash chooses which one. Both depend on the slot's
        number within its exemplar set, so slots of other sets change nothing.
        """
        key = (self.paradigm, slot.source, slot.number)
        if self.paradigm not in WITH_ANSWER or fraction(self.seed, "declining", *key) >= self.declining:
            return 0
        return 1 + int(digest(self.seed, "withheld", *key), 16) % documents

    @property
    def _needs_links(self) -> bool:
        """Whether source documents must be linked. Prompts with single sentences do not need links."""
        return self.linked is not None and PARADIGMS[self.paradigm].several and self.prompt.focus == "document"

    def _lacks(self, found: SearchResults) -> Reason:
        """Return why there is no focus on the documents found."""
        if not found.hits:
            return Reason.NO_DOCUMENTS
        if self._needs_links:
            return Reason.NO_LINK
        return Reason.NO_SENTENCE if self.prompt.focus == "sentence" else Reason.NO_DOCUMENTS

    def _search_results(self, exemplar: Exemplar) -> SearchResults:
        linked = self.linked.get(exemplar.id, ()) if self.linked and PARADIGMS[self.paradigm].several else ()
        return SearchResults.of(self.run, exemplar.id, linked, self.least_words)

    def _focus(self, exemplar: Exemplar, shown: str, found: SearchResults, round_: int) -> Focus | None:
        """Return the exemplar's focus number `round_`, from 0, or None if there are not so many."""
        seed = f"{self.seed}/{exemplar.id}"
        if self._needs_links:
            offered = linked_focuses(self.paradigm, found, seed)
        elif self.prompt.focus == "sentence":
            offered = focuses(self.paradigm, shown, found.ranked, self.facts, seed)
        else:
            offered = whole_documents(self.paradigm, found.ranked, seed)
        return next(islice(offered, round_, None), None)

    async def _ask(self, kind: str, variables: dict[str, Any], withheld: int) -> Written:
        """Ask the prompt's requests in turn, until one fails.

        If a document is withheld, the last request also asks for the answer without it.
        """
        keys: list[str] = []
        variables["simulation"] = self.prompt.simulated(kind, variables["exemplar"])
        *earlier, last = self.prompt.steps
        last = last.asking_for("declined") if withheld else last
        for step, addition in [*((step, "") for step in earlier), (last, self.prompt.additions(self.citing, withheld))]:
            key, reply = await self.teacher.ask(step.body(kind, variables, addition))
            keys.append(key)
            values = read(step, reply)
            if isinstance(values, Fault):
                return Written(keys, fault=values)
            variables |= values
            if step.among and values[step.name] not in variables[step.among].splitlines():
                return Written(keys, question=values[step.name], fault=Fault(Reason.NOT_OFFERED))
        pair = self.prompt.written(kind, variables)
        unused, declined = tuple(variables.get("unused", ())), variables.get("declined", "")
        answer = pair["answer"]
        if self._cites:
            answer, declined = in_one_form(answer), in_one_form(declined)
        return Written(keys, pair["question"], answer, unused, declined)


async def synthesise(
    work: Synthesis, slots: Sequence[Slot], chunk: range, tries: int
) -> tuple[list[Pair], list[Reject]]:
    """Return a chunk's pairs in the order of the slots, and the rejected candidates with their reasons."""

    async def fill(place: int) -> Pair | None:
        return await work.fill(place, slots[place], tries)

    filled = await at_once(chunk, fill, work.teacher.model.in_flight, work.paradigm)
    pairs = [pair for pair in filled if pair]
    rejects = sorted(work.rejects, key=lambda reject: (reject.slot, reject.attempt))
    reasons = Counter(str(reject.reason) for reject in rejects)
    logger.info(
        "%s: %d of %d row slots filled; %d candidates rejected: %s",
        work.paradigm,
        len(pairs),
        len(chunk),
        len(rejects),
        dict(reasons.most_common()),
    )
    logger.info("%d answers from the teacher, %d from the store", work.teacher.bought, work.teacher.replayed)
    return pairs, rejects
