# RAG-Instruct as a workflow: `snakemake --cores 8 -- results/<dataset>.jsonl`. <dataset> is a key of `datasets` in
# config.yaml. The rule files are included in the order in which their rules run.

from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")


report: "resources/report/workflow.rst"


# We read config.yaml of the working directory, or else the workflow's own. --configfile adds to it.
configfile: "config.yaml" if Path("config.yaml").exists() else workflow.source_path("config.yaml")


include: "rules/common.smk"
include: "rules/corpus.smk"
include: "rules/exemplars.smk"
include: "rules/retrieval.smk"
include: "rules/linked_documents.smk"
include: "rules/synthesis.smk"
include: "rules/dataset.smk"
include: "rules/refill.smk"
include: "rules/money.smk"
include: "rules/card.smk"
include: "rules/training.smk"
include: "rules/evaluation.smk"
include: "rules/generation.smk"
include: "rules/scores.smk"
include: "rules/report.smk"
include: "rules/graph.smk"


wildcard_constraints:
    dataset=one_of(config["datasets"]),
    corpus="[a-z][a-z0-9_]*",
    encoder="[a-z][a-z0-9_]*",
    set="[a-z][a-z0-9_]*",
    benchmark="[a-z][a-z0-9_]*",
    name="[a-z][a-z0-9_]*",
    paradigm=one_of([*PARADIGMS, REFILL]),
    model="[a-z][a-z0-9_]*",
    given=one_of(GIVEN),
    queries=one_of(QUERIES),
    shard=r"\d+",
    chunk=r"\d+",
    file="[^/]+",


# Rules with `localrule` run on Snakemake's machine, also on a cluster: they need the network, or take a second.
rule all:
    default_target: True
    input:
        "results/rag_instruct_demo.jsonl",
        "results/rag_instruct_demo/hub/README.md",
        "results/rag_instruct_demo/report.html",
    localrule: True


onstart:
    with readable_errors():
        start(workflow, config)


onsuccess:
    with readable_errors():
        finish(workflow)
