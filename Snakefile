# RAG-Instruct as a build graph: `snakemake --cores 8 results/<dataset>.jsonl`, with <dataset> a key
# of `datasets` in config.yaml. The rules below stand in the order in which they run.

from snakemake.utils import min_version

min_version("9.27")


configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/corpus.smk"
include: "rules/exemplars.smk"
include: "rules/retrieval.smk"
include: "rules/synthesis.smk"
include: "rules/dataset.smk"
include: "rules/money.smk"
include: "rules/card.smk"
include: "rules/graph.smk"


wildcard_constraints:
    dataset=one_of(config["datasets"]),
    corpus="[a-z][a-z0-9_]*",
    encoder="[a-z][a-z0-9_]*",
    set="[a-z][a-z0-9_]*",
    benchmark="[a-z][a-z0-9_]*",
    name="[a-z][a-z0-9_]*",
    paradigm=one_of(PARADIGMS),
    queries=one_of(["exemplars", *PARADIGMS]),
    shard=r"\d+",
    chunk=r"\d+",
    file="[^/]+",


localrules:
    all,


rule all:
    default_target: True
    input:
        "results/rag_instruct_demo.jsonl",
        "results/rag_instruct_demo/hub/README.md",


onstart:
    refuse_second_run()
    refuse_missing_keys(workflow.dag.needrun_jobs())
