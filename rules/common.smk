# What files of rules share: the checked settings, and short functions from wildcards to their values.

import json
import os
import shlex
import sys
from contextlib import contextmanager
from pathlib import Path

# Not workflow.basedir, which is another workflow's where this one is its module.
ROOT = Path(str(workflow.current_basedir)).parent
sys.path.insert(0, str(ROOT))

from rag_instruct.benchmarks.settings import evaluated, facts, schema_of
from rag_instruct.code import Code
from rag_instruct.settings import GIVEN
from rag_instruct.settings.config import checked
from rag_instruct.jobs import write_settings
from rag_instruct.dataset.card import described
from rag_instruct.errors import UserError
from rag_instruct.graph.places import own_file, with_own_files
from rag_instruct.graph.start import prepare, start
from rag_instruct.paradigms import PARADIGMS, quotas

prepare(ROOT)

PROMPTS = ROOT / "resources/prompts"
EVALUATION = "evaluation_"  # and a benchmark: the queries of an evaluation
CODE = Code(ROOT)


@contextmanager
def readable_errors():
    """End with the message of a UserError. Snakemake would add tracebacks, or with --quiet all say nothing."""
    try:
        yield
    except UserError as error:
        sys.exit(f"error: {error}")


with readable_errors():
    config = checked(config, PROMPTS, workflow.configfiles)
config = with_own_files(config, ROOT)


# What a job knows beside its params: teachers, budgets, prices, mirrors. No input, and a function of `output` is no param
# that reruns anything: neither a new address of a teacher nor a raised budget makes anything stale.
SETTINGS_FILE = write_settings(config, Path(".snakemake/settings"))


def settings_file(wildcards, output):
    return SETTINGS_FILE


# Files


def own(name):
    """The path of a file of this workflow, from the working directory."""
    return own_file(ROOT, name)


def source(file, name, section="corpora"):
    """A local path as it is, or the place of its download."""
    if "path" in file:
        return file["path"]
    place = "files.json" if "hub" in file else file["url"].rsplit("/", 1)[1]
    return f"{config['downloads']}/{section}/{name}/{place}"


def corpus_file(name):
    """A file of the data set's corpus."""
    return lambda wildcards: f"results/corpora/{dataset(wildcards)['corpus']}/{name}"


def questions_of(wildcards):
    """A benchmark's questions with their answers, as every later stage reads them."""
    return f"results/benchmarks/{wildcards.benchmark}/questions.jsonl"


def benchmark_questions(wildcards):
    """The questions that neither exemplars nor rows may have in them."""
    return expand(rules.extract_questions.output, benchmark=dataset(wildcards)["decontaminate"])


def of_paradigms(pattern):
    """A file of each paradigm of the data set."""
    return lambda wildcards: expand(pattern, paradigm=wanted(dataset(wildcards)), allow_missing=True)


def verdicts(wildcards):
    """The verdicts of the verification, or nothing where no row is verified."""
    verified = dataset(wildcards)["verification"]["share"] > 0
    return of_paradigms("results/{dataset}/verification/{paradigm}.jsonl")(wildcards) if verified else []


def numbers(count):
    """The numbers of shards or chunks, as they stand in file names."""
    return [f"{number:02d}" for number in range(count)]


# Settings


def dataset(wildcards):
    return config["datasets"][wildcards.dataset]


def setting(key):
    """The wildcards' data set's value of `key`, dots for inner keys, as a function for params."""

    def value(wildcards):
        found = dataset(wildcards)
        for part in key.split("."):
            found = found[part]
        return found

    return value


def wanted(dataset_settings):
    """Rows by paradigm; paradigms without rows are left out."""
    rows = {name: sum(quotas(dataset_settings, name).values()) for name in PARADIGMS}
    return {name: count for name, count in rows.items() if count}


def encoder_arguments(name):
    encoder = config["encoders"][name]
    arguments = ["--model", encoder["model"], "--max-length", str(encoder["max_length"])]
    arguments += ["--normalize"] if encoder["normalize"] else []
    for key in ("revision", "query_prefix", "passage_prefix"):
        if encoder.get(key):
            arguments += [f"--{key.replace('_', '-')}", encoder[key]]
    return shlex.join(arguments)


def asked_of(name):
    """What decides a teacher's answers, as a param: where and how fast it is asked may change without a rerun."""
    teacher = config["teachers"][name]
    return json.dumps({key: teacher[key] for key in ("model", "sampling", "reasoning_tokens")}, sort_keys=True)


def asked(key):
    """The same of the data set's teacher of `key`."""
    return lambda wildcards: asked_of(setting(key)(wildcards))


def made_of(wildcards):
    """What a card and a report say about the making of the data set."""
    return json.dumps(described(config, wildcards.dataset))


def one_of(names):
    """A pattern for any of the names; of none, one that nothing matches, where an empty one would match all."""
    return "|".join(names) or "(?!)"


# Code, as a param of what is free: an edit of what it computes makes it stale


def code(rule):
    """A digest of what the rule's script computes."""
    return lambda wildcards: CODE.of_script(rule)


def code_for_benchmark(rule, without=()):
    """The same with the benchmark's own file, which the script finds by its name."""

    def value(wildcards):
        schema = schema_of(wildcards.benchmark, config["benchmarks"][wildcards.benchmark])
        return CODE.of_script(rule, f"rag_instruct.benchmarks.{schema}", without=without)

    return value


# Resources


def growing(amount):
    """As much again with each retry: a cluster ends jobs that need more memory or time than they asked for."""
    return lambda wildcards, attempt: amount * attempt


# Minutes of a stage that may wait for an endpoint, or go through a whole corpus. It does not grow: stopped, the stage
# goes on from what it kept.
A_DAY = 24 * 60


def requests_at_once(key):
    """The requests in flight of a job, for --resources requests=N."""
    return lambda wildcards: config["teachers"][setting(key)(wildcards)]["concurrency"]
