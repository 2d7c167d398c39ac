# Models under test answer the questions of benchmarks, with documents and without.
# Needs: results/benchmarks/<benchmark>/questions.jsonl, a corpus, models. Makes: results/<dataset>/evaluation/<benchmark>/.


include: "functions/generation.smk"


rule list_queries:
    input:
        questions_of,
    output:
        "results/{dataset}/evaluation/{benchmark}/queries.jsonl",
    log:
        "results/logs/list_queries/{dataset}_{benchmark}.log",
    localrule: True
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(1000),
    params:
        code=code("list_queries"),
    shell:
        "python -m scripts.list_queries {input:q} --output {output:q} --log {log:q}"


rule gather_documents:
    input:
        questions=questions_of,
        run=run_of_benchmark,
        passages=passages_of_benchmark,
        contexts=contexts,
    output:
        "results/{dataset}/evaluation/{benchmark}/documents.jsonl",
    log:
        "results/logs/gather_documents/{dataset}_{benchmark}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(2000),
    params:
        documents=setting("evaluation.documents"),
        code=code("gather_documents"),
    shell:
        "python -m scripts.gather_documents {input.questions:q} --run {input.run:q} --passages {input.passages:q}"
        " --contexts {input.contexts:q} --documents {params.documents} --output {output:q} --log {log:q}"


# This takes GPU hours, so its code is not a param. Every batch of answers is kept, and a rerun makes the missing ones.
rule generate_local:
    input:
        questions=questions_of,
        documents=documents_of_given,
        weights=weights,
    output:
        "results/{dataset}/evaluation/{benchmark}/{given}/{model}.outputs.jsonl",
    log:
        "results/logs/generate/{dataset}_{benchmark}_{given}_{model}.log",
    wildcard_constraints:
        model=named({"recipe", "model"}),
    conda:
        "../envs/training.yaml"
    threads: lambda wildcards: contestant(wildcards)["threads"]
    resources:
        mem_mb=lambda wildcards: contestant(wildcards)["memory_mb"],
        gpu=lambda wildcards: contestant(wildcards)["gpus"],
        runtime=A_DAY,
    params:
        model=place_of_weights,
        revision=lambda wildcards: contestant(wildcards).get("revision", []),
        max_new_tokens=setting("evaluation.max_new_tokens"),
        decoding=setting("evaluation.decoding"),
        seed=setting("seed"),
        settings=settings_file,
    shell:
        "OMP_NUM_THREADS={threads} python -m scripts.generate_local {input.questions:q} --documents {input.documents:q}"
        " --model {params.model:q} --revision {params.revision:q}"
        " --max-new-tokens {params.max_new_tokens} --decoding {params.decoding} --seed {params.seed}"
        " --dataset {wildcards.dataset} --output {output:q} --settings {params.settings:q} --log {log:q}"


# Paid: its code is not a param, and its answers are in the store.
rule generate_endpoint:
    input:
        questions=questions_of,
        documents=documents_of_given,
    output:
        "results/{dataset}/evaluation/{benchmark}/{given}/{model}.outputs.jsonl",
    log:
        "results/logs/generate/{dataset}_{benchmark}_{given}_{model}.log",
    wildcard_constraints:
        model=named({"teacher"}),
    conda:
        "../envs/teacher.yaml"
    resources:
        mem_mb=growing(2000),
        requests=lambda wildcards: config["teachers"][contestant(wildcards)["teacher"]]["concurrency"],
        runtime=A_DAY,
    params:
        teacher=lambda wildcards: contestant(wildcards)["teacher"],
        asked=lambda wildcards: asked_of(contestant(wildcards)["teacher"]),
        max_new_tokens=setting("evaluation.max_new_tokens"),
        decoding=setting("evaluation.decoding"),
        settings=settings_file,
    shell:
        "python -m scripts.generate_endpoint {input.questions:q} --documents {input.documents:q} --teacher {params.teacher:q}"
        " --max-new-tokens {params.max_new_tokens} --decoding {params.decoding}"
        " --dataset {wildcards.dataset} --output {output:q} --settings {params.settings:q} --requests {resources.requests} --log {log:q}"
