# Make one pool of knowledge-intensive exemplars from instruction sets.
# Needs: exemplar_sets and benchmarks in config.yaml. Makes: results/exemplar_sets/, results/<dataset>/exemplars/.


include: "functions/exemplars.smk"


ruleorder: download_from_hub > download


rule download_from_hub:
    output:
        f"{config['downloads']}/{{section}}/{{name}}/files.json",
    log:
        "results/logs/download_from_hub/{section}_{name}.log",
    wildcard_constraints:
        section="exemplar_sets|benchmarks",
    localrule: True
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=A_DAY,
    params:
        hub=lambda wildcards: config[wildcards.section][wildcards.name]["hub"],
        revision=lambda wildcards: config[wildcards.section][wildcards.name]["revision"],
        files=lambda wildcards: shlex.join(config[wildcards.section][wildcards.name]["files"]),
    shell:
        "python -m scripts.download_from_hub {params.hub:q} --revision {params.revision:q} --files {params.files}"
        " --output {output:q} --log {log:q}"


rule load_exemplars:
    input:
        instruction_files,
    output:
        table="results/exemplar_sets/{set}.parquet",
        summary="results/exemplar_sets/{set}.json",
    log:
        "results/logs/load_exemplars/{set}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(240),
    params:
        schema=schema_arguments,
        form=lambda wildcards: form(exemplar_set(wildcards)),
        license=lambda wildcards: exemplar_set(wildcards)["license"],
        code=code("load_exemplars"),
    shell:
        "python -m scripts.load_exemplars {input:q} --name {wildcards.set} {params.schema} --form {params.form:q} --license {params.license:q}"
        " --output {output.table:q} --summary {output.summary:q} --log {log:q}"


rule extract_questions:
    input:
        lambda wildcards: source(config["benchmarks"][wildcards.benchmark], wildcards.benchmark, "benchmarks"),
    output:
        "results/benchmarks/{benchmark}.jsonl",
    log:
        "results/logs/extract_questions/{benchmark}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(1000),
    params:
        question=question_field,
        form=lambda wildcards: form(config["benchmarks"][wildcards.benchmark]),
        code=code("extract_questions"),
    shell:
        "python -m scripts.extract_questions {input:q} --question {params.question:q} --form {params.form:q}"
        " --output {output:q} --log {log:q}"


rule draw_exemplars:
    input:
        tables=allowed_sets,
        summaries=of_sets("summary"),
        benchmarks=benchmark_questions,
    output:
        drawn="results/{dataset}/exemplars/drawn.jsonl",
        unclean="results/{dataset}/exemplars/unclean.jsonl",
        counts="results/{dataset}/exemplars/drawn.json",
    log:
        "results/logs/draw_exemplars/{dataset}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(240),
    params:
        # If two exemplars are similar, that of the earlier set stays. So the order of the sets is a param, because
        # Snakemake does not notice when inputs change places.
        sets=lambda wildcards: " ".join(dataset(wildcards)["exemplars"]),
        counts=lambda wildcards: " ".join(map(str, dataset(wildcards)["exemplars"].values())),
        cleaning=lambda wildcards: json.dumps(dataset(wildcards)["cleaning"], sort_keys=True),
        seed=setting("seed"),
        code=code("draw_exemplars"),
    shell:
        "python -m scripts.draw_exemplars {input.tables:q} --summaries {input.summaries:q} --counts {params.counts}"
        " --seed {params.seed} --cleaning {params.cleaning:q} --benchmarks {input.benchmarks:q}"
        " --output {output.drawn:q} --dropped {output.unclean:q} --drawn-counts {output.counts:q} --log {log:q}"


rule filter_exemplars_by_heuristic:
    input:
        rules.draw_exemplars.output.drawn,
    output:
        kept="results/{dataset}/exemplars/kept.jsonl",
        dropped="results/{dataset}/exemplars/dropped.jsonl",
    log:
        "results/logs/filter_exemplars/{dataset}.log",
    wildcard_constraints:
        dataset=one_of(
            name for name, settings in config["datasets"].items() if settings["exemplar_filter"] == "heuristic"
        ),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(1000),
    params:
        code=code("filter_exemplars_by_heuristic"),
    shell:
        "python -m scripts.filter_exemplars_by_heuristic {input:q} --kept {output.kept:q} --dropped {output.dropped:q} --log {log:q}"


# Paid: its code is not a param, and its answers are in the store.
rule filter_exemplars_by_teacher:
    input:
        exemplars=rules.draw_exemplars.output.drawn,
        prompt=own("resources/prompts/knowledge_intensive.yaml"),
    output:
        kept="results/{dataset}/exemplars/kept.jsonl",
        dropped="results/{dataset}/exemplars/dropped.jsonl",
    log:
        "results/logs/filter_exemplars/{dataset}.log",
    wildcard_constraints:
        dataset=one_of(
            name for name, settings in config["datasets"].items() if settings["exemplar_filter"] != "heuristic"
        ),
    conda:
        "../envs/teacher.yaml"
    resources:
        mem_mb=growing(2000),
        requests=requests_at_once("exemplar_filter"),
        runtime=A_DAY,
    params:
        a_request=setting("exemplars_a_request"),
        teacher=setting("exemplar_filter"),
        asked=asked("exemplar_filter"),
        settings=settings_file,
    shell:
        "python -m scripts.filter_exemplars_by_teacher {input.exemplars:q} --prompt {input.prompt:q}"
        " --a-request {params.a_request} --teacher {params.teacher:q} --dataset {wildcards.dataset}"
        " --kept {output.kept:q} --dropped {output.dropped:q} --settings {params.settings:q} --requests {resources.requests} --log {log:q}"


rule report_exemplars:
    input:
        summaries=of_sets("summary"),
        counts=rules.draw_exemplars.output.counts,
        unclean=rules.draw_exemplars.output.unclean,
        kept="results/{dataset}/exemplars/kept.jsonl",
        dropped="results/{dataset}/exemplars/dropped.jsonl",
    output:
        report=report(
            "results/{dataset}/exemplars/report.md",
            caption="../resources/report/captions/exemplars.rst",
            category="Data set",
            labels={"data set": "{dataset}", "what": "exemplars"},
        ),
        counts="results/{dataset}/exemplars/counts.json",
    log:
        "results/logs/report_exemplars/{dataset}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(1000),
    params:
        filtered_by=setting("exemplar_filter"),
        seed=setting("seed"),
        code=code("report_exemplars"),
    shell:
        "python -m scripts.report_exemplars --name {wildcards.dataset} --summaries {input.summaries:q} --drawn-counts {input.counts:q}"
        " --kept {input.kept:q} --dropped {input.dropped:q} --unclean {input.unclean:q} --filtered-by {params.filtered_by:q}"
        " --seed {params.seed} --report {output.report:q} --counts {output.counts:q} --log {log:q}"
