"""What a teacher is asked, what it may answer, and which pairs are refused."""

import asyncio
import json
from types import SimpleNamespace

import pytest
import yaml
from conftest import ROOT
from made import exemplar

from rag_instruct.citations import cited, in_one_form, renumbered, uncited
from rag_instruct.corpus.passages import Passage
from rag_instruct.errors import UserError
from rag_instruct.exemplars.instruction_sets import SCHEMAS, InstructionSet
from rag_instruct.llm.prompts import load_prompt
from rag_instruct.paradigms import PARADIGMS, Slot
from rag_instruct.reasons import Fault
from rag_instruct.retrieval.runs import Hit
from rag_instruct.schema import Link
from rag_instruct.synthesis.citing import citation_fault
from rag_instruct.synthesis.declining import declining_fault
from rag_instruct.synthesis.filters import pair_fault
from rag_instruct.synthesis.focus import Focus, whole_documents
from rag_instruct.synthesis.sentence_focus import kind_of
from rag_instruct.synthesis.slots import Origin, Synthesis, synthesise

PROMPTS = ROOT / "resources/prompts"
DANUBE = [
    Passage(
        "1",
        "Danube",
        "The Danube rises in the Black Forest of Germany. The Danube flows through Vienna to the Black Sea.",
    ),
    Passage(
        "2",
        "Danube",
        "Roman soldiers guarded the Danube for several centuries. Ships of the Roman fleet sailed on the Danube.",
    ),
    Passage("3", "Vienna", "Vienna is the capital of Austria. Ludwig van Beethoven moved to Vienna from Bonn in 1792."),
    Passage(
        "4", "Vienna", "The first coffee house of Vienna opened in 1685. The opera house of Vienna opened in 1869."
    ),
    Passage(
        "6",
        "Danube",
        "The Danube was crossed by a bridge of Trajan in 105. The delta of the Danube lies in Romania near Vienna.",
    ),
    Passage(
        "7",
        "Danube",
        "The Danube was joined to the Rhine in 1992. The Danube reaches Budapest below the hills of Visegrad.",
    ),
    Passage(
        "8", "Vienna", "The siege of Vienna was ended by John Sobieski. The giant wheel of Vienna turned first in 1897."
    ),
    Passage("5", "Rhine", "The Rhine rises in the Alps of Switzerland. The Rhine reaches the North Sea at Rotterdam."),
]


@pytest.mark.parametrize("paradigm", PARADIGMS)
def test_every_full_prompt_makes_requests_from_whole_documents(paradigm):
    prompt = load_prompt(PROMPTS / f"full/{paradigm}.yaml")
    for focus in whole_documents(paradigm, DANUBE, "seed"):
        for step in prompt.steps:
            body = step.body("question", {**focus.variables, "simulation": ""})
            assert body["messages"][-1]["role"] == "user"
            assert "{" not in body["messages"][-1]["content"]


def test_the_exemplar_is_shown_where_it_is_to_be_imitated():
    prompt = load_prompt(PROMPTS / "full/useless_doc.yaml")
    assert "{exemplar}" in prompt.simulation
    assert "{simulation}" in prompt.steps[0].user


@pytest.mark.parametrize(
    ("instruction", "kind"),
    [
        ("What is a fjord?", "question"),
        ("Describe the Rhine.", "command"),
        ("Explain how a lock works.", "explanation"),
        ("Why do leaves fall?", "explanation"),
        ("Compare Mars and Jupiter.", "comparison"),
        ("Is it true that the Nile flows north?", "claim"),
        ("Which city is a capital?\nA. Bonn\nB. Vienna", "choice"),
        ("", "question"),
    ],
)
def test_kinds_of_tasks(instruction, kind):
    assert kind_of(instruction) == kind


def test_kinds_of_the_demo_exemplars_agree_with_their_author():
    agreed = total = 0
    for line in (ROOT / "tests/data/demo_labels.jsonl").open():
        label = json.loads(line)
        if label["kind"] == "none":
            continue
        path = next((ROOT / "resources/demo/exemplars").glob(f"{label['set']}.json*"))
        rows = InstructionSet([path], label["set"], SCHEMAS[label["set"]])
        text = next((text for row, text in rows if row == label["row"]), None)
        if text:
            total += 1
            agreed += kind_of(text) == label["kind"]
    assert total >= 50
    assert agreed / total > 0.8


DOCUMENT = Focus((DANUBE[0],), (), {"documents": "..."})


def refused(*pair):
    """The reason to refuse a pair, or None."""
    fault = pair_fault(*pair)
    return fault and fault.reason


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("Name the sea into which the Danube flows.", "The Black Sea.", None),
        (
            "Name the sea into which the Danube flows.",
            "The North Sea off the Netherlands in 1900.",
            "ungrounded",
        ),
        ("Who was the author of Hamlet?", "It flows through Vienna to the Black Sea.", "off topic"),
        ("Into which sea does the Danube flow?\nA. Black Sea\nB. Black Sea", "A. Black Sea", "bad options"),
    ],
)
def test_reasons_to_refuse(question, answer, reason):
    assert refused("single_doc_answer", question, answer, "Compare tea and coffee.", DOCUMENT) == reason


def test_an_exemplar_that_is_repeated_is_refused():
    question = "Where exactly does the river Danube rise?"
    assert refused("single_doc_answer", question, "In Germany.", question, DOCUMENT) == "copies exemplar"


def test_a_document_that_should_not_help_must_not_state_the_answer():
    useless = Focus((DANUBE[0],), (), {"documents": "..."})
    question, answer = "In which forest of Germany does the Danube rise?", "The Danube rises in the Black Forest."
    assert refused("useless_doc", question, answer, "", useless) == "answer in document"
    assert refused("useless_doc", question, answer, "", Focus((DANUBE[4],), (), {"documents": "..."})) in (
        None,
        "off topic",
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("version: 1", "the key 'steps' is missing"),
        ("version: 1\nsteps: [{name: a, user: b}]", "steps.0: the key 'max_tokens' is missing"),
        (
            "version: 1\nsteps: [{name: a, user: b, max_tokens: 3, patern: x}]",
            "steps.0 has no key 'patern': did you mean 'pattern'?",
        ),
        ("version: [", "expected"),
    ],
)
def test_a_broken_prompt_file_is_named(tmp_path, content, said):
    path = tmp_path / "p.yaml"
    path.write_text(content)
    with pytest.raises(UserError) as refusal:
        load_prompt(path)
    assert said in str(refusal.value)
    assert "p.yaml" in str(refusal.value)


STEPS = (
    "version: 1\nsteps: [{name: pair, user: '{documents}', "
    "schema: {properties: {}, required: [question, answer]}, max_tokens: 3}"
)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{documents}", '{"skip": false}', "steps.0.user: {\"skip\"} is no variable here: known are documents, exemplar"),
        ("{documents}", '{"skip": false}', "or write {{ and }} for braces that are text"),
        ("{documents}", "{document}", "steps.0.user: {document} is no variable here: did you mean 'documents'?"),
        ("{documents}", "{questions}", "steps.0.user: {questions} is no variable here"),  # of another focus
        ("{documents}", "{documents", "steps.0.user: expected '}' before end of string: write {{ and }} for braces that are text"),
        ("{documents}", "} {documents}", "steps.0.user: Single '}' encountered in format string: write"),
        ("{documents}", "{}", "steps.0.user: {} is no variable here"),
        ("{documents}", "{documents.title}", "steps.0.user: {documents.title} is no variable here"),
        ("{documents}", "{documents[title]}", "steps.0.user: {documents[title]} is no variable here"),
        ("question, answer", "question", "pair.answer: {answer} is no variable here"),
        ("max_tokens: 3", "max_tokens: 3, pattern: ^<document>$", "steps.0.pattern: 'document' is no variable here: did"),
        ("max_tokens: 3", "max_tokens: 3, among: document", "steps.0.among: 'document' is no variable here: did you mean"),
        ("version: 1", "version: 1\nsimulation: 'As {documents}'", "simulation: {documents} is no variable here"),
        ("version: 1", "version: 1\npair: {answer: {any: '{answr}'}}", "pair.answer: {answr} is no variable here"),
    ],
)  # fmt: skip
def test_a_variable_that_a_prompt_is_not_given_is_named_before_anything_is_asked(tmp_path, old, new, said):
    path = tmp_path / "single_doc_answer.yaml"
    path.write_text(f"{STEPS}]")
    load_prompt(path)
    path.write_text(f"{STEPS}]".replace(old, new))
    with pytest.raises(UserError) as refusal:
        load_prompt(path)
    assert "single_doc_answer.yaml: " in str(refusal.value)
    assert said in str(refusal.value)


def test_a_prompt_whose_last_reply_is_a_text_cannot_ask_for_another_text(tmp_path):
    path = tmp_path / "single_doc_answer.yaml"
    path.write_text(f"declining: Write `declined`.\n{STEPS}]")
    assert load_prompt(path).steps[0].asking_for("declined").fills == {"question", "answer", "declined"}
    path.write_text(f"declining: Write `declined`.\n{STEPS}, {{name: question, user: '{{documents}}', max_tokens: 3}}]")
    with pytest.raises(UserError, match="declining: the reply of the last step has no place for `declined`"):
        load_prompt(path)


def test_a_later_step_has_what_earlier_ones_fill(tmp_path):
    path = tmp_path / "single_doc_answer.yaml"
    path.write_text(f"{STEPS}, {{name: again, user: 'Better than {{question}} {{{{x}}}}', max_tokens: 3}}]")
    assert load_prompt(path).steps[1].body("any", {"question": "Q?"})["messages"][0]["content"] == "Better than Q? {x}"
    path.write_text(f"{STEPS}, {{name: again, user: 'Better than {{again}}', max_tokens: 3}}]")
    with pytest.raises(UserError, match="again} is no variable here"):
        load_prompt(path)


def test_the_five_full_prompts_differ_where_the_paradigms_do():
    texts = [yaml.safe_load((PROMPTS / f"full/{name}.yaml").read_text())["steps"][0]["system"] for name in PARADIGMS]
    assert len(set(texts)) == 5


def filled(paradigm, replies, exemplars, tries, slots=1, **given):
    """What synthesis makes when the teacher gives these replies in turn; the requests are added to `given["asked"]`."""
    waiting = iter(replies)

    async def ask(body, sample=0):
        given.get("asked", []).append(body["messages"][-1]["content"])
        return f"key{len(given.get('asked', []))}", {"text": next(waiting), "finish_reason": "stop"}

    teacher = SimpleNamespace(ask=ask, model=SimpleNamespace(in_flight=1), bought=0, replayed=0)
    run = SimpleNamespace(hits=lambda _: [Hit(passage, row, row + 1, 0.5) for row, passage in enumerate(DANUBE)])
    prompt = load_prompt(PROMPTS / f"full/{paradigm}.yaml")
    work = Synthesis(
        paradigm, exemplars, run, prompt, teacher, True, "1", Origin("m", "full", 2), **given.get("how", {})
    )
    return asyncio.run(synthesise(work, [Slot("s", n, slots) for n in range(slots)], range(slots), tries))


def test_a_skipped_exemplar_costs_one_call_and_the_next_is_tried():
    """A slot with two exemplars and six tries: the skipped one is not asked about again, with other documents."""
    asked: list[str] = []
    good = json.dumps({"question": "Who painted Guernica?", "answer": "Pablo Picasso painted it."})
    exemplars = [exemplar(f"s:{n}", f"What is number {n}?") for n in range(2)]
    bad = good.replace("Who", "According to the text, who")
    replies = ['{"skip": true}', bad, bad, good]
    pairs, rejects = filled("useless_doc", replies, exemplars, 6, asked=asked)
    assert [str(reject.reason) for reject in rejects] == ["skipped", "not standalone", "not standalone"]
    assert len(asked) == 4
    assert len({reject.exemplar_id for reject in rejects}) == 2
    assert [reject.exemplar_id for reject in rejects].count(rejects[0].exemplar_id) == 1
    assert (pairs[0].attempt, pairs[0].exemplar_id) == (5, rejects[1].exemplar_id)


ACROSS = {
    "question": "In which city did the composer settle in 1792 on whose river Roman soldiers stood guard for centuries?",
    "answer": "In Vienna. Beethoven moved to Vienna in 1792, and Roman soldiers guarded the Danube for several centuries.",
}


@pytest.mark.parametrize(
    ("unused", "reason"),
    [
        ([1], None),
        ([1, 2], "one document is enough (unused: 1, 2)"),
        ([1, 7], None),  # there are three documents: a number too many takes none away
        ([0], "unparsable (there is no document 0 that could be unused)"),
        ("1", "unparsable"),
    ],
)
def test_documents_may_be_left_unused(monkeypatch, unused, reason):
    monkeypatch.setattr("rag_instruct.synthesis.slots.whole_documents", three_documents)
    reply = json.dumps({**ACROSS, "unused": unused})
    pairs, rejects = filled("multi_doc_answer", [reply], [exemplar("s:0", "Who was it?")], 1)
    assert [str(Fault(one.reason, one.detail)) for one in rejects] == ([reason] if reason else [])
    if not reason:
        assert [source.id for source in pairs[0].sources] == ["2", "3"]
        assert [source.id for source in pairs[0].unused] == ["1"]


@pytest.mark.parametrize(
    ("unused", "reason"), [([], None), ([2], None), ([1], "first document unused"), ([2, 3], "one document is enough")]
)
def test_linked_documents_are_linked_to_the_first(monkeypatch, unused, reason):
    def linked(*_):
        links = tuple(Link("name", "1", one.id, "Danube") for one in DANUBE[1:3])
        yield Focus(tuple(DANUBE[:3]), (), {"documents": "..."}, links=links)

    monkeypatch.setattr("rag_instruct.synthesis.slots.whole_documents", linked)
    reply = json.dumps({**ACROSS, "unused": unused})
    pairs, rejects = filled("multi_doc_answer", [reply], [exemplar("s:0", "Who was it?")], 1)
    assert [str(one.reason) for one in rejects] == ([reason] if reason else [])
    for pair in pairs:
        assert {link.named for link in pair.links} == {source.id for source in pair.sources} - {"1"}


def three_documents(paradigm, ranked, seed):
    yield Focus(tuple(ranked[:3]), (), {"documents": "..."})


RISES = {"question": "Where does the Danube rise?", "answer": "In the Black Forest of Germany."}


@pytest.mark.parametrize(
    ("declined", "reason"),
    [
        ("The documents at hand do not say where the Danube rises.", None),
        ("It is not certain, but it may be in the Black Forest.", "not declined (it has Black)"),
        ("The documents do not say where, only that it flows through Vienna.", "not declined (it has Vienna)"),
        ("The documents do not say where it rises, but it is 2850 km long.", "not declined (it has 2850)"),
        ("The Danube rises in the east.", "not declined (nothing is said to be missing)"),
        ("", "not declined (nothing is said to be missing)"),
    ],
)
def test_a_row_that_declines_says_what_is_missing_and_no_more(declined, reason):
    asked, reply = [], json.dumps({**RISES, "declined": declined})
    given = filled("single_doc_answer", [reply], [exemplar("s:0", "Who?")], 1, asked=asked, how={"declining": 1.0})
    pairs, rejects = given
    assert 'Add a last member to the JSON object, "declined"' in asked[0]
    assert [str(Fault(one.reason, one.detail)) for one in rejects] == ([reason] if reason else [])
    if not reason:
        assert (pairs[0].withheld, pairs[0].declined, pairs[0].answer) == ("1", declined, RISES["answer"])


@pytest.mark.parametrize(
    ("question", "declined", "detail"),
    [
        ("Which lake does the Rhine pass?", "The documents do not name the lake.", ""),
        ("Which lake does the Rhine pass?", "They do not name it, but it is near Bregenz.", "it has Bregenz"),
        ("Which lake does the Rhine pass?", "They do not name it, but it is 63 km long.", "it has 63"),
        ("Which lake near Bregenz is 63 km long?", "No document says which lake near Bregenz has these 63 km.", ""),
        ("Which lake does the Rhine pass?", "They say the Rhine's mouth is in Holland, but not which lake.", ""),
        ("Which lake does the Rhine pass?", "They name 2 towns, but no lake.", ""),
        ("Which lake does the Rhine pass?", "It isn\u2019t said which lake it is.", ""),
        ("Which lake does the Rhine pass?", "Which lake it is, document 2 does not say.", "answer has 'document 2'"),
        ("Which lake does the Rhine pass?", "It is not said which lake the Rhine passes in the", "answer is cut off"),
        ("Which lake does the Rhine pass?", "It is not said" + " and not said" * 9, "answer repeats itself"),
        ("Welche Stadt liegt am Rhein?", "Die Dokumente sagen nicht, welche Stadt an diesem Fluss liegt.", ""),
        ("Welche Stadt liegt am Rhein?", "Das sagen die Dokumente nicht, aber der See ist 63 km lang.", "it has 63"),
    ],
)
def test_a_row_that_declines_tells_nothing_of_the_withheld_document(question, declined, detail):
    withheld = (
        "Lake Constance. It lies near Bregenz, and its length is 63 km. Of the 2 parts one is the Rhine's. Am Fluss."
    )
    fault = declining_fault(
        question, "Lake Constance, im Fluss.", declined, "Rhine. The Rhine ends in Holland.", withheld
    )
    assert (fault.detail if fault else "") == detail


@pytest.mark.parametrize(
    ("declined", "detail"),
    [
        ("No text says it, but the Po flows there.", "it has Po"),  # in "report"
        ("No text says it, but it has 12 mouths.", "it has 12"),  # in "1812"
        ("No text says it, but Ann saw it.", "it has Ann"),  # in "annual"
        ("The annual report of 1812 does not say it.", ""),
        ("No text says it, not even that of the Romans.", ""),  # "Roman" is known
        ("No text says it, not even that of Anglo and Saxon monks.", ""),
    ],
)
def test_a_name_inside_another_word_is_not_known(declined, detail):
    answer = "The Po, with its 12 mouths, as Ann and the Romans saw, and Anglo-Saxon monks."
    others = "The annual report of 1812 is Roman. It is no Anglo-Saxon text."
    fault = declining_fault("Which river is it?", answer, declined, others)
    assert (fault.detail if fault else "") == detail


def test_only_the_wanted_share_of_rows_declines_and_never_those_of_support():
    replies = [
        json.dumps({**RISES, "question": f"Where does the Danube rise, if {n} is my number?"}) for n in range(40)
    ]
    exemplars = [exemplar(f"s:{n}", f"Who is {n}?") for n in range(40)]
    asked = []
    filled("single_doc_answer", replies, exemplars, 1, slots=40, asked=asked, how={"declining": 0.3})
    assert 5 <= sum("declined" in said for said in asked) <= 20
    asked.clear()
    filled("useless_doc", replies, exemplars, 1, slots=40, asked=asked, how={"declining": 1.0})
    assert len(asked) == 40
    assert not any("declined" in said for said in asked)


def test_a_withheld_document_is_named_in_the_request_and_asked_for_by_the_schema():
    step = load_prompt(PROMPTS / "full/multi_doc_answer.yaml").steps[0].asking_for("declined")
    form = step.body("any", {"documents": "D", "simulation": "S"}, "more")["response_format"]["json_schema"]["schema"]
    assert form["required"] == ["asker", "skip", "question", "answer", "unused", "declined"]
    assert form["properties"]["declined"] == {"type": "string"}
    assert step.parse('{"skip": true}')["skip"] is True


@pytest.mark.parametrize("notes", ['"explanation": "x"', '"asker": null', '"asker": {"who": "a pupil"}, "why": "y"'])
def test_what_the_teacher_notes_for_itself_never_costs_a_pair(notes):
    step = load_prompt(PROMPTS / "full/multi_doc_support.yaml").steps[0]
    found = step.parse(f'{{{notes}, "skip": false, "question": "Q?", "answer": "A.", "unused": []}}')
    assert (found["question"], found["answer"], found["asker"], found["conclusion"]) == ("Q?", "A.", "", "")
    assert step.parse('{"asker": "a", "question": "Q?", "reply": "A."}') is None, "a text of the row has another name"


@pytest.mark.parametrize("member", [r'"question": "a \ud83d?"', r'"question": "a", "unused": [1], "answer": "\udE00"'])
def test_a_reply_with_half_a_surrogate_pair_cannot_be_read(member):
    """The endpoint's JSON is right; the JSON inside it has the escape of half a pair, which no file can hold."""
    step = load_prompt(PROMPTS / "full/multi_doc_answer.yaml").steps[0]
    whole = r'{"skip": false, "question": "a \ud83d\ude00?", "answer": "b", "unused": []}'
    assert step.parse(whole)["question"] == "a \U0001f600?"
    assert step.parse(f'{{"skip": false, {member}}}') is None
    assert step.parse(f'Here it is: {{"skip": false, {member}}}') is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Rome is the capital[1].", "Rome is the capital [1]."),
        ("罗马是首都[1]。", "罗马是首都 [1]。"),
        ("罗马是首都。【1】", "罗马是首都。 [1]"),
        ("He called it \u201can inn.\u201d[1]", "He called it \u201can inn.\u201d [1]"),
        ("Rome is the capital ([1]).", "Rome is the capital [1]."),
        ("Rome ([1] says so).", "Rome ([1] says so)."),
        ("Rome is the capital [1, 2].", "Rome is the capital [1][2]."),
        ("Rome is the capital [1], [2].", "Rome is the capital [1][2]."),
        ("Rome is the capital [1-3].", "Rome is the capital [1][2][3]."),
        ("Rome is the capital [Documents 1 and 2].", "Rome is the capital [1][2]."),
        ("Rome won [3-1], as `a[1]` and [one](two) say.", "Rome won [3-1], as `a[1]` and [one](two) say."),
        ("Rome is [the capital] [1].", "Rome is [the capital] [1]."),
        ("- Rome [1]\n[2] is older.", "- Rome [1]\n[2] is older."),
    ],
)
def test_citations_are_read_in_each_usual_spelling(written, read):
    assert in_one_form(written) == read
    assert in_one_form(read) == read


def test_brackets_in_code_are_no_citations():
    text = "Count from one [2]:\n```\nitems = [1]\n```"
    assert cited(text) == [2]
    assert uncited(text) == text.replace(" [2]", "")
    assert renumbered(text, {1: 5, 2: 3}) == text.replace("[2]", "[3]")


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        ("The bill was signed into law by Gov. Jerry Brown in 1975 [1].", ""),
        ("It was sold in that year by Acme Inc. President Mr. Lind [1].", ""),
        ("The law was made by Mr. Lind [1]. It was soon forgotten again.", "no citation: It was soon forgotten again."),
    ],
)
def test_only_whole_sentences_need_a_citation(answer, detail):
    fault = citation_fault("single_doc_answer", answer, [1])
    assert (fault.detail if fault else "") == detail


@pytest.mark.parametrize(
    ("answer", "unused", "said"),
    [
        ("Beethoven moved to Vienna in 1792 [3]. Soldiers guarded the Danube for centuries. [2]", [1], None),
        ("Beethoven moved to Vienna in 1792.[3] Soldiers guarded the Danube for centuries![2]", [1], None),
        ("Beethoven moved to Vienna in 1792.[3][2] Soldiers guarded the Danube for years.[2]", [1], None),
        ("- Vienna, where Beethoven moved in 1792 [3]\n- Soldiers guarded the Danube [2]", [1], None),
        ("Beethoven moved to Vienna in 1792[3]. Soldiers guarded the Danube ([2]).", [1], None),
        (
            "Beethoven moved to Vienna in 1792 [3]. Soldiers guarded the Danube for centuries.",
            [1],
            "document 2 is not cited",
        ),
        (
            "Beethoven moved to Vienna in 1792 [3]. Soldiers guarded the Danube [2].",
            [2],
            "[2] is no document that was used",
        ),
        (
            "Beethoven moved to Vienna in 1792 [3]. Soldiers guarded the Danube [4].",
            [1],
            "[4] is no document that was used",
        ),
        (
            "Beethoven moved to Vienna in 1792. Soldiers guarded it [2][3].",
            [1],
            "no citation: Beethoven moved to Vienna in 1792.",
        ),
    ],
)
def test_answers_cite_what_they_use(monkeypatch, answer, unused, said):
    monkeypatch.setattr("rag_instruct.synthesis.slots.whole_documents", three_documents)
    reply = json.dumps({"question": ACROSS["question"], "answer": answer, "unused": unused})
    asked = []
    given = [exemplar("s:0", "Who was it?")]
    pairs, rejects = filled("multi_doc_answer", [reply], given, 1, asked=asked, how={"citing": True})
    assert "Cite in the answer" in asked[0]
    assert [(str(one.reason), one.detail) for one in rejects] == ([("bad citations", said)] if said else [])
    if not said:
        assert pairs[0].cited
        numbered = in_one_form(answer).replace("[2]", "[1]").replace("[3]", "[2]")
        assert pairs[0].answer == numbered, "numbers of the pair's sources"


def test_useless_documents_are_not_cited():
    asked = []
    reply = json.dumps({"question": "Who painted Guernica?", "answer": "Pablo Picasso painted it."})
    pairs, _ = filled("useless_doc", [reply], [exemplar("s:0", "Who?")], 1, asked=asked, how={"citing": True})
    assert not pairs[0].cited
    assert "Cite" not in asked[0]


def test_the_exemplars_form_is_described_with_an_example_of_another_subject():
    prompt = load_prompt(PROMPTS / "full/multi_doc_answer.yaml")
    said = prompt.simulated("claim", "Is it true that pandas are bears?")
    assert 'a claim to be checked, such as "Is it true that tin is a metal?"' in said
    assert "a command, such as" in prompt.simulated("command", "Name a bear.")
    assert prompt.simulated("claim", "") == ""


GOOD = '{"question": "Where does the Danube rise?", "answer": "The Danube rises in the Black Forest of Germany."}'


def test_every_candidate_that_comes_to_nothing_is_a_reject_with_its_reason():
    """One slot, and a candidate for every reason; the last is good, though a good text was cut short before."""
    replies = [
        {"text": "", "finish_reason": "failed", "failure": "400"},
        {"text": GOOD, "finish_reason": "length"},
        {"text": GOOD, "finish_reason": "content_filter"},
        {"text": "Sorry.", "finish_reason": "stop"},
        {"text": "", "finish_reason": "stop", "refusal": "I cannot."},
        {"text": GOOD.replace("Where does", "According to the text, where does"), "finish_reason": "stop"},
        {"text": GOOD, "finish_reason": "stop"},
    ]
    asked = iter(replies)

    async def ask(body, sample=0):
        return "key", next(asked)

    teacher = SimpleNamespace(ask=ask, model=SimpleNamespace(in_flight=1), bought=0, replayed=0)
    exemplars = [exemplar(f"s:{n}", f"What is number {n}?") for n in range(len(replies) + 1)]
    # The search for the first candidate found nothing.
    work = Synthesis("single_doc_answer", exemplars, None, load_prompt(PROMPTS / "full/single_doc_answer.yaml"), teacher,
                     True, "1", Origin("m", "full", 1))  # fmt: skip
    first = work.order("s")[0]
    hits = [Hit(passage, row, row + 1, 0.5) for row, passage in enumerate(DANUBE)]
    work.run = SimpleNamespace(hits=lambda query_id: [] if query_id == first.id else hits)
    pairs, rejects = asyncio.run(synthesise(work, [Slot("s", 0, 1)], range(1), len(exemplars)))
    assert [pair.attempt for pair in pairs] == [len(replies)]
    assert [reject.attempt for reject in rejects] == list(range(len(replies)))
    assert [str(Fault(reject.reason, reject.detail)) for reject in rejects] == [
        "no documents",
        "no answer (400)",
        "unfinished (length)",
        "unfinished (content_filter)",
        "unparsable",
        "refused",
        "not standalone (According to the text)",
    ]
