# What a data set would cost, and what it did cost.
# Needs: the answers. Makes: results/<dataset>/cost_preview.json and ledger.json(l).


rule preview_cost:
    output:
        "results/{dataset}/cost_preview.json",
    log:
        "results/logs/preview_cost/{dataset}.log",
    conda:
        "../envs/teacher.yaml"
    resources:
        mem_mb=2000,
    params:
        # Stale at every call: what it looks at is no input, because a preview must not make it.
        asked_at=lambda wildcards: time.time(),
    shell:
        "python -m scripts.preview_cost --dataset {wildcards.dataset} --output {output:q} --log {log:q}"


rule ledger:
    input:
        rules.merge_dataset.output.dataset,
        rules.merge_dataset.output.rejects,
        judged_exemplars,
        verdicts,
    output:
        ledger="results/{dataset}/ledger.jsonl",
        summary="results/{dataset}/ledger.json",
    log:
        "results/logs/ledger/{dataset}.log",
    conda:
        "../envs/teacher.yaml"
    resources:
        mem_mb=2000,
    params:
        code=code("ledger"),
    shell:
        "python -m scripts.ledger {input:q} --dataset {wildcards.dataset}"
        " --ledger {output.ledger:q} --summary {output.summary:q} --log {log:q}"
