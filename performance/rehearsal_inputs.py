"""Generated inputs for the dress rehearsal, in the formats and sizes of the real ones.

Passages are sentences of the demo's words under invented titles. Six passages make an article, and each passage names
the article that comes next, so that passages belong together as in an encyclopaedia. A word's vector is random, and
zero for the most frequent words. A text's vector is the mean of its words', and the encoder is a BERT without layers,
which computes just that: so the search finds what shares names and words. The encoder takes next to no time;
performance/embedding.py measures a real one.
"""

import gzip
import json
import pickle
import re
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from performance.exemplars import PASSAGES, generate

DIMENSION = 768
ARTICLE = 6  # passages
SENTENCES = 6  # sentences of a passage
SURNAMES = 20_000
FREQUENT = 60  # words without a vector of their own
NAMED = (0, 2, 5)  # sentences of a passage that name the article that comes next
BLOCK = 65_536
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


class Language:
    """Words with vectors, sentences of them, and titles."""

    def __init__(self, seed: int = 5, sentences: int = 50_000) -> None:
        self.random = np.random.default_rng(seed)
        running = re.findall(r"[a-z]+", PASSAGES.read_text("utf-8").casefold())
        self.words = sorted(set(running))
        self.names = self._names()
        self.vocabulary = [*SPECIAL, *"abcdefghijklmnopqrstuvwxyz0123456789.,?:;!'\"()-", *self.words, *self.names]
        self.vocabulary = list(dict.fromkeys(self.vocabulary))
        self.number = {word: number for number, word in enumerate(self.vocabulary)}
        self.vectors = self.random.standard_normal((len(self.vocabulary), DIMENSION), dtype=np.float32)
        frequent = [word for word, _ in Counter(running).most_common(FREQUENT)]
        self.vectors[[self.number[word] for word in frequent]] = 0
        lengths = self.random.integers(9, 20, sentences)
        drawn = self.random.integers(0, len(running), int(lengths.sum()))
        tokens = np.array([self.number[word] for word in running])[drawn]
        ends = np.cumsum(lengths)
        self.sentences = [
            " ".join(self.vocabulary[token] for token in tokens[end - length : end]).capitalize() + "."
            for length, end in zip(lengths, ends, strict=True)
        ]
        self.of_sentences = np.stack(
            [self.vectors[tokens[end - length : end]].sum(0) for length, end in zip(lengths, ends, strict=True)]
        )

    def _names(self) -> list[str]:
        """Return invented names in small letters; no two are the same."""
        syllables = [start + vowel for start in "bcdfghjklmnprstvz" for vowel in "aeiou"]
        found: dict[str, None] = {}
        while len(found) < SURNAMES:
            found["".join(self.random.choice(syllables, 4))] = None
        return list(found)

    def title(self, article: int) -> tuple[int, int]:
        """Return the numbers of the two words of an article's title. No two articles have the same."""
        return article % SURNAMES, (article // SURNAMES + 7 * article) % SURNAMES

    def shown(self, title: tuple[int, int]) -> str:
        return " ".join(self.names[part].capitalize() for part in title)

    def text(self, sentences: int) -> str:
        return " ".join(self.sentences[n] for n in self.random.integers(0, len(self.sentences), sentences))

    def question(self, number: int) -> str:
        """Return a question about an article, unlike all others."""
        sentence = self.sentences[int(self.random.integers(0, len(self.sentences)))]
        return f"What is known of {self.shown(self.title(number))}, when {sentence[0].lower()}{sentence[1:-1]}?"


def encoder(folder: Path, language: Language) -> None:
    """Write a BERT with the width of BERT-base and no layer, whose output is each token's own vector, normalised."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(language.vocabulary) + "\n", encoding="utf-8")
    BertTokenizer(vocab=str(folder / "vocab.txt"), model_max_length=512).save_pretrained(folder)
    model = BertModel(BertConfig(vocab_size=len(language.vocabulary), hidden_size=DIMENSION, num_hidden_layers=0))
    with torch.no_grad():
        model.embeddings.word_embeddings.weight.copy_(torch.from_numpy(language.vectors))
        for other in (model.embeddings.position_embeddings, model.embeddings.token_type_embeddings):
            other.weight.zero_()
    model.save_pretrained(folder)


def corpus(folder: Path, language: Language, passages: int) -> None:
    """Write passages in DPR's format, and their vectors in a tar of one pickle, as Contriever's authors did."""
    vectors = np.empty((passages, DIMENSION), np.float16)
    with gzip.open(folder / "passages.tsv.gz", "wt", compresslevel=1, encoding="utf-8") as file:
        file.write("id\ttext\ttitle\n")
        for first in range(0, passages, BLOCK):
            count = min(BLOCK, passages - first)
            picked = language.random.integers(0, len(language.sentences), (count, SENTENCES))
            file.writelines(_passages(language, first, picked, passages))
            vectors[first : first + count] = _vectors(language, first, picked, passages)
    inner = folder / "passages_00"
    with inner.open("wb") as file:
        pickle.dump(([str(row + 1) for row in range(passages)], vectors), file)
    with tarfile.open(folder / "embeddings.tar", "w") as tar:
        tar.add(inner, "wikipedia_embeddings/passages_00")
    inner.unlink()


def _kin(article: int, passages: int) -> int:
    """Return the article that an article's passages name."""
    return (article + 1) % -(-passages // ARTICLE)


def _passages(language: Language, first: int, picked: np.ndarray, passages: int) -> Iterator[str]:
    for row, sentences in enumerate(picked.tolist(), start=first):
        article = row // ARTICLE
        title, kin = (language.shown(language.title(name)) for name in (article, _kin(article, passages)))
        said = [language.sentences[n] for n in sentences]
        for place in NAMED:
            said[place] = f"After {kin} {said[place][0].lower()}{said[place][1:]}"
        said[1] = f"{title} {said[1][0].lower()}{said[1][1:]}"
        quoted = " ".join(said).replace('"', '""')
        yield f'{row + 1}\t"{quoted}"\t{title}\n'


def _vectors(language: Language, first: int, picked: np.ndarray, passages: int) -> np.ndarray:
    articles = np.arange(first, first + len(picked)) // ARTICLE
    names = np.array([language.number[name] for name in language.names])
    own, kin = (
        language.vectors[names[np.array([language.title(int(article)) for article in chosen])]].sum(1)
        for chosen in (articles, (articles + 1) % -(-passages // ARTICLE))
    )
    total = language.of_sentences[picked].sum(1) + 2 * own + len(NAMED) * kin
    scaled: np.ndarray = total / np.linalg.norm(total, axis=1, keepdims=True) * np.sqrt(DIMENSION) / 8
    return scaled


# Instruction sets, each with the quirks of its file: name -> (records in the public file, writer).


def instruction_sets(folder: Path, language: Language, share: float) -> dict[str, str]:
    """Write the five sets with `share` of their records. Return their files."""
    files = {}
    for name, (size, write) in SETS.items():
        files[name] = str(write(folder, language, max(500, round(size * share))))
    return files


def _turns(language: Language, number: int, humans: str = "human", models: str = "gpt") -> list[dict[str, Any]]:
    return [{"from": humans, "value": language.question(number)}, {"from": models, "value": language.text(6)}]


def _sharegpt(folder: Path, language: Language, count: int) -> Path:
    """One array; a tenth of the records begins in the middle of a conversation."""
    path = folder / "sharegpt.json"
    records = (
        {"id": f"x{n}_{0 if n % 10 else 7}", "conversations": _turns(language, n)[0 if n % 10 else 1 :]}
        for n in range(count)
    )
    _write_array(path, records)
    return path


def _alpaca(folder: Path, language: Language, count: int) -> Path:
    """Parquet; a third of the records has an input."""
    path = folder / "alpaca.parquet"
    inputs = [language.text(1) if n % 3 == 0 else "" for n in range(count)]
    instructions = [language.question(100_000 + n) for n in range(count)]
    pq.write_table(
        pa.table({"instruction": instructions, "input": inputs, "output": [language.text(2) for _ in range(count)]}),
        path,
    )
    return path


def _wizardlm(folder: Path, language: Language, count: int) -> Path:
    path = folder / "wizardlm.json"
    _write_array(
        path, ({"instruction": language.question(200_000 + n), "output": language.text(5)} for n in range(count))
    )
    return path


def _slimorca(folder: Path, language: Language, count: int) -> Path:
    """JSON lines; half of the conversations begin with a system turn."""
    path = folder / "slimorca.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for n in range(count):
            system = [{"from": "system", "value": "You are an AI assistant.", "weight": None}] if n % 2 else []
            turns = [{**turn, "weight": 1.0} for turn in _turns(language, 300_000 + n)]
            file.write(json.dumps({"conversations": system + turns}) + "\n")
    return path


def _lmsys(folder: Path, language: Language, count: int) -> Path:
    """The public file's schema, with moderation, other languages and near copies (performance/exemplars.py)."""
    path = folder / "lmsys.parquet"
    generate(path, count)
    return path


SETS: dict[str, tuple[int, Callable[[Path, Language, int], Path]]] = {
    "sharegpt": (94_145, _sharegpt),
    "alpaca": (52_002, _alpaca),
    "wizardlm": (70_000, _wizardlm),
    "lmsys": (1_000_000, _lmsys),
    "slimorca": (517_982, _slimorca),
}


def _write_array(path: Path, records: Iterator[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for n, record in enumerate(records):
            file.write(("[" if n == 0 else ",\n") + json.dumps(record))
        file.write("]")


# Benchmarks: name -> (records in the public file, record, settings).

# Records of which the benchmarks take their questions.
LONG_TAIL, JUDGED, LONG_CONVERSATIONS = 1_399, 987, 227


def benchmarks(folder: Path, language: Language) -> dict[str, dict[str, Any]]:
    """Write the eleven benchmarks, each with all its records. Return their settings."""
    found = {}
    for offset, (name, (size, record, more)) in enumerate(BENCHMARKS.items()):
        records = [record(language, 400_000 + 20_000 * offset + n, n) for n in range(size)]
        found[name] = {"path": str(_write_benchmark(folder, name, records)), **more}
    (folder / "pubmedqa_ids.json").write_text(json.dumps({str(n): "yes" for n in range(500)}))
    found["pubmedqa"]["ids"] = {"path": str(folder / "pubmedqa_ids.json")}
    return found


def _write_benchmark(folder: Path, name: str, records: list[dict[str, Any]]) -> Path:
    if name == "popqa":
        path = folder / "popqa.tsv"
        columns = list(records[0])
        lines = ["\t".join(columns), *("\t".join(_quoted(record[c]) for c in columns) for record in records)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    elif name == "convfinqa":
        path = folder / "data.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("data/dev.json", json.dumps(records))
    elif name == "musique":
        path = folder / "musique_ans_v1.0_dev.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    else:
        path = folder / f"{name}.parquet"
        pq.write_table(pa.Table.from_pylist(records), path)
    return path


def _quoted(value: Any) -> str:
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if '"' in text else text


def _name(language: Language, number: int) -> str:
    return language.shown(language.title(number))


def _triviaqa(language: Language, number: int, n: int) -> dict[str, Any]:
    answer = _name(language, number)
    return {
        "question": language.question(number),
        "question_id": f"tc_{n}",
        "answer": {"value": answer, "aliases": [answer, f"The {answer}"], "normalized_aliases": [answer.lower()]},
    }


def _popqa(language: Language, number: int, n: int) -> dict[str, Any]:
    answers = json.dumps([_name(language, number)])
    return {
        "id": n, "question": language.question(number), "possible_answers": answers,
        "s_pop": 50 if n < LONG_TAIL else 500, "s_wiki_title": _name(language, number),
    }  # fmt: skip


def _choice(language: Language, number: int, n: int) -> dict[str, Any]:
    texts = [_name(language, number + 1000 * k) for k in range(4)]
    labels = ["A", "B", "C", "D"]
    return {
        "id": f"q{n}", "question": language.question(number), "question_stem": language.question(number),
        "choices": {"text": texts, "label": labels}, "answerKey": labels[n % 4],
    }  # fmt: skip


def _multi_hop(language: Language, number: int, n: int) -> dict[str, Any]:
    titles = [_name(language, number), _name(language, number + 1)]
    return {
        "id": f"h{n}", "question": language.question(number), "answer": titles[1],
        "supporting_facts": {"title": titles, "sent_id": [0, 0]},
    }  # fmt: skip


def _musique(language: Language, number: int, n: int) -> dict[str, Any]:
    paragraphs = [
        {"idx": k, "title": _name(language, number + k), "paragraph_text": language.text(4), "is_supporting": k < 2}
        for k in range(20)
    ]
    return {
        "id": f"2hop__{n}", "paragraphs": paragraphs, "question": language.question(number),
        "answer": _name(language, number + 1), "answer_aliases": [], "answerable": True,
    }  # fmt: skip


def _convfinqa(language: Language, number: int, n: int) -> dict[str, Any]:
    turns = 4 if n < LONG_CONVERSATIONS else 3
    return {
        "id": f"report{n}", "pre_text": [language.text(5)], "post_text": [language.text(5)],
        "table": [["", "2008", "2009"], ["net sales", "10.5", "12.5"]],
        "annotation": {
            "dialogue_break": [language.question(number * 7 + k) for k in range(turns)],
            "exe_ans_list": [10.5, 12.5, 2.0, 0.19048][:turns],
            "turn_program": ["10.5", "12.5", "subtract(12.5, 10.5)", "subtract(12.5, 10.5), divide(#0, 10.5)"][:turns],
        },
    }  # fmt: skip


def _pubhealth(language: Language, number: int, n: int) -> dict[str, Any]:
    judged, other = (2, 0), (1, 3)  # the hub's numbers for true and false, mixture and unproven
    label = (judged if n < JUDGED else other)[n % 2]
    return {"claim_id": n, "claim": language.sentences[number % 50_000], "label": label}


BENCHMARKS: dict[str, tuple[int, Callable[[Language, int, int], dict[str, Any]], dict[str, Any]]] = {
    "webquestions": (
        2_032,
        lambda language, number, n: {
            "url": f"w{n}", "question": language.question(number), "answers": [_name(language, number)],
        },
        {},
    ),
    "popqa": (14_267, _popqa, {}),
    "triviaqa": (11_313, _triviaqa, {}),
    "openbookqa": (500, _choice, {"question": "question_stem"}),
    "pubhealth": (
        1_235,
        _pubhealth,
        {"question": "claim"},
    ),
    "arc": (1_172, _choice, {}),
    "two_wiki": (12_576, _multi_hop, {}),
    "hotpotqa": (7_405, _multi_hop, {}),
    "musique": (2_417, _musique, {}),
    "convfinqa": (421, _convfinqa, {"member": "data/dev.json", "question": "annotation.dialogue_break"}),
    "pubmedqa": (
        1_000,
        lambda language, number, n: {
            "pubid": n, "question": language.question(number), "context": {"contexts": [language.text(8)]},
            "final_decision": "yes" if n < 500 else "no",
        },
        {},
    ),
}  # fmt: skip
