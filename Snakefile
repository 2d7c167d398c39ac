# RAG-Instruct as a build graph: `snakemake --cores 8 results/<dataset>.jsonl`, with <dataset> a key
# of `datasets` in config.yaml. The rules below stand in the order in which they run.

from snakemake.utils import min_version

min_version("9.27")


report: "resources/report/workflow.rst"


configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/corpus.smk"
include: "rules/exemplars.smk"
include: "rules/retrieval.smk"
include: "rules/synthesis.smk"
include: "rules/dataset.smk"
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
    paradigm=one_of(PARADIGMS),
    model="[a-z][a-z0-9_]*",
    given=one_of(GIVEN),
    queries=one_of(["exemplars", *PARADIGMS, *(EVALUATION + name for name in config["benchmarks"])]),
    shard=r"\d+",
    chunk=r"\d+",
    file="[^/]+",


# On a cluster these run where Snakemake does: they need the network, which compute nodes may lack, or take a second.
localrules:
    all,
    download,
    download_from_hub,
    preview_cost,
    list_shards,
    list_queries,
    draw_graph,


rule all:
    default_target: True
    input:
        "results/rag_instruct_demo.jsonl",
        "results/rag_instruct_demo/hub/README.md",
        "results/rag_instruct_demo/report.html",


onstart:
    keep_messages_whole()
    show_failures()
    refuse_second_run(workflow.dag.needrun_jobs())
    refuse_missing_keys(workflow.dag.needrun_jobs())
    show_progress(workflow.dag.needrun_jobs())
