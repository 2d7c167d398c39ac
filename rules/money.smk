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
        mem_mb=growing(2000),
    params:
        # Stale at every call: what it looks at is no input, because a preview must not make it.
        asked_at=lambda wildcards: time.time(),
        settings=settings_file,
    shell:
        "python -m scripts.preview_cost --dataset {wildcards.dataset} --output {output:q} --settings {params.settings:q} --log {log:q}"


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
        mem_mb=growing(2000),
    params:
        # An evaluation's answers are no inputs, because a ledger must buy none; with more of them it is stale.
        evaluated=lambda wildcards: state_of_outputs(Path(f"results/{wildcards.dataset}")),
        code=code("ledger"),
        settings=settings_file,
    shell:
        "python -m scripts.ledger {input:q} --dataset {wildcards.dataset}"
        " --ledger {output.ledger:q} --summary {output.summary:q} --settings {params.settings:q} --log {log:q}"
