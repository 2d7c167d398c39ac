import asyncio
import json

from conftest import ROOT
from loopback import endpoint

from rag_instruct.answers import AnswerStore
from rag_instruct.knowledge import filter_by_teacher
from rag_instruct.prompts import load_prompt
from rag_instruct.teacher import Endpoint, Teacher


def test_a_teacher_keeps_what_needs_knowledge_and_gives_its_reasons(tmp_path):
    def answer(request):
        asked = request["messages"][-1]["content"]
        return "no JSON" if "odd" in asked else json.dumps({"category": "code" if "Python" in asked else "knowledge"})

    exemplars = [
        {"id": str(n), "instruction": text} for n, text in enumerate(["What is a fjord?", "Sort in Python.", "odd"])
    ]

    async def session(url):
        async with Teacher(Endpoint("m", url), AnswerStore(tmp_path)) as teacher:
            prompt = load_prompt(ROOT / "resources/prompts/knowledge_intensive.yaml")
            return await filter_by_teacher(exemplars, prompt, teacher, 4)

    with endpoint(answer) as served:
        kept, dropped = asyncio.run(session(served.base_url))
    assert kept == exemplars[:1]
    assert [(row["id"], row["reason"]) for row in dropped] == [("1", "code"), ("2", "unparsable verdict")]
