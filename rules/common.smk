# What the rules share: the checked config, and short functions from wildcards to its values.

import json
import os
import re
import shlex
import signal
import sys
import time
from glob import glob
from pathlib import Path

from snakemake.logging import is_quiet_about, logger

sys.path.insert(0, workflow.basedir)

from rag_instruct.benchmarks.settings import evaluated, facts, schema_of
from rag_instruct.code import code_of_script, jobs_find
from rag_instruct.download import remote_files
from rag_instruct.settings import GIVEN, known
from rag_instruct.settings.config import checked
from rag_instruct.jobs import missing_key, write_settings
from rag_instruct.dataset.card import described
from rag_instruct.dataset.licences import refuse_licences
from rag_instruct.errors import UserError
from rag_instruct.graph.captured import speak_in_whole_messages
from rag_instruct.training.launch import launch_command
from rag_instruct.lock import hold
from rag_instruct.paradigms import PARADIGMS, quotas, slots
from rag_instruct.corpus.readers import text_files
from rag_instruct.training.recipe import load_recipe
from rag_instruct.report.beside import state_beside, state_of_outputs

jobs_find(workflow.basedir)

# SLURM signals all processes of a job. At SIGTERM Snakemake waits for what it runs; of SIGUSR1 it would die, and the job
# would be over before a training has saved its checkpoint.
signal.signal(signal.SIGUSR1, lambda number, frame: os.kill(os.getpid(), signal.SIGTERM))

PROMPTS = Path(workflow.basedir, "resources/prompts")
EVALUATION = "evaluation_"  # and a benchmark: the queries of an evaluation


def refuse_unknown_datasets(targets):
    """Say that a name is unknown, where Snakemake would say that no rule makes the file."""
    for target in targets:
        if name := re.fullmatch(r"results/(\w+)(?:\.jsonl|/evaluation\.\w+)", target):
            known(name[1], config["datasets"], target, "datasets")


try:
    config = checked(config, PROMPTS, workflow.configfiles)
    # Snakemake itself learns its targets only after it has read this file.
    refuse_unknown_datasets(sys.argv[1:])
except UserError as error:
    raise WorkflowError(str(error))


def one_of(names):
    """A pattern for any of the names; of none, one that nothing matches, where an empty one would match all."""
    return "|".join(names) or "(?!)"


def code(rule):
    """A digest of the rule's code less comments: a param of free stages, so that a real edit makes them stale."""
    return lambda wildcards: code_of_script(Path(workflow.basedir), rule)


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


def asked_of(name):
    """What decides a teacher's answers, as a param: where and how fast it is asked may change without a rerun."""
    teacher = config["teachers"][name]
    return json.dumps({key: teacher[key] for key in ("model", "sampling", "reasoning_tokens")}, sort_keys=True)


def asked(key):
    """The same of the data set's teacher of `key`."""
    return lambda wildcards: asked_of(setting(key)(wildcards))


def growing(amount):
    """As much again with each retry: a cluster ends jobs that need more memory or time than they asked for."""
    return lambda wildcards, attempt: amount * attempt


# Minutes of a stage that may wait for an endpoint, or go through a whole corpus. It does not grow: stopped, the stage
# goes on from what it kept.
A_DAY = 24 * 60


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
    return len(slots(quotas(dataset(wildcards), wildcards.paradigm), dataset(wildcards)["oversample"]))


def refuse_second_run(jobs):
    """One run at a time in a folder. Unlike Snakemake's own lock, this one ends with the run, also when it is killed.

    What is left to buy may be asked beside it.
    """
    global run_lock
    if {job.rule.name for job in jobs} == {"preview_cost"}:
        return
    run_lock = hold(Path(".snakemake/run.lock"), wait=False)
    if run_lock is None:
        raise WorkflowError("another run is under way in this folder: wait for it, or end it")


# The paid rules, and which teacher each asks.
PAID = {
    "synthesise": setting("teacher"),
    "filter_exemplars_by_teacher": setting("exemplar_filter"),
    "verify_paradigms": setting("verification.judge"),
    "generate_endpoint": lambda wildcards: config["models"][wildcards.model]["teacher"],
}


def refuse_missing_keys(jobs):
    """Stop before anything expensive runs; a dry run does not come here."""
    for job in jobs:
        if job.rule.name not in PAID:
            continue
        teacher = config["teachers"][PAID[job.rule.name](job.wildcards)]
        for place in [teacher, *teacher.get("endpoints", [])]:
            if missing_key(place.get("key_variable")):
                raise WorkflowError(
                    f"{place['key_variable']} is not set, and {teacher['model']} needs it to make results/{job.wildcards.dataset}.jsonl: "
                    f"export {place['key_variable']}=..., or choose another teacher in config.yaml. Nothing was run."
                )


def usual_handler():
    """By which Snakemake speaks; None where another --logger does."""
    return next((handler for handler in logger.handlers if handler.name == "DefaultStreamHandler"), None)


def keep_messages_whole():
    """Let nothing that jobs say come between a message of Snakemake's and its line end."""
    if handler := usual_handler():
        speak_in_whole_messages(handler)


def show_progress(jobs):
    """The run's progress on a terminal; not where it is unwanted (--quiet, another --logger) or nobody watches."""
    handler = usual_handler()
    if not (handler and sys.stderr.isatty()) or is_quiet_about(workflow.output_settings.quiet or [], "progress"):
        return
    from rag_instruct.graph.display import show

    found = [(job.jobid, job.rule.name, dict(job.wildcards_dict)) for job in jobs]
    show(found, [rule.name for rule in workflow.rules], config, handler)


def show_failures():
    """Say which jobs failed elsewhere and show their logs, which `quiet: rules` would hide. Here, jobs say it themselves."""
    if workflow.local_exec:
        return
    for handler in logger.handlers:
        for usual in handler.filters[:]:
            handler.removeFilter(usual)
            handler.addFilter(
                lambda record, usual=usual: vars(record).get("event") == "job_error" or usual.filter(record)
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


# What a job knows beside its params: teachers, budgets, prices, mirrors. No input, and a function of `output` is no param
# that reruns anything: neither a new address of a teacher nor a raised budget makes anything stale.
SETTINGS_FILE = write_settings(config, Path(".snakemake/settings"))


def settings_file(wildcards, output):
    return SETTINGS_FILE


# The corpus


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


def instruction_files(wildcards):
    """A set's file or the list of its download, or the local files that a pattern means."""
    path = source(exemplar_set(wildcards), wildcards.set, "exemplar_sets")
    return path if Path(path).exists() else sorted(glob(path)) or path


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


def tested(wildcards):
    """The benchmark whose questions are the queries, or nothing."""
    return wildcards.queries.removeprefix(EVALUATION) if wildcards.queries.startswith(EVALUATION) else ""


def searched(wildcards):
    """The corpus and the encoder: the data set's, or for a benchmark's questions its evaluation's."""
    settings = dataset(wildcards)
    return {**settings, **(settings["evaluation"] if tested(wildcards) else {})}


def query_file(wildcards):
    if benchmark := tested(wildcards):
        return f"results/{wildcards.dataset}/evaluation/{benchmark}/queries.jsonl"
    name = "exemplars/kept" if wildcards.queries == "exemplars" else f"pairs/{wildcards.queries}"
    return f"results/{wildcards.dataset}/{name}.jsonl"


def depth(wildcards):
    if tested(wildcards):
        return dataset(wildcards)["evaluation"]["documents"]
    return (
        dataset(wildcards)["source_depth"] if wildcards.queries == "exemplars" else dataset(wildcards)["noise"]["depth"]
    )


def corpus_file(name):
    return lambda wildcards: f"results/corpora/{dataset(wildcards)['corpus']}/{name}"


def searched_file(name):
    return lambda wildcards: f"results/corpora/{searched(wildcards)['corpus']}/{name}"


def vectors_file(name):
    return lambda wildcards: f"results/corpora/{{corpus}}/{{encoder}}/{name}".format(**searched(wildcards))


def given_run(wildcards):
    return dataset(wildcards)["runs"][wildcards.queries]


def all_shards(wildcards):
    return expand(
        rules.search_shard.output,
        shard=numbers(config["corpora"][searched(wildcards)["corpus"]]["shards"]),
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
    """The verification's verdicts, where rows are tested."""
    tested = dataset(wildcards)["verification"]["share"] > 0
    return of_paradigms("results/{dataset}/verification/{paradigm}.jsonl")(wildcards) if tested else []


# Money


def judged_exemplars(wildcards):
    """The exemplars that a teacher judged, which was paid for; none where the heuristic did."""
    if dataset(wildcards)["exemplar_filter"] == "heuristic":
        return []
    return [f"results/{wildcards.dataset}/exemplars/{part}.jsonl" for part in ("kept", "dropped")]


# The card


def made_of(wildcards):
    return json.dumps(described(config, wildcards.dataset))


# Training


def recipe(wildcards):
    try:
        return load_recipe(Path("resources/recipes", f"{wildcards.model}.yaml"))
    except UserError as error:
        raise WorkflowError(str(error))


def slurm_options(wildcards):
    """sbatch's, for a training: time to save a checkpoint before the job's own is up, and as many GPUs on each machine."""
    gpus = recipe(wildcards).gpus
    return shlex.join(["--signal=USR1@300", *([f"--gpus-per-node={gpus}"] if gpus else [])])


def launch(wildcards, input, output):
    """The whole command, which several machines get in one piece."""
    place = f"results/{wildcards.dataset}/checkpoints/{wildcards.model}"
    log = f"results/logs/train/{wildcards.dataset}_{wildcards.model}.log"
    arguments = [input.dataset, "--recipe", input.recipe, "--checkpoints", place, "--output", str(output), "--log", log]
    return launch_command(recipe(wildcards), "scripts.train", shlex.join(arguments))


# Evaluation


def code_for_benchmark(rule, without=()):
    """The same with the benchmark's own file, which the script finds by its name."""

    def value(wildcards):
        schema = schema_of(wildcards.benchmark, config["benchmarks"][wildcards.benchmark])
        return code_of_script(Path(workflow.basedir), rule, f"rag_instruct.benchmarks.{schema}", without=without)

    return value


def contestant(wildcards):
    return config["models"][wildcards.model]


def ids_of_test(wildcards):
    """The file that names a benchmark's questions of the test, where another has them all."""
    settings = config["benchmarks"][wildcards.benchmark]
    return source(settings["ids"], wildcards.benchmark, "benchmarks") if "ids" in settings else []


def questions_of(wildcards):
    return f"results/benchmarks/{wildcards.benchmark}/questions.jsonl"


def contexts(wildcards):
    """A file of documents that somebody retrieved for the benchmark already, or nothing."""
    return dataset(wildcards)["evaluation"]["contexts"].get(wildcards.benchmark, [])


def needs_search(wildcards):
    """Whether a benchmark's documents are searched: it has none of its own, and no file has them."""
    kind = facts(wildcards.benchmark, config["benchmarks"][wildcards.benchmark])["kind"]
    return kind != "own_context" and not contexts(wildcards)


def run_of_benchmark(wildcards):
    if not needs_search(wildcards):
        return []
    return f"results/{wildcards.dataset}/search/{EVALUATION}{wildcards.benchmark}.parquet"


def passages_of_benchmark(wildcards):
    if not needs_search(wildcards):
        return []
    settings = dataset(wildcards)
    return "results/corpora/{corpus}/passages.arrow".format(**{**settings, **settings["evaluation"]})


def documents_of_given(wildcards):
    """The documents that a model sees, or none."""
    return rules.gather_documents.output if wildcards.given == "with_documents" else []


def weights(wildcards):
    """The folder that a recipe's training makes, as an input; other weights lie outside of the graph."""
    made = contestant(wildcards).get("recipe")
    return f"results/{wildcards.dataset}/models/{made}" if made else []


def place_of_weights(wildcards):
    return weights(wildcards) or contestant(wildcards)["model"]


def named(kind):
    """The models that are given by one of these keys."""
    return one_of(name for name, model in config["models"].items() if kind & model.keys())


def evaluation_of(wildcards):
    """The data set's evaluation, which has to name something."""
    evaluation = dataset(wildcards)["evaluation"]
    for key in ("benchmarks", "models"):
        if not evaluation[key]:
            raise WorkflowError(
                f"config.yaml: datasets.{wildcards.dataset}.evaluation.{key} is empty: name at least one of `{key}`"
            )
    return evaluation


def of_benchmarks(pattern):
    """A file of each benchmark of the evaluation."""
    return lambda wildcards: expand(pattern, benchmark=evaluation_of(wildcards)["benchmarks"], allow_missing=True)


def of_evaluation(pattern):
    """A file of each benchmark, model and way of asking, in the order of config.yaml."""

    def files(wildcards):
        evaluation = evaluation_of(wildcards)
        ways = GIVEN if evaluation["closed_book"] else GIVEN[:1]
        return expand(
            pattern, benchmark=evaluation["benchmarks"], model=evaluation["models"], given=ways, allow_missing=True
        )

    return files


def evaluation_described(wildcards):
    return json.dumps(evaluated(config, wildcards.dataset))


# Pictures of the graph


def pictured(wildcards):
    """All that the graph makes of a data set: what a picture of it leads to."""
    evaluation = dataset(wildcards)["evaluation"]
    pages = ["evaluation.html"] if evaluation["benchmarks"] and evaluation["models"] else []
    return [f"results/{wildcards.dataset}/{name}" for name in ["hub/README.md", "report.html", *pages]]


# The report


def recipe_of_lengths(wildcards):
    """The first recipe of the data set's evaluation, by whose tokenizer and limit rows are measured."""
    models = (config["models"][name] for name in dataset(wildcards)["evaluation"]["models"])
    name = next((model["recipe"] for model in models if "recipe" in model), "llama_3_1_8b")
    return f"resources/recipes/{name}.yaml"


def names_of_logs(wildcards):
    """What the logs of a data set's jobs are named by, and what other logs are."""
    settings = dataset(wildcards)
    mine = [wildcards.dataset, settings["corpus"], *settings["exemplars"], *settings["decontaminate"]]
    every = [name for part in ("datasets", "corpora", "exemplar_sets", "benchmarks") for name in config[part]]
    return json.dumps({"mine": mine, "others": sorted(set(every) - set(mine))})
