"""Every reason for which something is rejected has one owner, and the glossary says what it says."""

import re

from conftest import ROOT

from rag_instruct.llm.prompts import load_prompt
from rag_instruct.reasons import STAGES, Reason, explain, glossary


def test_the_glossary_explains_every_reason():
    assert glossary() in (ROOT / "docs/glossary.md").read_text("utf-8")
    assert {reason.stage for reason in Reason} == set(STAGES)
    assert all(reason.meaning.endswith(".") and reason.remedy.endswith(".") for reason in Reason)


def test_remedies_name_settings_that_exist():
    known = "".join(path.read_text("utf-8") for path in ROOT.glob("config.schema.*")) + (
        ROOT / "resources/prompts/full/useless_doc.yaml"
    ).read_text("utf-8")
    named = {key for reason in Reason for path in re.findall(r"`([a-z_.]+)`", reason.remedy) for key in path.split(".")}
    assert {key for key in named if not re.search(rf"\b{key}\b", known)} <= {"detail", "length"}


def test_categories_of_the_teachers_filter_are_reasons():
    schema = load_prompt(ROOT / "resources/prompts/knowledge_intensive.yaml").steps[0].reply_schema
    categories = set(schema["properties"]["category"]["enum"])
    assert all(explain(name) for name in categories - {"knowledge"})
    assert explain("weather") is None


def test_counts_by_reason_read_as_texts():
    assert f"{ {Reason.REDACTED: 1} }" == "{'redacted': 1}"
