# The data set as the hub takes it. scripts/push.py uploads the folder.
# Needs: results/<dataset>.jsonl and its counts. Makes: results/<dataset>/hub/, results/<dataset>.parquet.


rule card:
    input:
        dataset=rules.merge_dataset.output.dataset,
        counts=rules.merge_dataset.output.counts,
        gates=rules.gate.output.counts,
        ledger=rules.ledger.output.summary,
    output:
        card="results/{dataset}/hub/README.md",
        parquet="results/{dataset}.parquet",
    log:
        "results/logs/card/{dataset}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
    params:
        made_of=made_of,
        validation=setting("validation"),
        seed=setting("seed"),
        code=code("card"),
    shell:
        "python -m scripts.card {input.dataset:q} --name {wildcards.dataset} --counts {input.counts:q} --gates {input.gates:q}"
        " --ledger {input.ledger:q} --made-of {params.made_of:q} --validation {params.validation} --seed {params.seed}"
        " --card {output.card:q} --parquet {output.parquet:q} --log {log:q}"
