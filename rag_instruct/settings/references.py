"""Checks across the parts of config.yaml: every name must exist, and counts must fit together."""

from pathlib import Path

from rag_instruct.errors import UserError
from rag_instruct.files import read_text
from rag_instruct.paradigms import HELPED, OF_SENTENCES, PARADIGMS, WITH_ANSWER, quotas
from rag_instruct.settings import Settings, known
from rag_instruct.settings.section import NAME
from rag_instruct.settings.sources import file_name

EVALUATION = "evaluation_"  # begins the keys of `runs` for a benchmark's questions
REFERENCES = {"corpus": "corpora", "encoder": "encoders", "teacher": "teachers"}


def check_references(config: Settings, prompts: Path) -> None:
    """Raise UserError for an unknown name. `prompts` is the folder of prompts, next to the folder of recipes."""
    _check_models(config, prompts.parent / "recipes")
    for name, corpus in config["corpora"].items():
        _check_encoders_of(corpus, config["encoders"], f"corpora.{name}")
    for name, encoder in config["encoders"].items():
        if "teacher" in encoder:
            _check_endpoint(config["teachers"], encoder["teacher"], f"encoders.{name}.teacher")
    for section in ("corpora", "benchmarks"):
        for name, part in config[section].items():
            _check_downloads(f"{section}.{name}", part)
    for name, dataset in config["datasets"].items():
        _check_dataset(config, f"datasets.{name}", dataset, prompts)


def _check_encoders_of(corpus: Settings, encoders: Settings, place: str) -> None:
    for name in corpus.get("embeddings", ()):
        known(name, encoders, f"{place}.embeddings", "encoders")
    if counted := corpus["passages"].get("tokens_of"):
        known(counted, encoders, f"{place}.passages.tokens_of", "encoders")
        if "teacher" in encoders[counted]:
            raise UserError(
                f"config.yaml: {place}.passages.tokens_of: {counted!r} is an endpoint, whose tokens cannot be counted "
                "here: name an encoder that has a `model`"
            )


def _check_endpoint(teachers: Settings, name: str, place: str) -> None:
    known(name, teachers, place, "teachers")
    for key in ("batch", "reasoning_tokens"):
        if teachers[name][key]:
            raise UserError(
                f"config.yaml: {place}: {name!r} has `{key}`, which serves chat completions and no embeddings: give a "
                "teacher without it"
            )


def _check_downloads(place: str, part: Settings) -> None:
    """Refuse two addresses whose files would have the same name in the same folder."""
    files = [part, part.get("passages", {}), part.get("ids", {}), *part.get("embeddings", {}).values()]
    seen: dict[str, str] = {}
    for url in (file["url"] for file in files if "url" in file):
        if seen.setdefault(file_name(url), url) != url:
            raise UserError(
                f"config.yaml: {place}: the files of {seen[file_name(url)]} and {url} have the same name: download one "
                "of them yourself, and give its `path`"
            )


def _check_dataset(config: Settings, place: str, dataset: Settings, prompts: Path) -> None:
    for key, section in REFERENCES.items():
        known(dataset[key], config[section], f"{place}.{key}", section)
    _check_exemplars(config, place, dataset)
    known(
        dataset["prompts"],
        [folder.name for folder in prompts.iterdir() if any((folder / f"{name}.yaml").exists() for name in PARADIGMS)],
        f"{place}.prompts",
        str(prompts),
    )
    _check_language(place, dataset, prompts)
    _check_judge(config["teachers"], f"{place}.verification", dataset["verification"])
    for name in (queries.removeprefix(EVALUATION) for queries in dataset["runs"] if queries.startswith(EVALUATION)):
        known(name, config["benchmarks"], f"{place}.runs.{EVALUATION}{name}", "benchmarks")
    _check_evidence(config, f"{place}.evidence", dataset["evidence"])
    _check_evaluation(config, f"{place}.evaluation", dataset["evaluation"])
    if "reranked" in dataset["evaluation"]["retrievers"] and "rerank" not in dataset:
        raise UserError(
            f"config.yaml: {place}.evaluation.retrievers: `reranked` needs a model: give {place}.rerank.model"
        )
    _check_additions(place, dataset, prompts / dataset["prompts"])
    if not any(quotas(dataset, name) for name in PARADIGMS):
        raise UserError(f"config.yaml: {place}.paradigms asks for no row at all: give a count to at least one")
    depth, beyond = dataset["noise"]["depth"], dataset["noise"]["beyond"]
    if dataset["documents"] and dataset["noise"]["choose"] != "random" and depth - beyond < 2 * dataset["documents"]:
        raise UserError(
            f"config.yaml: {place}.noise: ranks {beyond + 1} to {depth} leave too few passages for "
            f"{dataset['documents']} documents a row: raise depth, or lower beyond"
        )


def _check_additions(place: str, dataset: Settings, prompts: Path) -> None:
    """Raise UserError if the prompts cannot ask for what `declining` or `citations` needs."""
    if dataset["declining"] and not dataset["documents"]:
        raise UserError(
            f"config.yaml: {place}.declining: rows that decline need documents that do not answer: set `documents` to "
            "at least 1, or `declining` to 0"
        )
    for key, text, paradigms in (("declining", "declining", WITH_ANSWER), ("citations", "citing", HELPED)):
        for path in (
            prompts / f"{paradigm}.yaml" for paradigm in paradigms if dataset[key] and quotas(dataset, paradigm)
        ):
            prompt = read_text(path)
            if OF_SENTENCES.search(prompt):
                raise UserError(
                    f"config.yaml: {place}.{key}: {path} makes answers from single sentences, and its teacher writes "
                    f"none: set `prompts: full` and a capable teacher, or leave `{key}` out"
                )
            if f"\n{text}:" not in prompt:
                raise UserError(
                    f"config.yaml: {place}.{key}: {path} has no text `{text}`, which asks for it: add the text, or "
                    f"leave `{key}` out"
                )


def _check_language(place: str, dataset: Settings, prompts: Path) -> None:
    """Refuse another language than English for prompts that give the teacher single sentences: these are English."""
    texts = [read_text(path) for path in (prompts / dataset["prompts"]).glob("*.yaml")]
    if dataset["language"] != "en" and any(map(OF_SENTENCES.search, texts)):
        raise UserError(
            f"config.yaml: {place}: the prompts {dataset['prompts']!r} write English only, but language is "
            f"{dataset['language']!r}: set `prompts: full` and a capable teacher"
        )


def _check_models(config: Settings, recipes: Path) -> None:
    known_names = {
        "recipe": (str(recipes), [path.stem for path in recipes.glob("*.yaml")]),
        "teacher": ("teachers", list(config["teachers"])),
        "base": ("models", list(config["models"])),
    }
    for name, model in config["models"].items():
        for key in known_names.keys() & model.keys():
            section, names = known_names[key]
            known(model[key], names, f"models.{name}.{key}", section)
        if "recipe" in model and not NAME.fullmatch(model["recipe"]):
            raise UserError(
                f"config.yaml: models.{name}.recipe: {model['recipe']!r} cannot be the name of a target: rename the "
                "file so that its name has only small letters, digits and _, and begins with a letter"
            )


def _check_judge(teachers: Settings, place: str, verification: Settings) -> None:
    if verification["share"]:
        if "judge" not in verification:
            raise UserError(f"config.yaml: {place}: `share` needs a `judge`: give a key of `teachers`")
        known(verification["judge"], teachers, f"{place}.judge", "teachers")


def _check_evidence(config: Settings, place: str, evidence: Settings) -> None:
    name = evidence["model"]
    if not name:
        return
    known(name, config["models"], f"{place}.model", "models (or `false`, to measure nothing)")
    if "model" not in config["models"][name]:
        raise UserError(
            f"config.yaml: {place}.model: {name!r} is a model that is trained or asked at an endpoint: give one whose "
            "`model` names weights, such as smollm2, or `false` to measure nothing"
        )


def _check_evaluation(config: Settings, place: str, evaluation: Settings) -> None:
    for key in ("benchmarks", "models"):
        for name in evaluation[key]:
            known(name, config[key], f"{place}.{key}", key)
    for key in ("corpus", "encoder"):
        if key in evaluation:
            known(evaluation[key], config[REFERENCES[key]], f"{place}.{key}", REFERENCES[key])
    for name in evaluation["contexts"]:
        known(name, evaluation["benchmarks"], f"{place}.contexts", f"{place}.benchmarks")


def _check_exemplars(config: Settings, place: str, dataset: Settings) -> None:
    for key, section in {"exemplars": "exemplar_sets", "decontaminate": "benchmarks"}.items():
        for name in dataset[key]:
            known(name, config[section], f"{place}.{key}", section)
    for paradigm, rows in dataset["paradigms"].items():
        for name in rows if isinstance(rows, dict) else ():
            known(name, dataset["exemplars"], f"{place}.paradigms.{paradigm}", f"{place}.exemplars")
    filters = ["heuristic", *config["teachers"]]
    known(dataset["exemplar_filter"], filters, f"{place}.exemplar_filter", "teachers (or `heuristic`)")
