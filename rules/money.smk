# What a data set would cost, and what it did cost.
# Needs: the answers. Makes: results/<dataset>/cost_preview.json and ledger.json(l).


include: "functions/money.smk"


rule preview_cost:
    output:
        "results/{dataset}/cost_preview.json",
    log:
        "results/logs/preview_cost/{dataset}.log",
    localrule: True
    conda:
        "../envs/teacher.yaml"
    resources:
        mem_mb=growing(2000),
    params:
        prompts=own("resources/prompts"),
        # Stale at every call: what it looks at is no input, because a preview must not make it.
        asked_at=lambda wildcards: time.time(),
        settings=settings_file,
    shell:
        "python -m scripts.preview_cost --dataset {wildcards.dataset} --prompts {params.prompts:q} --output {output:q}"
        " --settings {params.settings:q} --log {log:q}"


rule ledger:
    input:
        dataset=rules.merge_dataset.output.dataset,
        rejects=rules.merge_dataset.output.rejects,
        exemplars=judged_exemplars,
        verdicts=verdicts,
        prices=config["prices"],
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
        own_prices=own_prices,
        code=code("ledger"),
        settings=settings_file,
    shell:
        "python -m scripts.ledger {input.dataset:q} {input.rejects:q} {input.exemplars:q} {input.verdicts:q} --dataset {wildcards.dataset}"
        " --ledger {output.ledger:q} --summary {output.summary:q} --settings {params.settings:q} --log {log:q}"
