# Functions for rules/synthesis.smk: they look up files and settings by wildcards.

from functools import cache

from rag_instruct.llm.prompts import load_prompt
from rag_instruct.paradigms import WITH_ANSWER, slots


def prompt_file(wildcards):
    return own(f"resources/prompts/{dataset(wildcards)['prompts']}/{wildcards.paradigm}.yaml")


def linked_file(wildcards):
    """Return the file of linked documents for paradigms that need it, or else nothing."""
    linked = dataset(wildcards)["multi_documents"]["choose"] == "linked" and PARADIGMS[wildcards.paradigm].several
    return rules.link_documents.output[0].format(dataset=wildcards.dataset) if linked else []


@cache  # each job of each paradigm asks
@readable_errors()
def asks_about_sentences(prompts, paradigm):
    return load_prompt(Path(own(f"resources/prompts/{prompts}/{paradigm}.yaml"))).focus == "sentence"


def rows_of_sentences(wildcards):
    """Return the number of rows wanted from prompts that ask about single sentences. A folder may have both kinds."""
    settings = dataset(wildcards)
    return sum(rows for name, rows in wanted(settings).items() if asks_about_sentences(settings["prompts"], name))


def facts_file(wildcards):
    """Return the file of facts for prompts that ask about single sentences, or else nothing."""
    of_sentences = asks_about_sentences(dataset(wildcards)["prompts"], wildcards.paradigm)
    return rules.find_facts.output[0].format(dataset=wildcards.dataset) if of_sentences else []


def facts_of_any(wildcards):
    """Return the file of facts if a paradigm of the data set needs it, or else nothing."""
    return rules.find_facts.output[0].format(dataset=wildcards.dataset) if rows_of_sentences(wildcards) else []


def file_argument(name):
    """Return a function for params: the argument --<name> with the input of this name, if there is one."""
    return lambda wildcards, input: f"--{name} {shlex.quote(input.get(name))}" if input.get(name) else ""


def linked_of_several(wildcards):
    """Return the file of linked documents if a paradigm of the data set needs it, or else nothing."""
    settings = dataset(wildcards)
    several = any(PARADIGMS[name].several for name in wanted(settings))
    linked = several and settings["multi_documents"]["choose"] == "linked"
    return rules.link_documents.output[0].format(dataset=wildcards.dataset) if linked else []


def quota_arguments(wildcards):
    """Return the number of rows from each exemplar set as arguments, such as alpaca=100. The set * means any."""
    return shlex.join(f"{name}={rows}" for name, rows in quotas(dataset(wildcards), wildcards.paradigm).items())


def declining_argument(wildcards):
    """Return the share of rows that decline as an argument. Only rows whose documents state the answer may decline."""
    share = dataset(wildcards)["declining"] if wildcards.paradigm in WITH_ANSWER else 0
    return f"--declining {share}" if share else ""


def language_argument(wildcards):
    """Return the argument that names another language than English."""
    language = dataset(wildcards)["language"]
    return "" if language == "en" else f"--language {language}"


def slot_count(wildcards):
    return len(slots(quotas(dataset(wildcards), wildcards.paradigm), dataset(wildcards)["oversample"]))


def chunk_files(kind):
    return lambda wildcards: expand(
        getattr(rules.synthesise.output, kind),
        chunk=numbers(dataset(wildcards)["chunks"]),
        allow_missing=True,
    )
