"""Find the keys that a run needs and the environment lacks, before anything runs: of endpoints, and of the hub."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import Any, NamedTuple

from rag_instruct.errors import UserError
from rag_instruct.graph.paid import TEACHER_OF, encoder_of
from rag_instruct.jobs import key_fault
from rag_instruct.logs import logger
from rag_instruct.settings import Settings

HUB = "HF_TOKEN"
WARNING = "warning: "  # begins what a dry run and a preview say about keys
RuleNames = Mapping[str, str]  # names of this workflow's rules, by the names that another workflow gave them
NO_RULE_NAMES: RuleNames = MappingProxyType({})
PATIENCE = 2.0  # seconds to wait for the hub; a download finds out what the hub did not say in time


class Needed(NamedTuple):
    """A key that a run needs.

    Args:
        variable: its environment variable
        by: the model or data set that needs it
        to_make: the first file that is made with it
        revision: for a key of the hub: the repository's revision
        is_data: for a key of the hub: whether the repository is a data set
    """

    variable: str
    by: str
    to_make: str
    revision: str | None = None
    is_data: bool = False


def refuse_missing_keys(jobs: Iterable[Any], settings: Settings, names: RuleNames = NO_RULE_NAMES) -> None:
    """Raise UserError that names every key that the jobs need and the environment lacks."""
    if said := missing_keys(jobs, settings, names):
        raise UserError("\n".join([*said, "Nothing was run."]))


def missing_keys(jobs: Iterable[Any], settings: Settings, names: RuleNames = NO_RULE_NAMES) -> list[str]:
    """Return a sentence about each key that the jobs need and the environment lacks, with its remedy.

    `names` has the names of this workflow's rules by the names that another workflow gave them.
    """
    ordered = sorted((job for job in jobs if job.output), key=lambda job: str(job.output[0]))
    return sentences(key for job in ordered for key in _needed(job, names, settings))


def sentences(needed: Iterable[Needed]) -> list[str]:
    """Return a sentence about each of these keys that the environment lacks, with its remedy."""
    found: dict[str, dict[str, Needed]] = {}  # by variable: what needs it, with the first file
    for key in needed:
        found.setdefault(key.variable, {}).setdefault(key.by, key)
    lacking = {variable: needs for variable, needs in found.items() if _fault(variable)}
    if HUB in lacking:
        lacking[HUB] = _gated(lacking[HUB])
    return [_sentence(variable, needs) for variable, needs in lacking.items() if needs]


def _gated(hubs: dict[str, Needed]) -> dict[str, Needed]:
    """Return the gated repositories, whose terms one must accept first. Ask the hub about all at once.

    Without a network, the look-up of the hub's name may take much longer than the timeout of a request. So daemon
    threads ask, and we wait at most PATIENCE seconds for them.
    """
    gated: dict[str, Needed] = {}

    def ask(name: str, key: Needed) -> None:
        if _is_gated(key):
            gated[name] = key

    threads = [Thread(target=ask, args=one, daemon=True) for one in hubs.items()]
    for thread in threads:
        thread.start()
    until = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0, until - time.monotonic()))
    return {name: hubs[name] for name in hubs if name in gated}


def _is_gated(key: Needed) -> bool:
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import GatedRepoError

    api = HfApi(endpoint=constants.ENDPOINT, token=False)
    try:
        info = (api.dataset_info if key.is_data else api.model_info)(key.by, revision=key.revision, timeout=PATIENCE)
    except GatedRepoError:
        return True
    except Exception as error:  # without a network, or of an unknown form: the download then says what is wrong
        logger.debug("the hub does not say whether %s is gated: %s", key.by, error)
        return False
    return bool(info.gated)


def _fault(variable: str) -> str:
    if variable == HUB:
        from huggingface_hub import get_token  # reads the variable, and the file that `hf auth login` writes

        return "" if get_token() else "is not set"
    return key_fault(variable)


def _sentence(variable: str, needs: dict[str, Needed]) -> str:
    first = next(iter(needs.values()))
    others = f" ({', '.join(list(needs)[1:])} too)" if len(needs) > 1 else ""
    who = f"{variable} {_fault(variable)}, and {first.by} needs it to make {first.to_make}{others}"
    if variable == HUB:
        return f"{who}: accept the terms at huggingface.co, then export {HUB}=..., or give a local `path` or folder"
    return f"{who}: export {variable}=..., or choose another teacher in config.yaml"


def missing_keys_of(settings: Settings, dataset: str, bought: set[str]) -> list[str]:
    """Return a sentence about each key that the rest of a data set needs and the environment lacks.

    `bought` has the models that would still be asked.
    """
    chosen = settings["datasets"][dataset]
    evaluated = [settings["models"][name] for name in chosen["evaluation"]["models"]]
    names = [chosen["teacher"], chosen["exemplar_filter"], chosen["verification"].get("judge")]
    encoders = [settings["encoders"][one] for one in (chosen["encoder"], chosen["evaluation"].get("encoder")) if one]
    names += [one.get("teacher") for one in (*evaluated, *encoders)]
    teachers = [settings["teachers"].get(name) for name in names]
    made = f"results/{dataset}.jsonl"
    needed = [key for one in teachers if one and one["model"] in bought for key in of_teacher(one, made)]
    hubs = {name: one["hub"] for name, one in settings.get("exemplar_sets", {}).items() if "hub" in one}
    for name in sorted(hubs.keys() & chosen["exemplars"].keys()):
        if not Path(settings["downloads"], "exemplar_sets", name, "files.json").exists():
            needed += of_hub(hubs[name], None, made, is_data=True)
    return sentences(needed)


def of_teacher(teacher: dict[str, Any], to_make: str) -> Iterator[Needed]:
    """Yield the keys of a teacher's endpoints."""
    for place in [teacher, *teacher.get("endpoints", [])]:
        if place.get("key_variable"):
            yield Needed(place["key_variable"], teacher["model"], to_make)


def of_hub(name: str, revision: str | None, to_make: str, is_data: bool = False) -> Iterator[Needed]:
    """Yield the hub's key if `name` is a repository that this machine lacks. Repositories open to all count too."""
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name) and not Path(name).exists() and not _is_cached(name, revision):
        yield Needed(HUB, name, to_make, revision, is_data)


def _is_cached(model: str, revision: str | None) -> bool:
    try:
        from huggingface_hub import try_to_load_from_cache
    except ModuleNotFoundError:  # a plan by a Snakemake of the whole machine; a run would name the package
        return True

    return isinstance(try_to_load_from_cache(model, "config.json", revision=revision), str)


def name_of(rule: Any, names: RuleNames) -> str:
    """Return the name of a rule's script, or else the rule's own name in this workflow.

    A workflow that uses this one as a module gives its rules other names.
    """
    script = re.search(r"-m scripts\.(\w+)", getattr(rule, "shellcmd", None) or "")
    return script[1] if script else names.get(rule.name, rule.name)


def _needed(job: Any, rules: RuleNames, settings: Settings) -> Iterator[Needed]:
    rule, names, made = name_of(job.rule, rules), job.wildcards, str(job.output[0])
    if rule in TEACHER_OF:
        yield from of_teacher(settings["teachers"][TEACHER_OF[rule](settings, names)], made)
    elif rule == "download_from_hub":
        yield from of_hub(settings[names.section][names.name]["hub"], None, made, is_data=True)
    elif rule == "train":
        from rag_instruct.training.recipe import load_recipe

        recipe = load_recipe(Path(str(job.input.recipe)))
        yield from of_hub(recipe.model, recipe.revision, made)
    elif model := _loaded(rule, names, settings):
        yield from of_hub(model.get("model", ""), model.get("revision"), made)


def _loaded(rule: str, names: Any, settings: Settings) -> dict[str, Any]:
    """Return the settings of the model that a job of this rule loads, or nothing."""
    chosen = settings["datasets"][names.dataset] if hasattr(names, "dataset") else {}
    if rule == "generate_local":
        return dict(settings["models"][names.model])
    if rule == "measure_evidence":
        return dict(settings["models"][chosen["evidence"]["model"]])
    if rule == "embed":
        return dict(settings["encoders"][names.encoder])
    if rule == "embed_queries":
        return dict(settings["encoders"][encoder_of(settings, names)])
    return dict(chosen["rerank"]) if rule == "rerank_run" else {}
