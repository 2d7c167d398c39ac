"""A German and a Chinese data set through the whole graph, and what refuses other languages."""

import json
import re

import pytest
import yaml
from conftest import ROOT, Project
from loopback import endpoint
from stage import KEY

from rag_instruct.errors import UserError
from rag_instruct.exemplars.heuristic import drop_reason
from rag_instruct.files import read_jsonl
from rag_instruct.llm.prompts import load_prompt
from rag_instruct.settings.config import read_config
from rag_instruct.synthesis.filters import pair_fault
from rag_instruct.synthesis.focus import Focus

PROMPTS = ROOT / "resources/prompts"
TOWNS = {
    "de": "Aachen Bamberg Celle Dessau Erfurt Freiburg Goslar Halle Ilmenau Jena Kassel Leipzig Mainz Neuss Oldenburg Passau "
    "Rostock Siegen Trier Ulm Viersen Weimar Xanten Zwickau Bonn Coburg Detmold Essen Fulda Gotha Hameln Iserlohn Kiel "
    "Landshut Meissen Nordhausen Offenbach Potsdam Quedlinburg Regensburg Speyer Torgau Unna Verden Worms",
    "zh": "北京 上海 广州 深圳 天津 重庆 南京 杭州 苏州 武汉 成都 西安 长沙 郑州 济南 青岛 大连 沈阳 长春 哈尔滨 昆明 贵阳 南宁 福州 厦门 "
    "南昌 合肥 太原 兰州 西宁 银川 海口 拉萨 洛阳 开封 桂林 扬州 无锡 宁波 温州 泉州 烟台 保定 大同 敦煌",
}
TEXT = {
    "de": "{town} ist eine Stadt mit einer langen Geschichte. Die erste Brücke über den Fluss bei {town} wurde im Jahr {year} "
    "von dem Baumeister {other} errichtet. Seitdem leben die Menschen dort vom Handel mit Tuch und Salz.",
    "zh": "{town}是一座历史悠久的城市。{town}的第一座石桥由工匠{other}于{year}年主持修建。从那时起，当地居民以丝绸和食盐贸易为生。",
}
ASKED = {
    "de": ["Wer baute die erste Brücke bei {town} und wann geschah das?", "In welchem Jahr entstand die Brücke von {town}?",
           "Nenne den Baumeister der ältesten Flussbrücke in {town}.", "Wovon leben die Menschen in {town} seit dem Brückenbau?",
           "Erkläre, warum das Jahr der ersten Brücke für {town} wichtig war"],
    "zh": ["{town}的第一座石桥是谁修建的？", "请说明{town}石桥建成的年份", "{town}的居民靠什么贸易为生？", "列出主持修建{town}石桥的工匠",
           "哪一年{town}才有了横跨河流的桥？"],
}  # fmt: skip
ANSWERED = {
    "de": "Die Brücke bei {town} entstand im Jahr {year}; seitdem lebt die Stadt vom Handel.",
    "zh": "{town}的石桥建于{year}年，此后居民以贸易为生。",
}
IMITATED = {
    "de": ["Wie funktioniert ein Dieselmotor?", "Nenne drei berühmte Komponisten der Romantik", "Warum ist der Himmel blau?",
           "Erkläre kurz die Ursachen des Dreißigjährigen Krieges", "Wann wurde die Berliner Mauer gebaut?",
           "Welche Flüsse münden in die Nordsee?", "Beschreibe den Aufbau einer Pflanzenzelle", "Wer schrieb den Faust?"],
    "zh": ["天空为什么是蓝色的？", "请列出三位著名的唐代诗人", "解释一下光合作用的过程", "长城是什么时候修建的？", "谁写了《红楼梦》？",
           "请说明蒸汽机的工作原理", "中国最长的河流是哪一条？", "比较太阳和月亮的大小"],
}  # fmt: skip
NAMES = {"de": "German", "zh": "Chinese"}


def scripted(request):
    """A teacher that writes in the language that it is told: about the first document, and in another form about two."""
    system, shown = request["messages"][0]["content"], request["messages"][-1]["content"]
    told = re.search("Write the question and the answer in (\\w+),", system)[1]
    language = {name: code for code, name in NAMES.items()}[told]
    town, year = re.search(r"Document 1: (.+)", shown)[1], re.search(r"\d{4}", shown)[0]
    forms = ASKED[language][3:] if "Document 2" in shown else ASKED[language][:3]
    said = {"town": town, "year": year}
    asked = forms[int(year) % len(forms)].format(**said)
    return json.dumps({"question": asked, "answer": ANSWERED[language].format(**said)})


def prepare(project, url):
    """Both data sets: corpora of towns, instructions, a run that gives each instruction other towns, a benchmark."""
    datasets, corpora, sets, benchmarks = {}, {}, {}, {}
    for language, names in TOWNS.items():
        towns = names.split()
        lines = ["id\ttext\ttitle"] + [
            f"{n}\t{TEXT[language].format(town=town, year=1400 + 7 * n, other=towns[-1 - n])}\t{town}"
            for n, town in enumerate(towns)
        ]
        (project.folder / f"towns_{language}.tsv").write_text("\n".join(lines) + "\n", "utf-8")
        rows = [json.dumps({"instruction": text}, ensure_ascii=False) for text in IMITATED[language]]
        (project.folder / f"imitated_{language}.jsonl").write_text("\n".join(rows) + "\n", "utf-8")
        run = [
            f"imitated_{language}:{row} Q0 {(5 * row + rank) % len(towns)} {rank} {1 / rank} test"
            for row in range(len(rows) - 1)
            for rank in range(1, 11)
        ]
        (project.folder / f"run_{language}.trec").write_text("\n".join(run) + "\n")
        quiz = {"question": IMITATED[language][-1], "answers": ["x"]}
        (project.folder / f"quiz_{language}.jsonl").write_text(json.dumps(quiz) + "\n")
        corpora[f"towns_{language}"] = {"passages": {"path": f"towns_{language}.tsv"}, "shards": 1}
        sets[f"imitated_{language}"] = {"schema": "plain", "path": f"imitated_{language}.jsonl", "license": "CC0-1.0"}
        benchmarks[f"quiz_{language}"] = {
            "schema": "own",
            "path": f"quiz_{language}.jsonl",
            "kind": "open",
            "metric": "accuracy",
        }
        datasets[language] = {
            "language": language, "corpus": f"towns_{language}", "encoder": "minilm", "exemplars": {f"imitated_{language}": 8},
            "exemplar_filter": "heuristic", "teacher": "scripted", "prompts": "full", "documents": 3, "tries": 1, "oversample": 0,
            "paradigms": {"single_doc_answer": 5, "multi_doc_answer": 5}, "noise": {"depth": 30, "beyond": 10},
            "decontaminate": [f"quiz_{language}"], "multi_documents": {"choose": "next_hits"}, "evidence": {"model": False}, "runs": {"exemplars": f"run_{language}.trec"},
            "quality_filters": {"similar_questions": False},  # MiniLM's vectors are English
        }  # fmt: skip
    teacher = {"model": "m", "base_url": url, "key_variable": "TEST_KEY", "price": {"input": 1.0, "output": 1.0}}
    for section, added in {
        "datasets": datasets, "corpora": corpora, "exemplar_sets": sets, "benchmarks": benchmarks, "teachers": {"scripted": teacher},
    }.items():  # fmt: skip
        lines = "".join(f"  {name}: {json.dumps(value)}\n\n" for name, value in added.items())
        project.edit("config.yaml", f"\n{section}:\n", f"\n{section}:\n\n{lines}")


@pytest.mark.slow
def test_data_sets_of_other_languages_lose_no_row_for_their_script(tmp_path):
    project = Project(tmp_path)
    with endpoint(scripted) as served:
        prepare(project, served.base_url)
        targets = [f"results/{language}/hub/README.md" for language in TOWNS]
        ran = project.snakemake("--cores", "2", "--", *targets, TEST_KEY=KEY)
    assert ran.returncode == 0, ran.stdout[-3000:]
    for language in TOWNS:
        results = tmp_path / "results" / language
        assert len(list(read_jsonl(tmp_path / f"results/{language}.jsonl"))) == 10
        assert list(read_jsonl(results / "rejects.jsonl")) == []
        unclean = list(read_jsonl(results / "exemplars/unclean.jsonl"))
        assert [one["reason"] for one in unclean] == ["in a benchmark"]
        assert list(read_jsonl(results / "exemplars/dropped.jsonl")) == []
        head = yaml.safe_load((results / "hub/README.md").read_text("utf-8").split("---")[1])
        assert head["language"] == [language]


def test_english_prompts_are_as_they_are_in_their_files():
    path = PROMPTS / "full/single_doc_answer.yaml"
    bodies = [load_prompt(path, *language).steps[0].body("any", {"documents": "D", "simulation": ""}) for language in ((), ("en",))]  # fmt: skip
    assert bodies[0] == bodies[1]
    german = load_prompt(path, "de").steps[0].body("any", {"documents": "D", "simulation": ""})
    plain, said = bodies[0]["messages"][0]["content"], german["messages"][0]["content"]
    assert said == f"{plain}\n\nWrite the question and the answer in German, whatever language the instruction is in."
    with pytest.raises(UserError, match="these prompts write English only"):
        load_prompt(PROMPTS / "compact/single_doc_answer.yaml", "de")


def config_with(folder, language):
    text = (ROOT / "config.yaml").read_text("utf-8")
    (folder / "config.yaml").write_text(
        text.replace("    tries: 16", f"    tries: 16\n    language: {language}"), "utf-8"
    )
    return read_config(folder)["datasets"]["rag_instruct_demo"]


def test_the_compact_prompts_refuse_another_language_before_anything_runs(tmp_path):
    with pytest.raises(UserError) as error:
        config_with(tmp_path, "de")
    assert str(error.value) == (
        "config.yaml: datasets.rag_instruct_demo: the prompts 'compact' write English only, but language is 'de': set "
        "`prompts: full` and a capable teacher"
    )


def test_an_unknown_language_is_refused_and_filters_follow_a_known_one(tmp_path):
    with pytest.raises(UserError, match="no language has the code 'german': give a code of ISO 639-1"):
        config_with(tmp_path, "german")
    english = config_with(tmp_path, "en")
    assert (english["quality_filters"]["language"], english["cleaning"]["language"]) == ("en", "en")
    text = (tmp_path / "config.yaml").read_text("utf-8").replace("language: en", "language: ja")
    (tmp_path / "config.yaml").write_text(text.replace("prompts: compact", "prompts: full"), "utf-8")
    japanese = read_config(tmp_path)["datasets"]["rag_instruct_demo"]
    assert (japanese["quality_filters"]["language"], japanese["cleaning"]["language"]) == ("ja", False)


PAIRS = {
    "de": ("Wovon leben die Menschen in Trier", "Vom Handel mit Tuch, Salz und Wein."),
    "zh": ("谁写了《红楼梦》？", "《红楼梦》的作者是曹雪芹。"),
    "ja": ("富士山の高さは何メートルですか？", "三千七百七十六メートルです。"),
    "th": ("เมืองหลวงของประเทศไทยคือเมืองใด", "กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย"),
    "hi": ("भारत की राजधानी क्या है?", "भारत की राजधानी नई दिल्ली है।"),
    "ar": ("ما هي عاصمة مصر؟", "عاصمة مصر هي القاهرة."),
    "ko": ("한국의 수도는 어디입니까?", "한국의 수도는 서울입니다."),
    "es": ("¿No es Madrid la capital?", "No, antes no lo era."),
}
NOTHING = Focus((), (), {})


def reason(question, answer, exemplar=""):
    fault = pair_fault("single_doc_answer", question, answer, exemplar, NOTHING)
    return fault and fault.reason


@pytest.mark.parametrize("language", PAIRS)
def test_the_pair_filters_refuse_a_pair_for_no_reason_of_language(language):
    question, answer = PAIRS[language]
    assert reason(question, answer, "Wie hoch ist die Zugspitze?") is None
    assert reason(question, answer, question) == "copies exemplar"
    assert reason(question, "") == "empty"


def test_an_answer_that_the_question_has_is_found_by_its_words_in_order():
    question = "北京是哪个国家的首都？"
    assert reason(question, "首都") == "answer in question"
    assert reason(question, "京北") is None


def test_instructions_of_other_languages_are_dropped_for_code_only():
    every = [text for texts in IMITATED.values() for text in texts]
    assert [text for text in every if drop_reason(text)] == []
    assert drop_reason("写一个函数来排序列表：\n```python\ndef f(): pass\n```") == "code"
