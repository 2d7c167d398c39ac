"""The rehearsal's teacher: tests/faulty.py, with answers in the form and length of a capable teacher's.

    python performance/rehearsal_teacher.py --latency 1 --faults 0.02

Its questions have several forms and name the documents' titles. What the relation of question and document allows, the
answer takes from the documents; the rest are sentences of the demo's corpus. A twentieth of the requests is skipped.
"""

import csv
import hashlib
import json
import random
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import faulty  # noqa: E402 - it is no package

FORMS = (
    "What should one know about {names}, where {words}?",
    "Explain in a few sentences what {names} has to do with {words}.",
    "Write a short note on {names} for readers who ask about {words}.",
    "Is it true that {names} is known for {words}?",
    "Which facts about {names} matter to somebody who reads that {words}?",
    "Compare what is said of {names} with the claim that {words}.",
    "Give three points about {names}; begin with {words}.",
    "Why do people who study {words} turn to {names}?",
)
OWN, PART, WHOLE = range(3)  # how much of an answer comes from the documents
SKIPPED = 0.05


def sentences() -> list[str]:
    """Return the sentences of the demo's corpus that a text of its own can have."""
    with (ROOT / "resources/demo/passages.tsv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file, delimiter="\t")]
    return [part for text in texts for part in re.split(r"(?<=[.!?]) +", text) if 8 <= len(part.split()) <= 30]


KNOWN = sentences()


def share_of_documents(system: str) -> int:
    """Return what the prompt's relation allows the answer to take from the documents."""
    if "is of no help" in system:
        return OWN
    return PART if "without stating it" in system or "No document states" in system else WHOLE


def write_pair(request: dict[str, Any]) -> str:
    """Return a pair as the prompts of `full` ask for it, or an answer to a question of a benchmark."""
    messages = [message["content"] for message in request["messages"]]
    draw = random.Random(hashlib.sha256("".join(messages).encode()).hexdigest())
    shown = re.findall(r"Document \d+: (.+)\n(.+)", messages[-1])
    if "relation of question" not in messages[0]:
        return draw.choice(KNOWN)
    wanted = request["response_format"]["json_schema"]["schema"]["required"]
    if draw.random() < SKIPPED:
        return reply(wanted, True, "", "")
    facts = [draw.choice(re.split(r"(?<=[.!?]) +", text)) for _, text in shown]
    share = share_of_documents(messages[0])
    names = " and ".join(title for title, _ in shown)
    words = " ".join(draw.choice(KNOWN).lower().split()[:5] if share == OWN else facts[0].split()[1:6])
    said = facts if share == WHOLE else []
    added = draw.sample(KNOWN, 1 + min(4, int(draw.expovariate(0.7)))) if share != WHOLE else []
    question = draw.choice(FORMS).format(names=names, words=words.strip(" .,;:"))
    return reply(wanted, False, question, " ".join([*said, *added]))


def reply(wanted: list[str], skip: bool, question: str, answer: str) -> str:
    """Return a pair with the members that the request's schema wants."""
    pair = {"skip": skip, "question": question, "answer": answer, "unused": []}
    return json.dumps({name: pair[name] for name in wanted})


if __name__ == "__main__":
    faulty.write_pair = write_pair
    faulty.main()
