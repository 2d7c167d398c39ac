# What the rules share: the checked config, and short functions from wildcards to its values.

import json
import os
import re
import shlex
import sys
import time
from pathlib import Path

sys.path.insert(0, workflow.basedir)

from rag_instruct.code import code_of_script, jobs_find
from rag_instruct.config import (
    DOWNLOADS,
    SETTINGS,
    checked,
    described,
    downloads,
    known,
    missing_key,
    refuse_licences,
    remote_files,
)
from rag_instruct.errors import UserError
from rag_instruct.lock import hold
from rag_instruct.paradigms import PARADIGMS, quotas, slots
from rag_instruct.readers import text_files

jobs_find(workflow.basedir)

PROMPTS = Path(workflow.basedir, "resources/prompts")


def refuse_unknown_datasets(targets):
    """Say that a name is unknown, where Snakemake would say that no rule makes the file."""
    for target in targets:
        if name := re.fullmatch(r"results/(\w+)\.jsonl", target):
            known(name[1], config["datasets"], target, "datasets")


try:
    config = checked(config, Path(workflow.basedir, "config.schema.yaml"), PROMPTS)
    # Snakemake itself learns its targets only after it has read this file.
    refuse_unknown_datasets(sys.argv[1:])
except UserError as error:
    raise WorkflowError(str(error))


def one_of(names):
    """A pattern for any of the names; of none, one that nothing matches, where an empty one would match all."""
    return "|".join(names) or "(?!)"


def code(rule):
    """A digest of the rule's code less comments: a param of free stages, so that a real edit makes them stale."""
    return code_of_script(Path(workflow.basedir), rule)


def setting(key):
    """The wildcards' data set's value of `key`, dots for inner keys, as a function for params."""

    def value(wildcards):
        found = dataset(wildcards)
        for part in key.split("."):
            found = found[part]
        return found

    return value


def dataset(wildcards):
    return config["datasets"][wildcards.dataset]


def corpus(wildcards):
    return config["corpora"][wildcards.corpus]


def encoder_arguments(name):
    encoder = config["encoders"][name]
    arguments = [
        "--model",
        encoder["model"],
        "--max-length",
        str(encoder["max_length"]),
    ]
    arguments += ["--normalize"] if encoder["normalize"] else []
    for key in ("revision", "query_prefix", "passage_prefix"):
        if encoder.get(key):
            arguments += [f"--{key.replace('_', '-')}", encoder[key]]
    return shlex.join(arguments)


def asked(key):
    """What decides a teacher's answers, as a param: where and how fast it is asked may change without a rerun."""

    def value(wildcards):
        teacher = config["teachers"][setting(key)(wildcards)]
        return json.dumps({name: teacher[name] for name in ("model", "sampling", "reasoning_tokens")}, sort_keys=True)

    return value


def requests_at_once(key):
    """The requests in flight of a job, for --resources requests=N."""
    return lambda wildcards: config["teachers"][setting(key)(wildcards)]["concurrency"]


def numbers(count):
    return [f"{number:02d}" for number in range(count)]


def wanted(dataset_settings):
    """Rows by paradigm, those left out not named."""
    rows = {name: sum(quotas(dataset_settings, name).values()) for name in PARADIGMS}
    return {name: count for name, count in rows.items() if count}


def quota_arguments(wildcards):
    """The rows of a paradigm by exemplar set, as set=rows, with * for any."""
    return shlex.join(f"{name}={rows}" for name, rows in quotas(dataset(wildcards), wildcards.paradigm).items())


def slot_count(wildcards):
    return len(slots(quotas(dataset(wildcards), wildcards.paradigm), dataset(wildcards)["spare"]))


def refuse_second_run():
    """One run at a time in a folder. Unlike Snakemake's own lock, this one ends with the run, also when it is killed."""
    global run_lock
    run_lock = hold(Path(".snakemake/run.lock"), wait=False)
    if run_lock is None:
        raise WorkflowError("another run is under way in this folder: wait for it, or end it")


# The paid rules, and which teacher of the data set each asks.
PAID = {"synthesise": "teacher", "filter_exemplars_by_teacher": "exemplar_filter", "prove": "proof.judge"}


def refuse_missing_keys(jobs):
    """Stop before anything expensive runs; a dry run does not come here."""
    for job in jobs:
        if job.rule.name not in PAID:
            continue
        teacher = config["teachers"][setting(PAID[job.rule.name])(job.wildcards)]
        for place in [teacher, *teacher.get("endpoints", [])]:
            if missing_key(place.get("key_variable")):
                raise WorkflowError(
                    f"{place['key_variable']} is not set, and {teacher['model']} needs it to make results/{job.wildcards.dataset}.jsonl: "
                    f"export {place['key_variable']}=..., or choose another teacher in config.yaml. Nothing was run."
                )


# Corpora whose vectors for an encoder are published; the others are embedded here.
PUBLISHED = [
    f"{name}(?=/{encoder}/)"
    for name, corpus_settings in config["corpora"].items()
    for encoder in corpus_settings.get("embeddings", {})
]

# Runs that are given instead of searched.
GIVEN_RUNS = [
    f"{name}(?=/search/{queries}[.])" for name, settings in config["datasets"].items() for queries in settings["runs"]
]


# What a paid job knows beside its params: neither a new address of a teacher nor a raised budget makes anything stale.
os.environ[SETTINGS] = json.dumps({key: config[key] for key in ("teachers", "answers", "prices", "datasets")})


# The corpus

# What is known of downloads and how to reach them, for scripts/download.py. Neither params nor arguments: a new
# proxy, or a sum that is added later, must not fetch 37 GB again.
os.environ[DOWNLOADS] = json.dumps(downloads(config))


def source(file, name, section="corpora"):
    """A local path as it is, or the place of its download."""
    if "path" in file:
        return file["path"]
    place = "files.json" if "hub" in file else file["url"].rsplit("/", 1)[1]
    return f"{config['downloads']}/{section}/{name}/{place}"


def passage_files(wildcards):
    """The corpus's file, or all of a folder's text files, so that an edit of one is noticed."""
    path = source(corpus(wildcards)["passages"], wildcards.corpus)
    return [str(file) for file in text_files(Path(path))] if Path(path).is_dir() else path


def published_source(wildcards):
    """A tar or a folder."""
    return source(corpus(wildcards)["embeddings"][wildcards.encoder], wildcards.corpus)


def published_file(wildcards):
    path = published_source(wildcards)
    return f"{path}/passages_{wildcards.shard}" if Path(path).is_dir() else path


def downloadable(wildcards):
    files = remote_files({wildcards.section: {wildcards.name: config[wildcards.section][wildcards.name]}})
    return next(file for file in files if file["url"].rsplit("/", 1)[-1] == wildcards.file)


# Exemplars


def allowed_sets(wildcards):
    """The data set's exemplar sets; refused before anything is made of them when a licence is forbidden."""
    try:
        refuse_licences(config, wildcards.dataset)
    except UserError as error:
        raise WorkflowError(str(error))
    return of_sets("table")(wildcards)


def of_sets(kind):
    """The table or the summary of each of the data set's exemplar sets."""
    return lambda wildcards: expand(getattr(rules.load_exemplars.output, kind), set=dataset(wildcards)["exemplars"])


def exemplar_set(wildcards):
    return config["exemplar_sets"][wildcards.set]


def schema_arguments(wildcards):
    """A schema's name, or the fields of an own one."""
    settings = exemplar_set(wildcards)
    if "schema" in settings:
        return f"--schema {settings['schema']}"
    return f"--fields {shlex.quote(json.dumps(settings['fields'], sort_keys=True))}"


def benchmark_questions(wildcards):
    """The questions that neither exemplars nor rows may have in them."""
    return expand(rules.extract_questions.output, benchmark=dataset(wildcards)["decontaminate"])


# Retrieval


def query_file(wildcards):
    name = "exemplars/kept" if wildcards.queries == "exemplars" else f"pairs/{wildcards.queries}"
    return f"results/{wildcards.dataset}/{name}.jsonl"


def depth(wildcards):
    return (
        dataset(wildcards)["source_depth"] if wildcards.queries == "exemplars" else dataset(wildcards)["noise"]["depth"]
    )


def corpus_file(name):
    return lambda wildcards: f"results/corpora/{dataset(wildcards)['corpus']}/{name}"


def vectors_file(name):
    return lambda wildcards: f"results/corpora/{{corpus}}/{{encoder}}/{name}".format(**dataset(wildcards))


def given_run(wildcards):
    return dataset(wildcards)["runs"][wildcards.queries]


def all_shards(wildcards):
    return expand(
        rules.search_shard.output,
        shard=numbers(config["corpora"][dataset(wildcards)["corpus"]]["shards"]),
        allow_missing=True,
    )


# Synthesis


def chunk_files(kind):
    return lambda wildcards: expand(
        getattr(rules.synthesise.output, kind),
        chunk=numbers(dataset(wildcards)["chunks"]),
        allow_missing=True,
    )


# The data set


def of_paradigms(pattern):
    return lambda wildcards: expand(pattern, paradigm=wanted(dataset(wildcards)), allow_missing=True)


def verdicts(wildcards):
    """The proof's verdicts, where rows are tested."""
    tested = dataset(wildcards)["proof"]["share"] > 0
    return of_paradigms("results/{dataset}/proof/{paradigm}.jsonl")(wildcards) if tested else []


# Money


def judged_exemplars(wildcards):
    """The exemplars that a teacher judged, which was paid for; none where the heuristic did."""
    if dataset(wildcards)["exemplar_filter"] == "heuristic":
        return []
    return [f"results/{wildcards.dataset}/exemplars/{part}.jsonl" for part in ("kept", "dropped")]


# The card


def made_of(wildcards):
    return json.dumps(described(config, wildcards.dataset))
