"""The eleven benchmarks' files: hand-written rows of every layout, the real rows of ../shared, and what is refused."""

import json
import random
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT, SHARED, needs_shared

from rag_instruct.benchmarks import benchmark, names
from rag_instruct.benchmarks.settings import facts, loaded
from rag_instruct.errors import UserError
from rag_instruct.record_files import read_records, write_records
from rag_instruct.records import Form
from rag_instruct.schema import Question

# Questions of the whole sets, from the data sets' cards.
SIZES = {
    "webquestions": 2032, "popqa": 1399, "triviaqa": 11313, "openbookqa": 500, "pubhealth": 987, "arc": 1172,
    "two_wiki": 12576, "hotpotqa": 7405, "musique": 2417, "convfinqa": 1490, "pubmedqa": 500,
}  # fmt: skip
POPQA = {
    "id": 7,
    "question": "What is Ann Lee's occupation?",
    "possible_answers": '["farmer", "grower"]',
    "s_pop": 99,
    "s_wiki_title": "Ann Lee",
}
CHOICES = {"text": ["ice", "steam", "rain"], "label": ["1", "2", "3"]}
PAIRS = [{"text": "ice", "label": "A"}, {"text": "steam", "label": "B"}, {"text": "rain", "label": "C"}]
FACTS = {"title": ["Ann", "Bob", "Ann"], "sent_id": [0, 1, 2]}
HOP = {"question": "Who is older?", "answer": "Ann", "context": {"title": ["Ann"], "sentences": [["She."]]}}
TURNS = {
    "dialogue_break": ["what was it in 2007?", "and in 2005?", "what is the change over that?", "is it more?"],
    "exe_ans_list": [60.94, 25.14, 1.42403, "yes"],
    "turn_program": ["60.94", "25.14", "subtract(60.94, 25.14), divide(#0, 25.14)", "greater(60.94, 25.14)"],
}
SETS = {
    "hotpotqa": {}, "hotpot_b": {"schema": "hotpotqa"}, "mine": {"schema": "own"},
    "given": {"schema": "arc", "label": "Given"},
}  # fmt: skip
REPORT = {
    "pre_text": ["before .", "."],
    "post_text": ["after ."],
    "table": [["", "2007", "2005"], ["price", "$ 60.94", "$ 25.14"]],
    "id": "Single_X/2007/page_1.pdf-1",
    "annotation": TURNS,
}
TRIVIA = {"Value": "Onion", "Aliases": ["Onions", "Onion", ""], "NormalizedAliases": ["onion"]}
MUSIQUE = {
    "id": "2hop__1_2", "question": "Who?", "answer": "G. Hall", "answer_aliases": ["Hall"], "answerable": True,
    "paragraphs": [{"idx": 0, "title": "A", "paragraph_text": "x", "is_supporting": False}, {"idx": 1, "title": "B", "paragraph_text": "y", "is_supporting": True}],
}  # fmt: skip
PUBMED = {
    "pubid": 21645374,
    "question": "Does it?",
    "context": {"contexts": ["One.", "Two."], "labels": ["B", "R"]},
    "long_answer": "It does.",
    "final_decision": "yes",
}


def put(folder, name, content):
    """A file of records: as Parquet, as JSON lines, or as the text that is given."""
    path = folder / name
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(content), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in content), "utf-8")
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


# Benchmark, file, content, and the question that its first record is.
ROWS = [
    ("webquestions", "t.parquet", [{"url": "u", "question": "who?", "answers": ["Ann", "Bob"]}], Question("1", "who?", ("Ann", "Bob"))),
    ("webquestions", "t.json", [{"url": "u", "utterance": "what?", "targetValue": '(list (description "Lightning rod") (description Bifocals) (description "6\' 2\\""))'}], Question("1", "what?", ("Lightning rod", "Bifocals", "6' 2\""))),
    ("popqa", "t.parquet", [POPQA], Question("7", "What is Ann Lee's occupation?", ("farmer", "grower"), gold_titles=("Ann Lee",))),
    ("popqa", "t.tsv", 'id\tquestion\tpossible_answers\ts_pop\ts_wiki_title\n7\tWhat?\t"[""farmer""]"\t5\tAnn Lee\n8\tWho?\t"[""x""]"\t100\tY\n', Question("7", "What?", ("farmer",), gold_titles=("Ann Lee",))),
    ("triviaqa", "t.parquet", [{"question": "Which?", "question_id": "tc_2", "answer": {"value": "Onion", "aliases": ["Onions", "Onion"], "normalized_aliases": ["onion"]}}], Question("tc_2", "Which?", ("Onion", "Onions"))),
    ("triviaqa", "t.json", {"Data": [{"Answer": TRIVIA, "Question": "Which?", "QuestionId": "tc_2"}]}, Question("tc_2", "Which?", ("Onion", "Onions"))),
    ("openbookqa", "t.parquet", [{"id": "7-1", "question_stem": "Boiling makes", "choices": {"text": ["ice", "steam", "rain"], "label": ["A", "B", "C"]}, "answerKey": "B"}], Question("7-1", "Boiling makes", ("B",), (("A", "ice"), ("B", "steam"), ("C", "rain")))),
    ("openbookqa", "t.jsonl", [{"id": "7-1", "question": {"stem": "Boiling makes", "choices": PAIRS}, "answerKey": "B"}], Question("7-1", "Boiling makes", ("B",), (("A", "ice"), ("B", "steam"), ("C", "rain")))),
    ("arc", "t.parquet", [{"id": "M1", "question": "Boiling makes", "choices": CHOICES, "answerKey": "2"}], Question("M1", "Boiling makes", ("B",), (("A", "ice"), ("B", "steam"), ("C", "rain")))),
    ("pubhealth", "t.parquet", [{"claim_id": "3", "claim": " Garlic cures. ", "label": 0}, {"claim_id": "4", "claim": "x", "label": 1}, {"claim_id": "5", "claim": "y", "label": -1}], Question("3", "Is this claim true or false? Garlic cures.", ("false",), (("true", "true"), ("false", "false")))),
    ("pubhealth", "t.tsv", 'claim_id\tclaim\tmain_text\tlabel\n0\t3\tGarlic cures.\t"two\nlines ""quoted"""\tTrue\n1\t4\tx\ty\tunproven\n', Question("3", "Is this claim true or false? Garlic cures.", ("true",), (("true", "true"), ("false", "false")))),
    ("two_wiki", "t.parquet", [{"id": "a", **HOP, "supporting_facts": FACTS}], Question("a", "Who is older?", ("Ann",), gold_titles=("Ann", "Bob"))),
    ("two_wiki", "t.json", [{"_id": "a", **HOP, "supporting_facts": [["Ann", 0], ["Bob", 1]]}], Question("a", "Who is older?", ("Ann",), gold_titles=("Ann", "Bob"))),
    ("two_wiki", "t.parquet", [{"_id": "a", **HOP, "supporting_facts": '[["Ann", 0], ["Bob", 1]]'}], Question("a", "Who is older?", ("Ann",), gold_titles=("Ann", "Bob"))),
    ("hotpotqa", "t.parquet", [{"id": "a", **HOP, "supporting_facts": FACTS}], Question("a", "Who is older?", ("Ann",), gold_titles=("Ann", "Bob"))),
    ("musique", "t.jsonl", [MUSIQUE], Question("2hop__1_2", "Who?", ("G. Hall", "Hall"), gold_titles=("B",))),
    ("convfinqa", "t.json", [REPORT], Question("Single_X/2007/page_1.pdf-1#0", "what was it in 2007?", ("60.94",), documents=("before .\n | 2007 | 2005\nprice | $ 60.94 | $ 25.14\nafter .",))),
    ("own", "t.jsonl", [{"question": "Q?", "answers": "x"}], Question("1", "Q?", ("x",))),
    ("own", "t.jsonl", [{"id": 5, "question": "Q?", "answer": 3, "context": [{"title": "T", "text": "c"}, "d"]}], Question("5", "Q?", ("3",), documents=("T\nc", "d"))),
    ("own", "t.csv", "question,answers\nQ?,x\n", Question("1", "Q?", ("x",))),
    ("own", "t.jsonl", [{"question": "Q?", "choices": {"A": "x", "B": "y"}, "answers": ["B", "y"], "gold_passage_ids": ["9"]}], Question("1", "Q?", ("B",), (("A", "x"), ("B", "y")), gold_passage_ids=("9",))),
    ("own", "t.jsonl", [{"question": "Q?", "choices": ["x", "y"], "answers": ["y"]}], Question("1", "Q?", ("B",), (("A", "x"), ("B", "y")))),
    ("own", "t.jsonl", [{"question": "Q?", "answers": {"text": ["x", "y", "x"], "answer_start": [1, 5, 9]}}], Question("1", "Q?", ("x", "y"))),
    ("own", "t.jsonl", [{"question": "Q?", "answers": [{"text": "x", "answer_start": 1}]}], Question("1", "Q?", ("x",))),
    ("own", "t.jsonl", [{"question": "Q?", "answer": {"value": "x", "aliases": ["y"], "type": "w"}}], Question("1", "Q?", ("x", "y"))),
    ("own", "t.csv", "question,A,B,C,answer\nQ?,x,y,z,B\n", Question("1", "Q?", ("B",), (("A", "x"), ("B", "y"), ("C", "z")))),
    ("own", "t.csv", "question,A,B,C,answer\nQ?,x,y,,y\n", Question("1", "Q?", ("B",), (("A", "x"), ("B", "y")))),
    ("own", "t.jsonl", [{"_id": "5a", "question": "Q?", "answer": "x", "context": '[["T", ["c.", " d."]]]'}], Question("5a", "Q?", ("x",), documents=("T\nc. d.",))),
    ("own", "t.jsonl", [{"qid": 7, "question": "Q?", "answer": "x", "context": "[1] A note [2]"}], Question("7", "Q?", ("x",), documents=("[1] A note [2]",))),
    *(("own", "t.jsonl", [{"question": "Q?", "choices": ["Paris", "Rome"], "answer": answer}], Question("1", "Q?", ("B",), (("A", "Paris"), ("B", "Rome")))) for answer in ("b", "(B)", "B.", "Option B", "ROME")),
    ("own", "t.jsonl", [{"question": "Q?", "answers": [14, 0.5, 1e-7]}], Question("1", "Q?", ("14", "0.5", "0.0000001"))),
    ("own", "t.csv", 'question,answers,choices\nQ?,"[""x"", ""z""]","[""x"", ""y""]"\n', Question("1", "Q?", ("A",), (("A", "x"), ("B", "y")))),
    ("own", "t.csv", 'question,answers,gold_passage_ids\nQ?,x,26\n', Question("1", "Q?", ("x",), gold_passage_ids=("26",))),
    ("own", "t.csv", 'question,answers,choices,context\nQ?,x,,\n', Question("1", "Q?", ("x",))),
    ("own", "t.csv", 'question,answers,choices\nQ?,x,[]\n', Question("1", "Q?", ("x",))),
    ("own", "t.csv", 'question,answers,answer\nQ?,,x\n', Question("1", "Q?", ("x",))),
    ("own", "t.jsonl", [{"question": "Q?", "answers": None, "answer": "x", "choices": "{}"}], Question("1", "Q?", ("x",))),
    ("own", "t.jsonl", [{"question": "Q?", "answers": "B", "choices": [{"label": "A", "text": "x"}, {"label": "B", "text": "y"}]}], Question("1", "Q?", ("B",), (("A", "x"), ("B", "y")))),
    ("own", "t.parquet", [{"question": "Q?", "answers": "y", "choices": {"label": ["1", "2"], "text": ["x", "y"]}}], Question("1", "Q?", ("2",), (("1", "x"), ("2", "y")))),
    ("own", "t.jsonl", [{"question": "Q?", "answers": "x", "choices": [["a", "x"], ["b", "y"]]}], Question("1", "Q?", ("a",), (("a", "x"), ("b", "y")))),
    ("own", "t.jsonl", [{"question": "Q?", "choices": ["w", "x", "y", "z"], "answer": 2}], Question("1", "Q?", ("C",), (("A", "w"), ("B", "x"), ("C", "y"), ("D", "z")))),
    ("own", "t.parquet", [{"question": "Q?", "options": ["no", "yes"], "answer": 0}], Question("1", "Q?", ("A",), (("A", "no"), ("B", "yes")))),
    ("own", "t.jsonl", [{"question": "Q?", "choices": {"text": ["x", "y"], "label": ["A", "B"]}, "answers": [1]}], Question("1", "Q?", ("B",), (("A", "x"), ("B", "y")))),
    ("own", "t.jsonl", [{"question": "Q?", "choices": [1968, 1969], "answer": 1969}], Question("1", "Q?", ("B",), (("A", "1968"), ("B", "1969")))),
    ("own", "t.jsonl", [{"question": "Q?", "options": {"A": "x", "B": "y"}, "answer": "y", "answer_idx": "B"}], Question("1", "Q?", ("B",), (("A", "x"), ("B", "y")))),
    ("own", "t.jsonl", [{"question": "Q?", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "2"}], Question("1", "Q?", ("2",), (("1", "x"), ("2", "y")))),
    ("own", "t.jsonl", [{"question": "Q?", "choices": ["A. x", "B. y"], "answer": "B. y"}], Question("1", "Q?", ("B",), (("A", "x"), ("B", "y")))),
    ("own", "t.jsonl", [{"question": "Q?", "choices": {"A": "(A) x", "B": "(B) y"}, "answer": "A"}], Question("1", "Q?", ("A",), (("A", "x"), ("B", "y")))),
    ("own", "t.jsonl", [{"question": "Q?", "choices": ["A. Lincoln", "Grant"], "answer": "A. Lincoln"}], Question("1", "Q?", ("A",), (("A", "A. Lincoln"), ("B", "Grant")))),
    ("own", "t.csv", "question,answers,context\nQ?,\"['x', \"\"it's\"\"]\",\"['One.', 'Two.']\"\n", Question("1", "Q?", ("x", "it's"), documents=("One.", "Two."))),
    *(("own", "t.jsonl", [{"question": "Q?", "answer": answer}], Question("1", "Q?", (word,), (("yes", "yes"), ("no", "no")))) for answer, word in ((True, "yes"), (False, "no"))),
    *(("own", "t.csv", f"question,answer\nIs it?,{cell}\n", Question("1", "Is it?", (word,), (("yes", "yes"), ("no", "no")))) for cell, word in (("True", "yes"), ("FALSE", "no"))),
    ("own", "t.jsonl", [{"question": "Q?", "answer": "True"}], Question("1", "Q?", ("True",))),
    *(("own", "t.jsonl", [{"question": "Q?", "choices": {yes: yes, no: no}, "answer": True}], Question("1", "Q?", (yes,), ((yes, yes), (no, no)))) for yes, no in (("yes", "no"), ("True", "False"))),
    ("own", "t.csv", "question,A,B,answer\nQ?,True,False,false\n", Question("1", "Q?", ("B",), (("A", "True"), ("B", "False")))),
    ("own", "t.csv", "question,A,B,C,answer\nQ?,x,y,z,1\n", Question("1", "Q?", ("B",), (("A", "x"), ("B", "y"), ("C", "z")))),
    ("own", "t.tsv", "question\tchoices\tanswer\nQ?\t['x', 'y', 'z']\t[0, 2]\n", Question("1", "Q?", ("A", "C"), (("A", "x"), ("B", "y"), ("C", "z")))),
    ("own", "t.csv", "question,A,B,answer\nQ?,1968,1969,1969\n", Question("1", "Q?", ("B",), (("A", "1968"), ("B", "1969")))),
    *(("own", "t.csv", f"question,answer\nQ?,{cell}\n", Question("1", "Q?", (cell,))) for cell in ("7", "007", "1969")),
    ("own", "t.csv", "question,A,B,answer\nQ?,,,x\n", Question("1", "Q?", ("x",))),
    ("own", "t.jsonl", [{"question": "Q?", "answer": "x", "A": 3, "N": 4, "K": 5}], Question("1", "Q?", ("x",))),
    ("own", "t.jsonl", [{"question": "Q?", "answers": ["x", "y"], "label": "history"}], Question("1", "Q?", ("x", "y"))),
    ("own", "t.jsonl", [{"question": "Q?", "answers": "x", "context": [["T", ["One. ", "Two."]]]}], Question("1", "Q?", ("x",), documents=("T\nOne. Two.",))),
    ("own", "t.jsonl", [{"question": "Q?", "answers": "x", "context": {"title": ["T"], "sentences": [["One. ", "Two."]]}}], Question("1", "Q?", ("x",), documents=("T\nOne. Two.",))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "file", "content", "expected"), ROWS)
def test_rows_of_every_layout(tmp_path, name, file, content, expected):
    questions = list(benchmark(name).questions([put(tmp_path, file, content)]))
    assert questions[0] == expected
    assert len(questions) == (4 if name == "convfinqa" else 1), "what is not asked is left out"
    assert write_records(tmp_path / "q.jsonl", questions) == len(questions)
    assert list(read_records(tmp_path / "q.jsonl", Question)) == questions


def test_a_conversation_is_read_turn_by_turn_with_what_was_said_before(tmp_path):
    turns = list(benchmark("convfinqa").questions([put(tmp_path, "t.json", [REPORT])]))
    assert turns[2].question == "what was it in 2007?\n60.94\nand in 2005?\n25.14\nwhat is the change over that?"
    assert turns[2].answers == ("1.42403", "142.403%"), "a share is given in percent too"
    assert turns[3].answers == ("yes",)


@pytest.mark.parametrize(
    ("program", "share"),
    [("60.94", False), ("13.4%", True), ("subtract(3, 2)", False), ("divide(3, 2)", True), ("subtract(3, 2), divide(#0, 2)", True),
     ("divide(3, 2), multiply(#0, const_100)", False), ("divide(3, 2), subtract(#0, const_1)", True), ("divide(3, 2), divide(5, 2), subtract(#0, #1)", True),
     ("divide(3, 2), add(#0, 5)", False), ("add(5.5, 4.5), divide(#0, const_2)", False), ("subtract(110.8, const_100), divide(#0, const_100)", True), ("divide(3, 4), divide(5, 4), add(#0, #1), divide(#2, const_2)", True), ("greater(3, 2)", False)],
)  # fmt: skip
def test_what_of_convfinqa_is_a_share(program, share):
    from rag_instruct.benchmarks.convfinqa import is_share

    assert is_share(program) == share


def test_pubmedqa_is_the_ids_of_the_test(tmp_path):
    other = {**PUBMED, "pubid": 2, "final_decision": "no"}
    listed = put(tmp_path, "test_ground_truth.json", {"21645374": "yes"})
    question = Question(
        "21645374", "Does it?", ("yes",), (("yes", "yes"), ("no", "no"), ("maybe", "maybe")), ("One.\nTwo.",)
    )
    assert list(benchmark("pubmedqa").questions([put(tmp_path, "t.parquet", [PUBMED, other]), listed])) == [question]
    original = {"21645374": {"QUESTION": "Does it?", "CONTEXTS": ["One.", "Two."], "final_decision": "yes"}}
    assert list(benchmark("pubmedqa").questions([put(tmp_path, "t.json", original), listed])) == [question]


def test_a_question_as_a_model_reads_it():
    assert Question("1", "Q?", ("A",), (("A", "x"), ("B", "y"))).asked == "Q?\nA. x\nB. y"
    assert (
        Question("1", "Q?", ("no",), (("yes", "yes"), ("no", "no"), ("maybe", "maybe"))).asked
        == "Q?\nAnswer yes, no or maybe."
    )
    assert Question("1", "Q?", ("x",)).asked == "Q?"


def test_all_eleven_have_the_sizes_and_rules_of_the_paper():
    known = {name: benchmark(name) for name in names() if name != "own"}
    assert {name: one.size for name, one in known.items()} == SIZES
    exact = {name for name, one in known.items() if one.metric == "exact_match"}
    assert exact == {"openbookqa", "pubhealth", "arc", "convfinqa", "pubmedqa"}
    assert all(name == one.name for name, one in known.items())


# What is wrong with a file, and what is said of it.
FAULTS = [
    ("webquestions", "t.jsonl", [{"quest": "who?", "answers": ["x"]}], "t.jsonl, line 1: no 'qText', it has quest, answers"),
    ("webquestions", "t.jsonl", [{"question": "who?", "answers": []}], "line 1: the question has no answer"),
    ("webquestions", "t.jsonl", [{"question": " ", "answers": ["x"]}], "line 1: the question must be a text, but is ' '"),
    ("popqa", "t.jsonl", [POPQA, {**POPQA, "s_pop": None}], "line 2: "),
    ("popqa", "t.jsonl", [{**POPQA, "possible_answers": "farmer"}], "line 1: a list of texts was expected, but found 'farmer'"),
    ("triviaqa", "t.jsonl", [{"question": "Which?", "question_id": "1", "answer": {"value": "<unk>", "aliases": []}}], "the test split hides its answers"),
    ("arc", "t.jsonl", [{"id": "1", "question": "Q", "choices": CHOICES, "answerKey": "D"}], "answerKey 'D' is not among the labels of the choices: 1, 2, 3"),
    ("arc", "t.jsonl", [{"id": "1", "question": "Q", "choices": {"text": ["x"], "label": ["A", "B"]}, "answerKey": "A"}], "zip()"),
    ("pubhealth", "t.tsv", "claim_id\tclaim\tlabel\n1\tx\n", "line 2: 2 fields where the header has 3"),
    ("pubhealth", "t.tsv", "claim_id\tclaim\tverdict\n1\tx\ttrue\n", "line 2: no 'label', it has claim_id, claim, verdict"),
    ("musique", "t.jsonl", [{**MUSIQUE, "answerable": False}], "take musique_ans_v1.0_dev.jsonl"),
    ("convfinqa", "t.json", [{**REPORT, "annotation": {**TURNS, "exe_ans_list": [1]}}], "questions (4), answers (1) and programs (4) differ"),
    ("convfinqa", "t.json", [REPORT, {**REPORT, "annotation": {}}], "t.json, line 1, record 2: no 'dialogue_break'"),
    ("convfinqa", "t.json", [{**REPORT, "annotation": {**TURNS, "turn_program": ["add(#3, #1)"] * 4}}], "t.json, line 1, record 1: list index out of range"),
    ("convfinqa", "t.json", [{**REPORT, "annotation": {**TURNS, "exe_ans_list": [float("nan")] * 4}}], "an answer must be a number, yes or no, but is nan"),
    ("convfinqa", "t.json", [{**REPORT, "table": "a b"}], "the table must be a list of rows, but is 'a b'"),
    ("arc", "t.jsonl", [{"id": 1, "question": "Q?", "choices": {"label": ["A", "B"], "text": ["x", None]}, "answerKey": "A"}], "the text of choice B must be a text, but is None"),
    ("own", "t.jsonl", [{"question": "Q?", "choices": ["x", "y"], "answers": ["z"]}], "the answer 'z' is neither a label nor a text of the choices: correct or remove the record"),
    ("own", "t.csv", "question,answers\nQ?,\"['x' 'y']\"\n", "line 2: the answers looks like a list, but is not JSON: \"['x' 'y']\""),
    ("own", "t.jsonl", [{"question": "Q?", "gold": "x"}], "line 1: no 'answers', it has question, gold; if another field has it, name that under `fields`: correct or"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": [["x", "y"]]}], "the answers must be a text or a number, but is ['x', 'y']"),
    ("own", "t.csv", "Q?,x\nR?,y\n", "give the names under `header`"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": "x", "context": [{"body": "c"}]}], "a document has no 'text', it has body: correct or remove the record"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": "x", "context": [["c", "d", "e"]]}], "a document that is a list must be a pair of title and sentences, but is ['c', 'd', 'e']"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": ["x", "y", "z"], "label": 2}], "the 3 answers seem to be choices, of which `label` numbers the right one: call them `choices` and `answers`"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": {"en": "x"}}], "the answers must be a text or a number, but is {'en': 'x'}"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": [True]}], "the answers must be a text or a number, but is True"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": None}], "the field 'answers' is empty: fill it in"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": "x", "choices": "x or y"}], "the choices must be a list, or an object of texts by label, but are 'x or y'"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": "x", "choices": [{"value": "x"}]}], "no 'label', it has value"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": "x", "choices": {"label": "A", "text": "x"}}], "the choices must be a list, or an object of texts by label"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": "x", "choices": [["A", "x"], ["A", "y"]]}], "two choices have the same label: A, A"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": 1, "choices": [["A", "x"], ["y"]]}], "a choice must be a pair of label and text as the first one is, but is ['y']"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": 2, "choices": [1, 2, 3, 4]}], "the answer 2 means two choices, as a text and as a place from 0: give the right choice's label"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": 2, "choices": ["x", "y"]}], "the answer 2 means no choice (places count from 0): give the right choice's label"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": "A", "choices": {"label": ["A"], "text": ["x", "y"]}}], "2 choices need as many labels, but have ['A']"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": "x", "choices": list("abcdefghijklmnopqrstuvwxyzä")}], "there are 27 choices, more than letters: give each a label"),
    ("own", "t.csv", "question,A,B,C,D,answer\nQ?,x,,y,z,C\n", "line 2: choice B is empty, but choice D is not: correct or remove"),
    ("own", "t.csv", "question,A,B,C,answer\nQ?,,x,y,B\n", "line 2: choice A is empty, but choice C is not"),
    ("own", "t.csv", "question,A,B,C,answer\nQ?,x,,,A\n", "line 2: choice B is empty, but choice A is not"),
    ("own", "t.jsonl", [{"question": "Q?", "A": "x", "B": None, "C": "y", "answer": "C"}], "line 1: choice B is empty, but choice C is not"),
    ("own", "t.jsonl", [{"question": "Q?", "A": "x", "C": "y", "answer": "C"}], "line 1: choice B is empty, but choice C is not"),
    ("own", "t.csv", "question,A,B,C,answer\nQ?,1,2,3,2\n", "the answer 2 means two choices, as a text and as a place from 0"),
    ("own", "t.csv", "question,A,B,answer\nQ?,x,y,2\n", "the answer 2 means no choice (places count from 0)"),
    ("own", "t.jsonl", [{"question": "Q?", "choices": ["x", "y"], "answer": False}], "the answer false is neither a label nor a text of the choices"),
    ("own", "t.jsonl", [{"question": "Q?", "options": ["x", "y"]}], "no 'answers', it has question, options"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": "x", "context": [{"title": "T", "text": ["One."]}]}], "the document's text must be a text, but is ['One.']"),
    ("own", "t.jsonl", [{"question": "Q?", "answers": "x", "id": 1.0}], "the id must be a text or a whole number, but is 1.0"),
    ("own", "t.jsonl", [{"question": ["Q?"], "answers": "x"}], "the question must be a text, but is ['Q?']"),
    ("own", "t.jsonl", [["Q?", "x"]], "line 1, record 1: 'Q?' is not an object with fields"),
    ("hotpotqa", "t.jsonl", [{"id": "a", **HOP, "supporting_facts": FACTS}], "1 questions, but the complete set has 7,405"),
    ("hotpotqa", "t.jsonl", [], "0 questions, but the complete set has 7,405"),
    ("own", "t.jsonl", [], "0 questions, no record has a question"),
    ("own", "t.jsonl", [{"id": 1, "question": "Q?", "answers": "x"}] * 2, "1 ids occur more than once, for example '1'"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "file", "content", "said"), FAULTS)
def test_a_file_that_is_not_what_it_should_be_is_refused_with_its_place(tmp_path, name, file, content, said):
    with pytest.raises(UserError) as refusal:
        loaded(name, [put(tmp_path, file, content)], {})
    assert said in str(refusal.value)
    assert file in str(refusal.value)


def test_wrong_names_in_the_settings_are_said_with_the_fields_of_the_file(tmp_path):
    quiz = put(tmp_path, "t.jsonl", [{"question": "Q?", "answer": "x", "lang": "en"}])
    for fields in ({"question": "q"}, {"answers": ["answer", "q"]}):
        with pytest.raises(
            UserError, match=r"line 1: no 'q', it has .*; if `fields` has a wrong name, correct it there"
        ):
            loaded("own", [quiz], {}, fields=fields)
    with pytest.raises(
        UserError, match=r"names the field 'language', but the records have only question, answer, lang: c"
    ):
        loaded("own", [quiz], {"lang": "en", "language": "en"})
    with pytest.raises(UserError, match=r"t\.jsonl: no record matches `where`: {'lang': 'de'}: correct it"):
        loaded("own", [quiz], {"lang": "de"})
    assert len(loaded("own", [quiz], {"deleted": "null"})) == 1


def test_the_way_to_questions_in_squads_layout_is_said_step_by_step(tmp_path):
    texts = [{"context": "A text.", "qas": [{"id": "1", "question": "Q?", "answers": [{"text": "x"}]}]}]
    quiz = put(tmp_path, "t.json", {"data": [{"title": "T", "paragraphs": texts}]})
    for under, next_one in [("", "data"), ("data", "data.paragraphs"), ("data.paragraphs", "data.paragraphs.qas")]:
        with pytest.raises(UserError, match=f"set `under: {next_one}`$"):
            loaded("own", [quiz], {}, Form(under=under))
    assert len(loaded("own", [quiz], {}, Form(under="data.paragraphs.qas"))) == 1


def test_pubmedqa_without_ids_or_with_other_ones_is_refused(tmp_path):
    table = put(tmp_path, "t.parquet", [PUBMED])
    for listed, said in [([], "set `ids` in config.yaml"), ([put(tmp_path, "a.json", [1])], "set `ids` to the authors' test_ground_truth.json"), ([put(tmp_path, "c.json", {"1": {"QUESTION": "?"}})], "set `ids` to the authors'"), ([put(tmp_path, "b.json", {"21645374": "no"})], "are both files from the same release?")]:  # fmt: skip
        with pytest.raises(UserError, match=said):
            list(benchmark("pubmedqa").questions([table, *listed]))


def test_an_unknown_benchmark_is_said_with_the_known_ones():
    with pytest.raises(
        UserError,
        match=r"benchmarks: no benchmark 'arcs': did you mean 'arc'\? .* add rag_instruct/benchmarks/arcs\.py",
    ):
        benchmark("arcs")


AT_MOST = 250  # real questions that are scored here; `python -m scripts.measure_scorers` scores all
REAL = {
    "webquestions": (["benchmarks/webquestions_val.json"], 755),
    "popqa": (["benchmarks/popQA_500.tsv"], 123),
    "triviaqa": (["benchmarks/triviaqa_unfiltered_1500.json"], 1500),
    "openbookqa": (["benchmarks/openbookqa_200.jsonl"], 200),
    "arc": (["benchmarks/arc_challenge_400.jsonl"], 400),
    "hotpotqa": (["benchmarks/hotpotqa_train_60.json"], 60),
    "two_wiki": (["benchmarks/hotpotqa_train_60.json"], 60),  # 2Wiki's own layout is HotpotQA's
    "musique": (["benchmarks/musique_train_60.json"], 60),
    "pubmedqa": (["benchmarks/pubmedqa_ori_pqal.json", "benchmarks/pubmedqa_test_ground_truth.json"], 500),
}
DUMMIES = {
    "webquestions": ("web_questions/1.0.0/dummy_data/blobtest", 1),
    "openbookqa": ("openbookqa/main/**/Main/test.jsonl", 2),
    "arc": ("ai2_arc/**/ARC-Challenge-Test.jsonl", 2),
    "pubhealth": ("health_fact/**/test.tsv", 4),
    "triviaqa": ("trivia_qa/unfiltered.nocontext/**/unfiltered-web-dev.json", None),
}


@needs_shared
@pytest.mark.parametrize("name", REAL)
def test_gold_answers_of_real_rows_score_100_empty_ones_0_and_shuffled_ones_near_chance(name):
    files, count = REAL[name]
    known = benchmark(name)
    questions = list(known.questions([SHARED / file for file in files]))
    assert len(questions) == count
    questions = questions[:: -(-count // AT_MOST)]
    count = len(questions)
    gold = [question.answers[0] for question in questions]

    def mean(outputs):
        return sum(known.score(q, o)[known.metric] for q, o in zip(questions, outputs, strict=True)) / count

    assert mean(gold) == 1
    assert mean([f"The answer is {answer}." for answer in gold]) > 0.998
    assert mean([""] * count) == mean(["I do not know."] * count) == 0
    shuffled = random.Random(1).sample(gold, count)
    chance = sum(a in q.answers for q, a in zip(questions, shuffled, strict=True)) / count
    assert mean(shuffled) == pytest.approx(chance, abs=0.02)
    scores = [known.score(q, o) for q, o in zip(questions, shuffled, strict=True)]
    assert all(0 <= value <= 1 for score in scores for value in score.values())


@needs_shared
@pytest.mark.parametrize("name", DUMMIES)
def test_rows_of_the_authors_own_archives(name, tmp_path):
    pattern, count = DUMMIES[name]
    path = next((SHARED / "hub_samples").glob(pattern))
    if not path.suffix:  # an archive's name for a JSON file
        path = put(tmp_path, "blobtest.json", path.read_text())
    questions = list(benchmark(name).questions([path]))
    assert len(questions) == (count or len(questions)) > 0
    assert all(benchmark(name).score(q, q.answers[0])[benchmark(name).metric] == 1 for q in questions)


@needs_shared
def test_convfinqas_own_answers_in_words_score_as_their_results():
    """The authors give each turn's answer as a text too; where it is a right rounding with its sign, it has to count."""
    records = json.loads((SHARED / "benchmarks/convfinqa_dev_120_restructured.json").read_text())
    known = benchmark("convfinqa")
    right = total = 0
    for record in records:
        said = record["dialogue"]
        annotation = {
            "dialogue_break": said["conv_questions"],
            "exe_ans_list": said["executed_answers"],
            "turn_program": said["turn_program"],
        }
        from rag_instruct.benchmarks.convfinqa import turns

        for question, text in zip(
            turns({"id": record["id"], "pre_text": [], "post_text": [], "table": [], "annotation": annotation}, 1),
            said["conv_answers"],
            strict=True,
        ):
            assert known.score(question, question.answers[0])["exact_match"] == 1
            assert known.score(question, "")["exact_match"] == 0
            right += known.score(question, text)["exact_match"]
            total += 1
    assert total == 413
    assert right >= 385, "the rest are wrong signs and roundings of the data set's own"


@pytest.mark.parametrize(
    ("file", "content", "fields", "expected"),
    [
        ("t.csv", "Query,Gold\nQ?,x\n", {"question": ["Query"], "answers": ["Gold"]}, Question("1", "Q?", ("x",))),
        ("t.csv", "question,a0,a1,a2\nQ?,x,,z\n", {"answers": ["a0", "a1", "a2"]}, Question("1", "Q?", ("x", "z"))),
        ("t.csv", "question,best,all\nQ?,x,y; z\n", {"answers": ["best", "all"], "separator": "; "}, Question("1", "Q?", ("x", "y", "z"))),
        ("t.csv", "question,best,more\nQ?,x,[]\n", {"answers": ["best", "more"]}, Question("1", "Q?", ("x",))),
        ("t.jsonl", [{"question": "Q?", "oa": "x", "ob": "y", "key": 1}], {"choices": ["oa", "ob"], "answers": "key"}, Question("1", "Q?", ("B",), (("A", "x"), ("B", "y")))),
        ("t.jsonl", [{"question": "Q?", "answers": ["x", "y"], "label": 1}], {"choices": "answers", "answers": "label"}, Question("1", "Q?", ("B",), (("A", "x"), ("B", "y")))),
        ("t.jsonl", [{"question": "Q?", "answer": "x", "hits": [{"said": "c"}], "key": 7}], {"documents": "hits.said", "id": "key"}, Question("7", "Q?", ("x",), documents=("c",))),
        *(("t.jsonl", [{"question": "Q?", name: "x; y"}], {"separator": "; "}, Question("1", "Q?", ("x", "y"))) for name in ("answers", "answer", "answerKey")),
        ("t.csv", "question,answers,answer\nQ?,,x; y\n", {"separator": "; "}, Question("1", "Q?", ("x", "y"))),
        ("t.csv", "question,A,B,C,answer\nQ?,x,y,z,0; 2\n", {"separator": "; "}, Question("1", "Q?", ("A", "C"), (("A", "x"), ("B", "y"), ("C", "z")))),
        ("t.csv", "Q,A,B\nQ?,x,y\n", {"question": "Q", "answers": ["A", "B"]}, Question("1", "Q?", ("x", "y"))),
        ("t.csv", "Q,A,B,answer\nQ?,x,y,B\n", {"question": "Q"}, Question("1", "Q?", ("B",), (("A", "x"), ("B", "y")))),
    ],
)  # fmt: skip
def test_a_users_file_may_have_other_names_of_fields(tmp_path, file, content, fields, expected):
    assert loaded("own", [put(tmp_path, file, content)], {}, fields=fields) == [expected]


@pytest.mark.parametrize("name", ["own", "webquestions"])
def test_records_without_ids_are_numbered_over_all_files(tmp_path, name):
    files = [put(tmp_path, file, [{"question": f"{file} {n}?", "answers": ["x"]} for n in range(2)]) for file in ("a.jsonl", "b.jsonl")]  # fmt: skip
    assert [question.id for question in benchmark(name).questions(files)] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("where", [{"is_impossible": "false"}, {"level": "2"}, {"split": "dev"}])
def test_only_some_records_of_a_users_file_may_be_questions(tmp_path, where):
    rows = [
        {"question": "Q?", "answers": "x", "is_impossible": False, "level": 2, "split": "dev"},
        {"question": "R?", "answers": [], "is_impossible": True, "level": 3, "split": "test"},
    ]
    assert [question.question for question in loaded("own", [put(tmp_path, "t.jsonl", rows)], where)] == ["Q?"]


@pytest.mark.parametrize("given", [{"where": {"prop": "color"}}, {"where": {}, "fields": {"id": "key"}}])
def test_settings_of_a_users_file_are_refused_for_other_schemas(tmp_path, given):
    with pytest.raises(UserError, match="`where` and `fields` are for `schema: own`"):
        loaded("popqa", [put(tmp_path, "t.jsonl", [POPQA])], **given)


def test_two_sets_of_one_schema_have_two_labels():
    found = {name: facts(name, settings)["label"] for name, settings in SETS.items()}
    assert found == {"hotpotqa": "HotP", "hotpot_b": "hotpot_b", "mine": "mine", "given": "Given"}


def test_answers_too_long_to_be_stated_are_said(tmp_path, caplog):
    long = " ".join(map(str, range(16)))
    rows = [{"question": f"{n}?", "answers": answers} for n, answers in enumerate([[long], [long], ["x", long]])]
    loaded("own", [put(tmp_path, "t.jsonl", rows)], {})
    assert "2 of 3 questions have only answers of more than 15 words, the first is 1" in caplog.text
    caplog.clear()
    loaded("own", [put(tmp_path, "t.jsonl", rows[1:])], {})
    assert "more than 15 words" not in caplog.text


def test_the_demos_questions_load_by_kind():
    for kind in ("open", "closed", "multi_hop", "own_context"):
        questions = loaded("own", [ROOT / "resources/demo/questions.jsonl"], {"kind": kind})
        assert len(questions) >= 10
        assert all(benchmark("own").score(q, q.answers[0])["accuracy"] == 1 for q in questions)
        assert all(bool(q.documents) == (kind == "own_context") for q in questions)


def test_the_documented_file_of_a_benchmark_reads_and_scores_its_questions(tmp_path):
    page = (ROOT / "docs/adding_a_benchmark.md").read_text()
    module = {}
    exec(re.search(r"```python\n(.*?)```", page, re.S)[1], module)
    records = [
        {"approved": False, "text": "Dropped?", "solutions": [{"text": "No"}], "article": "None"},
        {"approved": True, "text": "Who?", "solutions": [{"text": "Ann Lee"}, {"text": "Lee"}], "article": "Lives"},
    ]
    (question,) = module["BENCHMARK"].questions([put(tmp_path, "quiz.jsonl", records)])
    assert question == Question("2", "Who?", ("Ann Lee", "Lee"), gold_titles=("Lives",))
    assert module["BENCHMARK"].score(question, "It was Ann Lee.")["accuracy"] == 1
