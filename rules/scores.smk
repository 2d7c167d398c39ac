# Score the answers, and write tables, a page, and lm-eval's format. These rules send no requests.
# Needs: results/<dataset>/evaluation/<benchmark>/. Makes: results/<dataset>/evaluation.md, .csv, .json and .html.


include: "functions/scores.smk"


rule score:
    input:
        outputs="results/{dataset}/evaluation/{benchmark}/{given}/{model}.outputs.jsonl",
        questions=questions_of,
    output:
        "results/{dataset}/evaluation/{benchmark}/{given}/{model}.scores.jsonl",
    log:
        "results/logs/score/{dataset}_{benchmark}_{given}_{model}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(1000),
    params:
        schema=lambda wildcards: schema_of(wildcards.benchmark, config["benchmarks"][wildcards.benchmark]),
        code=code_for_benchmark("score"),
    shell:
        "python -m scripts.score {input.outputs:q} --schema {params.schema} --questions {input.questions:q}"
        " --output {output:q} --log {log:q}"


rule measure_retrieval:
    input:
        questions=questions_of,
        documents="results/{dataset}/evaluation/{benchmark}/documents.jsonl",
    output:
        "results/{dataset}/evaluation/{benchmark}/retrieval.json",
    log:
        "results/logs/measure_retrieval/{dataset}_{benchmark}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(1000),
    params:
        code=code("measure_retrieval"),
    shell:
        "python -m scripts.measure_retrieval {input.questions:q} --documents {input.documents:q} --output {output:q}"
        " --log {log:q}"


rule compare_retrievers:
    input:
        runs=compared_runs,
        questions=compared("results/benchmarks/{benchmark}/questions.jsonl"),
        passages=lambda wildcards: passages_of_evaluation(dataset(wildcards)),
    output:
        markdown="results/{dataset}/retrieval.md",
        json="results/{dataset}/retrieval.json",
        svg=report(
            "results/{dataset}/retrieval.svg",
            caption="../resources/report/captions/retrieval.rst",
            category="Evaluation",
            labels={"data set": "{dataset}", "what": "retrievers"},
        ),
    log:
        "results/logs/compare_retrievers/{dataset}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(2000),
    params:
        labels=compared_labels,
        code=code("compare_retrievers"),
    shell:
        "python -m scripts.compare_retrievers {input.runs:q} --questions {input.questions:q} --labels {params.labels:q}"
        " --passages {input.passages:q} --dataset {wildcards.dataset} --markdown {output.markdown:q}"
        " --json {output.json:q} --svg {output.svg:q} --log {log:q}"


rule tabulate:
    input:
        scores=of_evaluation("results/{dataset}/evaluation/{benchmark}/{given}/{model}.scores.jsonl"),
        outputs=of_evaluation("results/{dataset}/evaluation/{benchmark}/{given}/{model}.outputs.jsonl"),
        questions=of_benchmarks("results/benchmarks/{benchmark}/questions.jsonl"),
        retrieval=of_benchmarks("results/{dataset}/evaluation/{benchmark}/retrieval.json"),
        published=own("resources/evaluation/published_scores.yaml"),
    output:
        json="results/{dataset}/evaluation.json",
        markdown="results/{dataset}/evaluation.md",
        csv="results/{dataset}/evaluation.csv",
        disagreements="results/{dataset}/evaluation/disagreements.jsonl",
    log:
        "results/logs/tabulate/{dataset}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(4000),
    params:
        described=evaluation_described,
        code=code("tabulate"),
    shell:
        "python -m scripts.tabulate --scores {input.scores:q} --outputs {input.outputs:q} --questions {input.questions:q}"
        " --retrieval {input.retrieval:q} --published {input.published:q} --described {params.described:q}"
        " --json {output.json:q} --markdown {output.markdown:q} --csv {output.csv:q}"
        " --disagreements {output.disagreements:q} --log {log:q}"


rule draw_page:
    input:
        table=rules.tabulate.output.json,
        scores=rules.tabulate.input.scores,
        outputs=rules.tabulate.input.outputs,
        questions=rules.tabulate.input.questions,
        documents=of_benchmarks("results/{dataset}/evaluation/{benchmark}/documents.jsonl"),
        template=own("resources/evaluation/page.html"),
    output:
        report(
            "results/{dataset}/evaluation.html",
            caption="../resources/report/captions/evaluation.rst",
            category="Evaluation",
            labels={"data set": "{dataset}", "what": "page"},
        ),
    log:
        "results/logs/draw_page/{dataset}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(4000),
    params:
        code=code("draw_page"),
    shell:
        "python -m scripts.draw_page {input.table:q} --scores {input.scores:q} --outputs {input.outputs:q}"
        " --questions {input.questions:q} --documents {input.documents:q} --template {input.template:q}"
        " --output {output:q} --log {log:q}"
