# Add noise documents to the pairs, filter and verify the rows, and merge them into one data set.
# Needs: results/<dataset>/pairs/ and search/. Makes: results/<dataset>.jsonl.


include: "functions/dataset.smk"


rule assemble:
    input:
        pairs="results/{dataset}/pairs/{paradigm}.jsonl",
        run="results/{dataset}/search/{paradigm}.parquet",
        passages=corpus_file("passages.arrow"),
    output:
        rows="results/{dataset}/rows/{paradigm}.jsonl",
        rejects="results/{dataset}/rows/{paradigm}.rejects.jsonl",
    log:
        "results/logs/assemble/{dataset}_{paradigm}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(4000),
    params:
        documents=setting("documents"),
        corpus_license=lambda wildcards: config["corpora"][dataset(wildcards)["corpus"]].get("license", "unknown"),
        beyond=setting("noise.beyond"),
        choose=setting("noise.choose"),
        seed=setting("seed"),
        code=code("assemble"),
    shell:
        "python -m scripts.assemble {input.pairs:q} --run {input.run:q} --passages {input.passages:q}"
        " --documents {params.documents} --beyond {params.beyond} --choose {params.choose} --seed {params.seed}"
        " --corpus-license {params.corpus_license:q}"
        " --rows {output.rows:q} --rejects {output.rejects:q} --log {log:q}"


rule filter_rows:
    input:
        rows=of_parts(rules.assemble.output.rows),
        pairs=of_parts("results/{dataset}/pairs/{paradigm}.jsonl"),
        vectors=question_vectors(of_parts),
        benchmarks=benchmark_questions,
    output:
        stopped="results/{dataset}/quality_filters/stopped.jsonl",
        counts="results/{dataset}/quality_filters/counts.json",
    log:
        "results/logs/filter_rows/{dataset}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(4000),
    params:
        quality_filters=lambda wildcards: json.dumps(dataset(wildcards)["quality_filters"], sort_keys=True),
        code=code("filter_rows"),
    shell:
        "python -m scripts.filter_rows {input.rows:q} --pairs {input.pairs:q} --vectors {input.vectors:q}"
        " --quality-filters {params.quality_filters:q} --benchmarks {input.benchmarks:q} --stopped {output.stopped:q} --counts {output.counts:q} --log {log:q}"


# Every measurement is stored, so that a rerun measures only what is new.
rule measure_evidence:
    input:
        rows=of_parts(rules.assemble.output.rows),
        stopped=rules.filter_rows.output.stopped,
    output:
        "results/{dataset}/evidence.jsonl",
    log:
        "results/logs/measure_evidence/{dataset}.log",
    wildcard_constraints:
        dataset=one_of(name for name, settings in config["datasets"].items() if settings["evidence"]["model"]),
    conda:
        "../envs/training.yaml"
    threads: 16
    resources:
        mem_mb=lambda wildcards: measuring(wildcards)["memory_mb"],
        gpu=lambda wildcards: measuring(wildcards)["gpus"],
        runtime=A_DAY,
    params:
        model=lambda wildcards: measuring(wildcards)["model"],
        revision=lambda wildcards: measuring(wildcards).get("revision", []),
        rows=setting("evidence.rows"),
        thresholds=lambda wildcards: json.dumps(dataset(wildcards)["evidence"]["thresholds"], sort_keys=True),
        seed=setting("seed"),
        paradigms=lambda wildcards: (
            "" if rows_may_drop(dataset(wildcards)) else f"--paradigms {rows_wanted(wildcards)}"
        ),
        code=code("measure_evidence"),
        settings=settings_file,
    shell:
        "OMP_NUM_THREADS=1 python -m scripts.measure_evidence {input.rows:q} --stopped {input.stopped:q} {params.paradigms}"
        " --rows {params.rows} --seed {params.seed}"
        " --thresholds {params.thresholds:q} --model {params.model:q} --revision {params.revision:q} --workers {threads}"
        " --dataset {wildcards.dataset} --output {output:q} --settings {params.settings:q} --log {log:q}"


# Paid: its code is not a param, and its answers are in the store.
rule verify_paradigms:
    input:
        rows=rules.assemble.output.rows,
        stopped=stopped_before_verification,
        prompts=expand(
            own("resources/prompts/verification/{name}.yaml"),
            name=["closed_book", "with_documents", "from_documents", "grade", "criteria", "grade_open"],
        ),
    output:
        "results/{dataset}/verification/{paradigm}.jsonl",
    log:
        "results/logs/verify_paradigms/{dataset}_{paradigm}.log",
    wildcard_constraints:
        dataset=one_of(name for name, settings in config["datasets"].items() if settings["verification"]["share"]),
    conda:
        "../envs/teacher.yaml"
    resources:
        mem_mb=growing(2000),
        requests=requests_at_once("verification.judge"),
        runtime=A_DAY,
    params:
        prompts=lambda wildcards, input: str(Path(input.prompts[0]).parent),
        share=setting("verification.share"),
        seed=setting("seed"),
        teacher=setting("verification.judge"),
        asked=asked("verification.judge"),
        settings=settings_file,
    shell:
        "python -m scripts.verify_paradigms {input.rows:q} --stopped {input.stopped:q} --prompts {params.prompts:q} --share {params.share} --seed {params.seed}"
        " --teacher {params.teacher:q} --dataset {wildcards.dataset} --output {output:q} --settings {params.settings:q} --requests {resources.requests} --log {log:q}"


rule merge_dataset:
    input:
        rows=of_parts(rules.assemble.output.rows),
        stopped=rules.filter_rows.output.stopped,
        verdicts=verdicts_of(of_parts),
        evidence=evidence,
        rejects=of_parts(rules.assemble.output.rejects),
        pair_rejects=of_parts("results/{dataset}/pairs/{paradigm}.rejects.jsonl"),
        exemplars="results/{dataset}/exemplars/counts.json",
    output:
        dataset="results/{dataset}.jsonl",
        rejects="results/{dataset}/rejects.jsonl",
        counts=report(
            "results/{dataset}/counts.json",
            caption="../resources/report/captions/counts.rst",
            category="Data set",
            labels={"data set": "{dataset}", "what": "counts"},
        ),
    log:
        "results/logs/merge_dataset/{dataset}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(4000),
    params:
        paradigms=rows_wanted,
        seed=setting("seed"),
        on_verification=setting("verification.failing"),
        on_evidence=setting("evidence.failing"),
        code=code("merge_dataset"),
    shell:
        "python -m scripts.merge_dataset {input.rows:q} --paradigms {params.paradigms} --seed {params.seed} --stopped {input.stopped:q}"
        " --verdicts {input.verdicts:q} --on-verification {params.on_verification} --evidence {input.evidence:q} --on-evidence {params.on_evidence} --exemplars {input.exemplars:q}"
        " --earlier-rejects {input.rejects:q} {input.pair_rejects:q}"
        " --dataset {output.dataset:q} --rejects {output.rejects:q} --counts {output.counts:q} --log {log:q}"
