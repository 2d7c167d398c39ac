# Code that every rule file may use. It has the checked settings, and short functions that look up a wildcard's files.

import json
import os
import shlex
import sys
from contextlib import contextmanager
from pathlib import Path

# We do not use workflow.basedir: if another workflow includes this one as a module, it is that workflow's folder.
ROOT = Path(str(workflow.current_basedir)).parent
sys.path.insert(0, str(ROOT))

from rag_instruct.benchmarks import refuse_unknown
from rag_instruct.benchmarks.settings import evaluated, facts, schema_of
from rag_instruct.code import Code
from rag_instruct.settings import GIVEN
from rag_instruct.settings.config import checked
from rag_instruct.settings.places import own_file, refuse_braces, with_own_files
from rag_instruct.settings.sources import file_name
from rag_instruct.jobs import write_settings
from rag_instruct.errors import UserError
from rag_instruct.graph.start import finish, prepare, start, check_without_onstart
from rag_instruct.paradigms import PARADIGMS, REFILL, is_refilled, quotas
from rag_instruct.records import Form
from rag_instruct.retrieval.steps import (
    EVALUATION,
    FIRST_DOCUMENTS,
    compared_retrievers,
    encoder_and_corpus,
    payer,
    steps,
)

prepare(ROOT)

PROMPTS = ROOT / "resources/prompts"
CODE = Code(ROOT, Path(".snakemake/code.json"))


@contextmanager
def readable_errors():
    """Exit with the message of a UserError. Snakemake would add a traceback, or print nothing with --quiet all."""
    try:
        yield
    except UserError as error:
        sys.exit(f"error: {error}")


with readable_errors():
    config = with_own_files(checked(config, PROMPTS, workflow.configfiles), ROOT)
    for name in {name for settings in config["datasets"].values() for name in settings["evaluation"]["benchmarks"]}:
        refuse_unknown(schema_of(name, config["benchmarks"][name]))  # now, and not when it is evaluated
check_without_onstart(workflow, config)


# Jobs read teachers, budgets, prices and mirrors from this file. It is not an input, and params that are functions of
# `output` do not trigger reruns. So a teacher's new address or a higher budget makes nothing stale.
SETTINGS_FILE = write_settings(config, Path(".snakemake/settings"))


def settings_file(wildcards, output):
    return SETTINGS_FILE


# Files


def own(name):
    """Return the path of one of this workflow's own files, for the working directory."""
    return own_file(ROOT, name)


def source(file, name, section="corpora"):
    """Return the local path in the settings, or else the path of the download."""
    if "path" in file:
        return file["path"]
    place = "files.json" if "hub" in file else file_name(file["url"])
    return f"{config['downloads']}/{section}/{name}/{place}"


def users_files(paths):
    """Return the paths of files that a user named. Exit if Snakemake would misread one."""
    with readable_errors():
        refuse_braces(*paths)
    return paths


def corpus_file(name):
    """Return a function: the path of a file of the data set's corpus."""
    return lambda wildcards: f"results/corpora/{dataset(wildcards)['corpus']}/{name}"


def questions_of(wildcards):
    """Return the path of a benchmark's questions with their answers, which all later stages read."""
    return f"results/benchmarks/{wildcards.benchmark}/questions.jsonl"


def benchmark_questions(wildcards):
    """Return the files with benchmark questions that must not be in exemplars or rows."""
    return expand(rules.extract_questions.output, benchmark=dataset(wildcards)["decontaminate"])


def of_paradigms(pattern):
    """Return a function: the paths that match `pattern`, one for each paradigm of the data set."""
    return lambda wildcards: expand(pattern, paradigm=wanted(dataset(wildcards)), allow_missing=True)


def of_parts(pattern):
    """Return a function: the same paths, and the path of the refilled pairs, which are of all paradigms."""

    def paths(wildcards):
        settings = dataset(wildcards)
        parts = [*wanted(settings), *([REFILL] if is_refilled(settings) else [])]
        return expand(pattern, paradigm=parts, allow_missing=True)

    return paths


def numbers(count):
    """Return the numbers of shards or chunks as in file names: 00, 01, ..."""
    return [f"{number:02d}" for number in range(count)]


def form(settings):
    """Return how a file is written, as JSON for the scripts that read others' files."""
    return json.dumps({key: settings[key] for key in Form._fields if key in settings})


# Settings


def dataset(wildcards):
    return config["datasets"][wildcards.dataset]


def setting(key):
    """Return a function for params: the value of `key` in the data set's settings. Dots separate inner keys."""

    def value(wildcards):
        found = dataset(wildcards)
        for part in key.split("."):
            found = found[part]
        return found

    return value


def wanted(dataset_settings):
    """Return the number of rows by paradigm, without paradigms that have no rows."""
    rows = {name: sum(quotas(dataset_settings, name).values()) for name in PARADIGMS}
    return {name: count for name, count in rows.items() if count}


def asked_of(name):
    """Return the settings that decide a teacher's answers, as a param. Its address may change without a rerun."""
    teacher = config["teachers"][name]
    return json.dumps({key: teacher[key] for key in ("model", "sampling", "reasoning_tokens")}, sort_keys=True)


def asked(key):
    """Return a function: `asked_of` the teacher that the data set names at `key`."""
    return lambda wildcards: asked_of(setting(key)(wildcards))


def one_of(names):
    """Return a pattern that matches any of the names. Without names it matches nothing, because "" would match all."""
    return "|".join(names) or "(?!)"


# Code, as a param of free rules: an edit of a script's code makes its rule stale


def code(rule):
    """Return a function: the digest of the code that the rule's script uses."""
    return lambda wildcards: CODE.of_script(rule)


def code_for_benchmark(rule, without=()):
    """Return a function: the same digest with the benchmark's own module, which the script loads by name."""

    def value(wildcards):
        schema = schema_of(wildcards.benchmark, config["benchmarks"][wildcards.benchmark])
        return CODE.of_script(rule, f"rag_instruct.benchmarks.{schema}", without=without)

    return value


# Resources


def growing(amount):
    """Return a function: `amount` times the attempt, because a cluster kills jobs that need more than they reserve."""
    return lambda wildcards, attempt: amount * attempt


# Minutes for stages that may wait for an endpoint or read a whole corpus. Retries do not get more: most of these stages
# resume where they were stopped. Those that start over (search by words, reranking) need far less than a day.
A_DAY = 24 * 60


def requests_at_once(key):
    """Return a function: the number of requests that a job sends at the same time, for --resources requests=N."""
    return lambda wildcards: config["teachers"][setting(key)(wildcards)]["concurrency"]
