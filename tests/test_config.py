import copy

import pytest
import yaml
from conftest import ROOT

from rag_instruct.config import checked
from rag_instruct.errors import UserError

CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
DEMO = ("datasets", "rag_instruct_demo")
OWN = {"path": "own.jsonl", "license": "MIT", "fields": {"instruction": "asked"}}


def check(config):
    return checked(config, ROOT / "config.schema.yaml", ROOT / "resources/prompts")


def changed(path, value, drop=()):
    config = copy.deepcopy(CONFIG)
    place = config
    for key in path[:-1]:
        place = place[key]
    for key in drop:
        place.pop(key)
    place[path[-1]] = value
    return config


def test_defaults_are_filled_in_and_the_original_is_left_alone():
    before = copy.deepcopy(CONFIG)
    config = check(CONFIG)
    assert before == CONFIG
    assert config["datasets"]["rag_instruct_40k"]["noise"] == {"depth": 250, "beyond": 200}
    assert config["datasets"]["rag_instruct_40k"]["documents"] == 10
    assert config["encoders"]["contriever"]["normalize"] is False
    assert config["answers"] == "answers"


def test_an_ablation_is_a_few_lines():
    config = check(CONFIG)["datasets"]
    full, ablated = config["rag_instruct_40k"], config["rag_instruct_40k_no_simulation"]
    assert {key for key in full if full[key] != ablated[key]} == {"simulate_instructions"}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ((*DEMO, "paradigmes"), {}, "datasets.rag_instruct_demo has no key 'paradigmes': did you mean 'paradigms'?"),
        (("dataset",), {}, "the top level has no key 'dataset': did you mean 'datasets'?"),
        ((*DEMO, "corpus"), "dem", "datasets.rag_instruct_demo.corpus: 'dem' is not in corpora: did you mean 'demo'?"),
        ((*DEMO, "teacher"), "gpt-5", "datasets.rag_instruct_demo.teacher: 'gpt-5' is not in teachers"),
        ((*DEMO, "prompts"), "ful", "'ful' is not in"),
        ((*DEMO, "exemplars"), {"alpacca": 3}, "'alpacca' is not in exemplar_sets: did you mean 'alpaca'?"),
        ((*DEMO, "exemplar_filter"), "none", "'none' is not in teachers (or `heuristic`)"),
        (
            (*DEMO, "cleaning"),
            {"language": True},
            "datasets.rag_instruct_demo.cleaning.language: give a value, or false",
        ),
        ((*DEMO, "cleaning"), {"characters": True}, "cleaning.characters: give a value, or false to leave it out"),
        ((*DEMO, "tries"), "many", "datasets.rag_instruct_demo.tries: 'many' is not of type 'integer'"),
        ((*DEMO, "paradigms"), {"useless_doc": 0}, "asks for no row at all"),
        ((*DEMO, "noise"), {"depth": 20, "beyond": 20}, "leave too few passages"),
        (
            ("teachers", "gpt-4o", "server"),
            "serve {port}",
            "teachers.gpt-4o: give either base_url or server or endpoints, and only one of them",
        ),
        (("datasets", "Bad Name"), CONFIG["datasets"]["rag_instruct_demo"], "'Bad Name' does not match"),
        (
            (*DEMO, "evaluation"),
            {"models": ["smolm2"]},
            "datasets.rag_instruct_demo.evaluation.models: 'smolm2' is not in models: did you mean 'smollm2'?",
        ),
        ((*DEMO, "evaluation"), {"benchmarks": ["pop_qa"]}, "'pop_qa' is not in benchmarks: did you mean 'popqa'?"),
        ((*DEMO, "evaluation"), {"corpus": "dem"}, "evaluation.corpus: 'dem' is not in corpora"),
        (
            (*DEMO, "evaluation"),
            {"benchmarks": ["arc"], "contexts": {"popqa": "file"}},
            "evaluation.contexts: 'popqa' is not in datasets.rag_instruct_demo.evaluation.benchmarks",
        ),
        ((*DEMO, "evaluation"), {"decoding": "beam"}, "evaluation.decoding: 'beam' is not one of ['greedy', 'paper']"),
        (("models", "mine"), {"recipe": "llama"}, "models.mine.recipe: 'llama' is not in"),
        (("models", "mine"), {"teacher": "gpt-5"}, "models.mine.teacher: 'gpt-5' is not in teachers"),
        (("models", "mine"), {"model": "m", "base": "llama"}, "models.mine.base: 'llama' is not in models"),
        (("models", "mine"), {"model": "m", "recipe": "r"}, "models.mine: give either recipe or model or teacher"),
        (("datasets", "corpora"), CONFIG["datasets"]["rag_instruct_demo"], "corpora"),
        (("proxy",), "http://me:secret@proxy:3128", "proxy: give an address such as http://proxy:3128"),
        ((*DEMO, "decontaminate"), ["arcc"], "decontaminate: 'arcc' is not in benchmarks: did you mean 'arc'?"),
        (
            (*DEMO, "paradigms"),
            {"single_doc_answer": {"alpaca": 1}},
            "datasets.rag_instruct_demo.paradigms.single_doc_answer: 'alpaca' is not in datasets.rag_instruct_demo.exemplars",
        ),
        (("exemplar_sets", "own"), {**OWN, "schema": "plain"}, "exemplar_sets.own: give either schema or fields"),
        (("exemplar_sets", "own"), {**OWN, "fields": {"turns": "x"}}, "exemplar_sets.own.fields"),
        (
            ("benchmarks", "quiz"),
            {"path": "quiz.json", "questoin": "q"},
            "benchmarks.quiz has no key 'questoin': did you mean 'question'?",
        ),
    ],
)
def test_mistakes_are_named_with_their_place(path, value, said):
    with pytest.raises(UserError) as refusal:
        check(changed(path, value))
    assert said in str(refusal.value)
    assert str(refusal.value).startswith("config.yaml: ")
    assert "secret" not in str(refusal.value)
