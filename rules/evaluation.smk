# Turn benchmarks into questions with answers.
# Needs: benchmarks in config.yaml. Makes: results/benchmarks/<benchmark>/questions.jsonl.


include: "functions/evaluation.smk"


rule load_benchmark:
    input:
        source=lambda wildcards: source(config["benchmarks"][wildcards.benchmark], wildcards.benchmark, "benchmarks"),
        ids=ids_of_test,
    output:
        "results/benchmarks/{benchmark}/questions.jsonl",
    log:
        "results/logs/load_benchmark/{benchmark}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(2000),
    params:
        schema=lambda wildcards: schema_of(wildcards.benchmark, config["benchmarks"][wildcards.benchmark]),
        form=lambda wildcards: form(config["benchmarks"][wildcards.benchmark]),
        fields=lambda wildcards: json.dumps(config["benchmarks"][wildcards.benchmark].get("fields", {}), sort_keys=True),
        where=lambda wildcards: json.dumps(config["benchmarks"][wildcards.benchmark]["where"], sort_keys=True),
        # We leave out the scorers. So an edit of a scorer does not repeat the search and the generation.
        code=code_for_benchmark("load_benchmark", without=["rag_instruct.scoring.scores", "rag_instruct.scoring.paper"]),
    shell:
        "python -m scripts.load_benchmark {input.source:q} --ids {input.ids:q} --schema {params.schema}"
        " --form {params.form:q} --fields {params.fields:q} --where {params.where:q} --output {output:q} --log {log:q}"
