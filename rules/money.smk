# Estimate the cost of a data set before it is made, and count the cost afterwards.
# Needs: the stored answers. Makes: results/<dataset>/cost_preview.json and ledger.json(l).


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
        # The time makes this stale at every call. The files that it reads are not inputs, because a preview must not
        # make them.
        asked_at=lambda wildcards: time.time(),
        settings=settings_file,
        snakefile=workflow.main_snakefile,
        configfiles=workflow.overwrite_configfiles,
    shell:
        "python -m scripts.preview_cost --dataset {wildcards.dataset} --prompts {params.prompts:q} --output {output:q}"
        " --settings {params.settings:q} --snakefile {params.snakefile:q} --configfile {params.configfiles:q} --log {log:q}"


rule ledger:
    input:
        dataset=rules.merge_dataset.output.dataset,
        rejects=rules.merge_dataset.output.rejects,
        exemplars=judged_exemplars,
        verdicts=verdicts_of(of_parts),
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
        # The answers of an evaluation are not inputs, because a ledger must not buy them. New answers make it stale.
        evaluated=lambda wildcards: state_of_outputs(Path(f"results/{wildcards.dataset}")),
        own_prices=own_prices,
        code=code("ledger"),
        settings=settings_file,
    shell:
        "python -m scripts.ledger {input.dataset:q} {input.rejects:q} {input.exemplars:q} {input.verdicts:q} --dataset {wildcards.dataset}"
        " --ledger {output.ledger:q} --summary {output.summary:q} --settings {params.settings:q} --log {log:q}"
