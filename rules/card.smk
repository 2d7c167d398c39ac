# Make the data set's files for the hub. scripts/push.py uploads the folder.
# Needs: results/<dataset>.jsonl and its counts. Makes: results/<dataset>/hub/, results/<dataset>.parquet.


rule card:
    input:
        dataset=rules.merge_dataset.output.dataset,
        counts=rules.merge_dataset.output.counts,
        quality_filters=rules.filter_rows.output.counts,
        ledger=rules.ledger.output.summary,
    output:
        card=report(
            "results/{dataset}/hub/README.md",
            caption="../resources/report/captions/card.rst",
            category="Data set",
            labels={"data set": "{dataset}", "what": "card"},
        ),
        parquet="results/{dataset}.parquet",
    log:
        "results/logs/card/{dataset}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(4000),
    params:
        made_of=made_of,
        language=lambda wildcards: dataset(wildcards)["quality_filters"]["language"] or [],
        validation=setting("validation"),
        seed=setting("seed"),
        code=code("card"),
    shell:
        "python -m scripts.card {input.dataset:q} --name {wildcards.dataset} --counts {input.counts:q} --quality-filters {input.quality_filters:q}"
        " --ledger {input.ledger:q} --made-of {params.made_of:q} --language {params.language} --validation {params.validation} --seed {params.seed}"
        " --card {output.card:q} --parquet {output.parquet:q} --log {log:q}"
