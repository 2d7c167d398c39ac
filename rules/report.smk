# Make a page about the data set, with its numbers and its rows.
# Needs: results/<dataset>.jsonl, its counts and its ledger. Makes: results/<dataset>/report.html.


include: "functions/report.smk"


rule measure_lengths:
    input:
        dataset=rules.merge_dataset.output.dataset,
        recipe=recipe_of_lengths,
    output:
        "results/{dataset}/lengths.json",
    log:
        "results/logs/measure_lengths/{dataset}.log",
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=growing(4000),
    params:
        estimate=lambda wildcards: "" if own_recipes(wildcards) else "--estimate",
        code=code("measure_lengths"),
    shell:
        "python -m scripts.measure_lengths {input.dataset:q} --recipe {input.recipe:q} {params.estimate} --output {output:q} --log {log:q}"


rule report:
    input:
        dataset=rules.merge_dataset.output.dataset,
        pairs=of_parts("results/{dataset}/pairs/{paradigm}.jsonl"),
        vectors=of_parts("results/{dataset}/search/{paradigm}/queries.npy"),
        counts=rules.merge_dataset.output.counts,
        quality_filters=rules.filter_rows.output.counts,
        ledger=rules.ledger.output.summary,
        lengths=rules.measure_lengths.output,
        template=own("resources/report/page.html"),
        parts=[own("resources/report/page.css"), own("resources/report/page.js")],
    output:
        report(
            "results/{dataset}/report.html",
            caption="../resources/report/captions/report.rst",
            category="Data set",
            labels={"data set": "{dataset}", "what": "report, with all rows"},
        ),
    log:
        "results/logs/report/{dataset}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(4000),
    params:
        made_of=made_of,
        names=names_of_logs,
        # Training curves and evaluation tables are not inputs, because a report must not train or evaluate anything.
        beside=lambda wildcards: state_beside(Path(f"results/{wildcards.dataset}.jsonl")),
        code=code("report"),
        settings=settings_file,
    shell:
        "python -m scripts.report {input.dataset:q} --pairs {input.pairs:q} --vectors {input.vectors:q} --counts {input.counts:q}"
        " --quality-filters {input.quality_filters:q} --ledger {input.ledger:q} --lengths {input.lengths:q} --logs results/logs"
        " --names {params.names:q} --made-of {params.made_of:q} --template {input.template:q} --output {output:q} --settings {params.settings:q} --log {log:q}"
