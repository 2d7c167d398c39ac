import asyncio
import json

from asking import teacher
from conftest import ROOT
from loopback import endpoint

from rag_instruct.answers import AnswerStore
from rag_instruct.knowledge import filter_by_teacher
from rag_instruct.prompts import load_prompt


def test_a_teacher_keeps_what_needs_knowledge_and_gives_its_reasons(tmp_path):
    def answer(request):
        asked = request["messages"][-1]["content"]
        return "no JSON" if "odd" in asked else json.dumps({"category": "code" if "Python" in asked else "knowledge"})

    exemplars = [
        {"id": str(n), "instruction": text} for n, text in enumerate(["What is a fjord?", "Sort in Python.", "odd"])
    ]

    async def session(url):
        async with teacher(url, tmp_path) as asked:
            prompt = load_prompt(ROOT / "resources/prompts/knowledge_intensive.yaml")
            return await filter_by_teacher(exemplars, prompt, asked)

    with endpoint(answer) as served:
        kept, dropped = asyncio.run(session(served.base_url))
    (key,) = {row.pop("request_key") for row in kept}
    assert kept == exemplars[:1]
    assert AnswerStore(tmp_path).get(key)["text"] == '{"category": "knowledge"}'
    assert [(row["id"], row["reason"]) for row in dropped] == [("1", "code"), ("2", "unparsable")]
