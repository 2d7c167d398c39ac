import copy
import json
import shutil
import subprocess
import sys
from datetime import date

import jsonschema
import pytest
import yaml
from conftest import ROOT
from snakemake.utils import update_config

from rag_instruct.errors import UserError
from rag_instruct.settings.config import checked, json_schema, read_config

CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
DEMO = ("datasets", "rag_instruct_demo")
DATASET = CONFIG["datasets"]["rag_instruct_demo"]
OWN = {"path": "own.jsonl", "license": "MIT", "fields": {"instruction": "asked"}}


def check(config):
    return checked(config, ROOT / "resources/prompts")


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
    assert config["datasets"]["rag_instruct_40k"]["noise"] == {"choose": "window", "depth": 250, "beyond": 200}
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
        ((*DEMO, "tries"), "many", "datasets.rag_instruct_demo.tries: 'many' is not a whole number"),
        ((*DEMO, "tries"), 0, "datasets.rag_instruct_demo.tries: 0 is too small: the least is 1"),
        ((*DEMO, "tries"), True, "tries: true is not a whole number"),
        ((*DEMO, "tries"), None, "tries: the value is empty: give one, or leave the key out"),
        (
            (*DEMO, "budget"),
            {"dollars": "5e1"},
            "budget.dollars: '5e1' is not a number (YAML takes it for a text: write 5.0e1)",
        ),
        ((*DEMO, "cleaning"), {"characters": [9]}, "cleaning.characters: [9] has 1 items, at least 2 are needed"),
        ((*DEMO, "cleaning"), {"characters": [9, 3]}, "cleaning.characters: 9 is above 3: give the least first"),
        ((*DEMO, "runs"), {"exemplar": "x"}, "runs: no queries are called 'exemplar': did you mean 'exemplars'?"),
        ((*DEMO, "exemplars"), {False: 3}, "exemplars: the name false is not text: put it in quotes (YAML reads no"),
        ((*DEMO, "exemplars"), {"demo_alpaca": 0}, "exemplars.demo_alpaca: 0 is too small"),
        ((*DEMO, "paradigms"), {"useless_doc": {"alpaca": -1}}, "paradigms.useless_doc.alpaca: -1 is too small"),
        ((*DEMO, "paradigms"), {"useless_doc": "all"}, "paradigms.useless_doc: 'all' is not a whole number"),
        ((*DEMO, "noise"), 3, "noise: 3 is not a mapping of keys to values"),
        ((*DEMO, "decontaminate"), "arc", "decontaminate: 'arc' is not a list"),
        ((*DEMO, "gates"), {}, "datasets.rag_instruct_demo has no key 'gates': it is called 'quality_filters' now"),
        ((*DEMO, "proof"), {}, "datasets.rag_instruct_demo has no key 'proof': it is called 'verification' now"),
        ((*DEMO, "spare"), 0.1, "datasets.rag_instruct_demo has no key 'spare': it is called 'oversample' now"),
        (("encoders", "minilm", "dimension"), 0, "encoders.minilm.dimension: 0 is too small"),
        (("encoders", "minilm", "precision"), "half", "encoders.minilm.precision: 'half'"),
        ((*DEMO, "retriever"), "splade", "retriever: 'splade'"),
        (
            (*DEMO, "retriever"),
            {"exemplars": "bm25"},
            "no search is called 'exemplars': known are sources, noise, evaluation",
        ),
        (
            (*DEMO, "evaluation"),
            {"retrievers": ["reranked"]},
            "`reranked` needs a model: give datasets.rag_instruct_demo.rerank.model",
        ),
        (("encoders", "mine"), {}, "encoders.mine: give either model or teacher, and only one of them"),
        (("encoders", "mine"), {"teacher": "nosuch"}, "encoders.mine.teacher: 'nosuch' is not in teachers"),
        (
            ("encoders", "mine"),
            {"teacher": "gpt-4o", "max_length": 256},
            "max_length serves only encoders with `model`: an endpoint decides this itself: remove it",
        ),
        (
            ("encoders", "mine"),
            {"model": "m", "query_parameters": {"input_type": "query"}},
            "query_parameters serves only encoders with `teacher`: remove it",
        ),
        (
            ("encoders", "mine"),
            {"model": "m", "revision": 12345},
            "revision: 12345 is not text: put it in quotes. What belongs here: A commit",
        ),
        (
            ("teachers", "gpt-4o", "key_variable"),
            "sk-secret",
            "key_variable: give the name of an environment variable, such as OPENAI_API_KEY",
        ),
        (("teachers", "gpt-4o", "attempts"), 1.5, "teachers.gpt-4o.attempts: 1.5 is not a whole number"),
        (
            ("teachers", "many"),
            {"model": "m", "endpoints": [{"base_url": "http://u"}, {"base": "u"}]},
            "teachers.many.endpoints.1 has no key 'base': did you mean 'base_url'?",
        ),
        (
            ("teachers", "near"),
            {"model": "m", "base_url": "localhost:8000/v1"},
            "teachers.near.base_url: begin the address with http:// or https://",
        ),
        (
            ("teachers", "many"),
            {"model": "m", "endpoints": [{"base_url": "http://u"}, {"base_url": "//node2:8000/v1"}]},
            "teachers.many.endpoints.1.base_url: begin the address",
        ),
        (("teachers", "gpt-4o", "base_url"), "htp://node/v1", "teachers.gpt-4o.base_url: begin the address"),
        (("teachers", "gpt-4o", "base_url"), "https:///v1", "teachers.gpt-4o.base_url: begin the address"),
        ((*DEMO, "paradigms"), {"useless_doc": 0}, "asks for no row at all"),
        ((*DEMO, "noise"), {"depth": 20, "beyond": 20}, "leave too few passages"),
        (
            ("teachers", "gpt-4o", "server"),
            "serve {port}",
            "teachers.gpt-4o: give either base_url or server or endpoints or recorded, and only one of them",
        ),
        (
            ("datasets", "Bad Name"),
            CONFIG["datasets"]["rag_instruct_demo"],
            "datasets: the name 'Bad Name' does not match ^[a-z][a-z0-9_]*$: names have lower-case letters",
        ),
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
        ((*DEMO, "evaluation"), {"decoding": "beam"}, "evaluation.decoding: 'beam' is not one of greedy, paper"),
        (("models", "mine"), {"recipe": "llama"}, "models.mine.recipe: 'llama' is not in"),
        (("models", "mine"), {"teacher": "gpt-5"}, "models.mine.teacher: 'gpt-5' is not in teachers"),
        (("models", "mine"), {"model": "m", "base": "llama"}, "models.mine.base: 'llama' is not in models"),
        (("models", "mine"), {"model": "m", "recipe": "r"}, "models.mine: give either recipe or model or teacher"),
        (("datasets", "corpora"), CONFIG["datasets"]["rag_instruct_demo"], "'corpora' is already a folder of results/"),
        (("proxy",), "http://me:secret@proxy:3128", "proxy: give an address such as http://proxy:3128"),
        ((*DEMO, "decontaminate"), ["arcc"], "decontaminate: 'arcc' is not in benchmarks: did you mean 'arc'?"),
        (
            (*DEMO, "paradigms"),
            {"single_doc_answer": {"alpaca": 1}},
            "datasets.rag_instruct_demo.paradigms.single_doc_answer: 'alpaca' is not in datasets.rag_instruct_demo.exemplars",
        ),
        (("exemplar_sets", "own"), {**OWN, "schema": "plain"}, "exemplar_sets.own: give either schema or fields"),
        (("exemplar_sets", "own"), {**OWN, "fields": {"turns": "x"}}, "exemplar_sets.own.fields"),
        *(
            (("benchmarks", "popqa"), {"path": "q.csv", key: given}, f"{key} is for `schema: own`: set that, or remove")
            for key, given in {"fields": {"id": "x"}, "where": {"a": "b"}, "kind": "open", "metric": "accuracy"}.items()
        ),
        (
            ("benchmarks", "mine"),
            {"path": "q.csv", "schema": "own", "fields": {"answers": ["a", 3]}},
            "benchmarks.mine.fields.answers.1: 3 is not text: put it in quotes",
        ),
        (
            ("corpora", "mine"),
            {"passages": {"url": "https://host/get?id=5"}, "shards": 1},
            "corpora.mine.passages: url: the name 'get' does not end in a kind of file that is read",
        ),
        (
            ("benchmarks", "quiz"),
            {"url": "https://host/a.json?x=1", "ids": {"url": "https://host/ids"}},
            "benchmarks.quiz: ids.url: the name 'ids' does not end in a kind of file",
        ),
        (
            ("benchmarks", "quiz"),
            {"url": "https://a/test.json", "ids": {"url": "https://b/test.json?v=2"}},
            "benchmarks.quiz: the files of https://a/test.json and https://b/test.json?v=2 have the same name",
        ),
        (
            ("corpora", "mine"),
            {"passages": {"path": "x.csv", "encoding": "klingon"}, "shards": 1},
            "corpora.mine.passages: 'klingon' is no text encoding: give one such as cp1252",
        ),
        (
            ("corpora", "mine"),
            {"passages": {"path": "x.csv", "encoding": "idna"}, "shards": 1},
            "corpora.mine.passages: 'idna' is no text encoding: give one such as cp1252",
        ),
        (
            ("corpora", "mine"),
            {"passages": {"path": "x.csv", "quote": "'", "quoted": False}, "shards": 1},
            "`quote` is the sign that quotes fields, but `quoted: false` says that none does: remove one",
        ),
        (
            ("corpora", "mine"),
            {"passages": {"path": "x.csv", "quote": "'", "delimiter": "'"}, "shards": 1},
            '"\'" cannot both separate and quote fields: correct `delimiter` or `quote`',
        ),
        (
            ("corpora", "mine"),
            {"passages": {"path": "x.json", "under": "data", "keyed": "id"}, "shards": 1},
            "corpora.mine.passages: `under` and `keyed` describe two layouts of a file: give one of them",
        ),
        (
            ("corpora", "mine"),
            {"passages": {"path": "docs/", "words": 100, "tokens_of": "minilmm"}, "shards": 1},
            "corpora.mine.passages.tokens_of: 'minilmm' is not in encoders: did you mean 'minilm'?",
        ),
        (
            ("benchmarks", "quiz"),
            {"path": "quiz.json", "questoin": "q"},
            "benchmarks.quiz has no key 'questoin': did you mean 'question'?",
        ),
        (("exemplar_sets", "mine"), {"schema_": "plain", "path": "a.csv", "license": "x"}, "did you mean 'schema'?"),
        (
            ("corpora", "wikipedia", "embeddings"),
            {"contreiver": {"path": "v.tar"}},
            "corpora.wikipedia.embeddings: 'contreiver' is not in encoders: did you mean 'contriever'?",
        ),
        ((*DEMO, "runs"), {"evaluation_popqqa": "r.trec"}, "'popqqa' is not in benchmarks: did you mean 'popqa'?"),
        (("corpora", "demo", "passages"), {"path": "p.tsv", "split": "structure"}, "split says how documents are cut"),
        (("corpora", "demo", "passages"), {"path": "p.tsv", "tokens_of": "minilm"}, "which needs `words`"),
        (("teachers", "gpt-4o", "sampling"), {"x": date(2024, 1, 1)}, "cannot be sent as JSON"),
        (("encoders", "minilm", "query_parameters"), {"x": float("nan")}, "cannot be sent as JSON"),
        ((*DEMO, "evaluation", "models"), ["smollm2", "smollm2"], "'smollm2' occurs twice: remove one"),
        ((*DEMO, "decontaminate"), ["arc", "popqa", "arc"], "'arc' occurs twice"),
        ((*DEMO, "verification"), {"share": 0.1}, "verification: `share` needs a `judge`: give a key of `teachers`"),
        (("answers",), "", "answers: '' is too short: at least 1 character is needed"),
        (("prices",), "", "prices: '' is too short: at least 1 character is needed"),
        (("corpora", "demo", "passages"), {"path": ""}, "corpora.demo.passages.path: '' is too short"),
        ((*DEMO, "runs"), {"exemplars": ""}, "runs.exemplars: '' is too short"),
        ((*DEMO, "evaluation", "contexts"), {"arc": ""}, "contexts.arc: '' is too short"),
        (("teachers", "gpt-4o", "recorded"), "", "teachers.gpt-4o.recorded: '' is too short"),
        (
            (*DEMO, "quality_filters"),
            {"language": "german"},
            "quality_filters.language: no language has the code 'german'",
        ),
        ((*DEMO, "cleaning"), {"language": "german"}, "cleaning.language: no language has the code 'german'"),
        (
            ("teachers", "two"),
            {"model": "m", "endpoints": [{"base_url": "http://h/v1"}], "key_variable": "A_KEY"},
            "teachers.two: `key_variable` belongs to each of the `endpoints`: move it there",
        ),
        (
            (*DEMO, "citations"),
            True,
            "single_doc_support.yaml makes answers from single sentences, and its teacher writes none",
        ),
        ((*DEMO, "declining"), 0.1, "set `prompts: full` and a capable teacher, or leave `declining` out"),
    ],
)
def test_mistakes_are_named_with_their_place(path, value, said):
    with pytest.raises(UserError) as refusal:
        check(changed(path, value))
    assert said in str(refusal.value)
    assert str(refusal.value).startswith("config.yaml: ")
    assert "secret" not in str(refusal.value)


def test_a_mistake_may_be_in_any_of_the_files(tmp_path):
    (mine := tmp_path / "mine.yaml").write_text("datasets: {rag_instruct_demo: {trys: 3}}")
    with pytest.raises(UserError) as refusal:
        checked(changed((*DEMO, "trys"), 3), ROOT / "resources/prompts", [ROOT / "config.yaml", mine])
    assert str(refusal.value).startswith(f"{mine} or config.yaml: datasets.rag_instruct_demo has no key 'trys'")
    (own := tmp_path / "my_config.yaml").write_text("answers: a\nanswers: b")
    with pytest.raises(UserError) as refusal:
        checked(copy.deepcopy(CONFIG), ROOT / "resources/prompts", [ROOT / "config.yaml", own])
    assert str(refusal.value).startswith(f"{own}, line 1: the key 'answers' occurs 2 times")


def test_the_name_of_a_recipe_is_part_of_a_target(tmp_path):
    (tmp_path / "recipes").mkdir()
    for name in ("my-llama", "my_llama"):
        (tmp_path / f"recipes/{name}.yaml").write_text("")
    (tmp_path / "prompts").symlink_to(ROOT / "resources/prompts")
    config = {**copy.deepcopy(CONFIG), "models": {"mine": {"recipe": "my-llama"}}}
    for settings in config["datasets"].values():
        settings |= {"evidence": {"model": False}, "evaluation": {}}
    with pytest.raises(UserError, match=r"models.mine.recipe: 'my-llama' cannot be the name of a target: rename"):
        checked(config, tmp_path / "prompts")
    config["models"]["mine"]["recipe"] = "my_llama"
    checked(config, tmp_path / "prompts")


def test_an_endpoint_of_embeddings_has_no_batches_and_counts_no_tokens():
    config = changed(("encoders", "mine"), {"teacher": "gpt-4o"})
    check(config)
    config["corpora"]["demo"]["passages"] = {"path": "p.jsonl", "words": 100, "tokens_of": "mine"}
    with pytest.raises(UserError, match="'mine' is an endpoint, whose tokens cannot be counted here"):
        check(config)
    for key, value in {"batch": True, "reasoning_tokens": 100}.items():
        config = changed(("teachers", "gpt-4o", key), value)
        config["encoders"]["mine"] = {"teacher": "gpt-4o"}
        with pytest.raises(UserError, match=f"'gpt-4o' has `{key}`, which serves chat completions and no embeddings"):
            check(config)


@pytest.mark.parametrize("setting", [{"documents": 0}, {"noise": {"depth": 1, "beyond": 0, "choose": "random"}}])
def test_noise_that_needs_no_ranks_may_have_any(setting):
    config = changed((*DEMO, "noise"), {"depth": 40})
    config["datasets"]["rag_instruct_demo"] |= setting
    check(config)


def test_rows_that_decline_need_documents():
    config = changed((*DEMO, "declining"), 0.1)
    config["datasets"]["rag_instruct_demo"] |= {"documents": 0, "prompts": "full"}
    with pytest.raises(UserError, match="set `documents` to at least 1, or `declining` to 0"):
        check(config)
    config["datasets"]["rag_instruct_demo"]["documents"] = 5
    assert check(config)["datasets"]["rag_instruct_demo"]["declining"] == 0.1


@pytest.mark.parametrize(("key", "value", "text"), [("citations", True, "citing"), ("declining", 0.1, "declining")])
def test_prompts_without_the_text_that_asks_for_it_are_named(tmp_path, key, value, text):
    shutil.copytree(ROOT / "resources/recipes", tmp_path / "recipes")
    shutil.copytree(ROOT / "resources/prompts", tmp_path / "prompts")
    shutil.copytree(ROOT / "resources/prompts/full", tmp_path / "prompts/own")
    for path in (tmp_path / "prompts/own").glob("*.yaml"):
        path.write_text(path.read_text().replace(f"\n{text}:", "\nforgotten:"))
    config = changed((*DEMO, "prompts"), "own")
    checked(config, tmp_path / "prompts")
    config["datasets"]["rag_instruct_demo"][key] = value
    with pytest.raises(UserError, match=f"has no text `{text}`, which asks for it: add the text, or leave `{key}` out"):
        checked(config, tmp_path / "prompts")


def test_the_first_mistake_in_the_file_is_the_one_that_is_named():
    config = copy.deepcopy(CONFIG)
    config["teachers"]["gpt-4o"]["concurrency"] = "many"
    config["datasets"]["rag_instruct_demo"]["oversample"] = "some"
    config["datasets"]["rag_instruct_demo"]["corpus"] = 1
    with pytest.raises(UserError, match=r"datasets\.rag_instruct_demo\.corpus: 1 is not text"):
        check(config)


def read_as(folder, language):
    text = (ROOT / "config.yaml").read_text()
    (folder / "config.yaml").write_text(text.replace("    tries: 16", f"    tries: 16\n    cleaning: {language}"))
    (folder / "resources").symlink_to(ROOT / "resources")
    return read_config(folder)["datasets"]["rag_instruct_demo"]["cleaning"]["language"]


@pytest.mark.parametrize("word", ["no", "No", "off"])
def test_a_language_that_yaml_reads_as_false_is_refused(tmp_path, word):
    line = (ROOT / "config.yaml").read_text().split("    tries: 16")[0].count("\n") + 2
    with pytest.raises(UserError) as refusal:
        read_as(tmp_path, f"{{language: {word}}}")
    said = f"config.yaml, line {line}: language: YAML reads {word} as a boolean: put it in quotes ({word!r})"
    assert said in str(refusal.value)


@pytest.mark.parametrize(("written", "read"), [("false", False), ('"no"', "no"), ("de", "de")])
def test_a_language_may_be_norwegian_and_false_leaves_the_check_out(tmp_path, written, read):
    assert read_as(tmp_path, f"{{language: {written}}}") == read


def test_the_schema_for_editors_is_the_models_own():
    assert (ROOT / "config.schema.json").read_text("utf-8") == json_schema() + "\n", "make it: python -m rag_instruct.settings > config.schema.json"  # fmt: skip
    assert (ROOT / "config.yaml").read_text("utf-8").startswith("# yaml-language-server: $schema=config.schema.json\n")


def test_the_schema_takes_the_configuration_and_refuses_a_slip():
    validator = jsonschema.Draft202012Validator(json.loads(json_schema()))
    validator.check_schema(validator.schema)
    validator.validate(CONFIG)
    for path, value in [((*DEMO, "trys"), 3), ((*DEMO, "tries"), 0), (("datasets", "Bad Name"), CONFIG["datasets"]["rag_instruct_demo"]), (("teachers", "x"), {"model": "m"})]:  # fmt: skip
        assert not validator.is_valid(changed(path, value)), path


def test_every_key_is_explained_and_shown_by_an_example():
    schema = json.loads(json_schema())
    sections = {"config.yaml": schema, **schema["$defs"]}
    for name, section in sections.items():
        for key, value in section["properties"].items():
            assert value["description"].endswith("."), f"{name}.{key}"
            holds_sections = "$ref" in json.dumps(value)
            assert holds_sections or value["examples"], f"{name}.{key}"


@pytest.mark.slow
def test_jobs_that_get_the_checked_settings_load_no_pydantic():
    code = "import sys, rag_instruct.jobs, rag_instruct.settings; sys.exit(bool({'pydantic', 'yaml', 'difflib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("words: 0100", "YAML reads 0100 as 64: write the number that you mean"),
        ("words: 1:40", "YAML reads 1:40 as 100: write"),
        ("columns: {id: 007}", "YAML reads 007 as 7: write the number that you mean, or put it in quotes"),
        ("path: other.tsv", "the key 'path' occurs 2 times in one section, and YAML keeps only the last"),
        ("words: 100\n      words: 200", "the key 'words' occurs 2 times"),
    ],
)
def test_what_yaml_reads_otherwise_than_it_is_meant_is_refused_with_its_line(tmp_path, line, said):
    text = (ROOT / "config.yaml").read_text().replace(
        "\ncorpora:\n", f"\ncorpora:\n\n  mine:\n    passages:\n      path: my.tsv\n      {line}\n    shards: 1\n", 1
    )  # fmt: skip
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(UserError) as refusal:
        read_config(tmp_path)
    assert said in str(refusal.value)
    number = text[: text.index("path: my.tsv")].count("\n") + 1
    path_twice = said.startswith("the key 'path")
    assert f"config.yaml, line {number + (not path_twice)}: " in str(refusal.value)


def test_what_is_no_yaml_is_said(tmp_path):
    (tmp_path / "config.yaml").write_text("corpora:\n\tmine: x\n")
    with pytest.raises(UserError, match=r"(?s)config\.yaml: not YAML: .*line 2"):
        read_config(tmp_path)


def test_settings_of_ones_own_are_added_as_snakemake_adds_them(tmp_path):
    """In a folder without a config.yaml, to the workflow's own."""
    own = {"datasets": {"mine": DATASET | {"seed": 7}}, "corpora": {"demo": {"shards": 3}}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own))
    (tmp_path / "empty.yaml").write_text("")
    found = read_config(tmp_path, [tmp_path / "own.yaml", tmp_path / "empty.yaml"])
    by_snakemake = copy.deepcopy(CONFIG)
    update_config(by_snakemake, own)
    assert found == check(by_snakemake)
    assert found["corpora"]["demo"]["shards"] == 3
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"datasets": {}}))
    with pytest.raises(UserError, match="datasets"):
        read_config(tmp_path)
