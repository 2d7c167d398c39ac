# From five instruction sets to one pool of knowledge-intensive exemplars.
# Needs: exemplar_sets in config.yaml. Makes: results/exemplar_sets/<set>.jsonl, results/<dataset>/exemplars/.


rule download_exemplars:
    output:
        f"{config['downloads']}/exemplar_sets/{{set}}/files.json",
    log:
        "results/logs/download_exemplars/{set}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
    params:
        hub=lambda wildcards: exemplar_set(wildcards)["hub"],
        revision=lambda wildcards: exemplar_set(wildcards)["revision"],
        files=lambda wildcards: shlex.join(exemplar_set(wildcards)["files"]),
    shell:
        "python -m scripts.download_exemplars {params.hub:q} --revision {params.revision:q} --files {params.files}"
        " --output {output:q} --log {log:q}"


rule load_exemplars:
    input:
        set_files,
    output:
        "results/exemplar_sets/{set}.jsonl",
    log:
        "results/logs/load_exemplars/{set}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=8000,
    params:
        schema=lambda wildcards: exemplar_set(wildcards)["schema"],
        license=lambda wildcards: exemplar_set(wildcards)["license"],
        code=code("load_exemplars"),
    shell:
        "python -m scripts.load_exemplars {input:q} --name {wildcards.set} --schema {params.schema} --license {params.license:q}"
        " --output {output:q} --log {log:q}"


rule draw_exemplars:
    input:
        allowed_sets,
    output:
        "results/{dataset}/exemplars/drawn.jsonl",
    log:
        "results/logs/draw_exemplars/{dataset}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
    params:
        counts=lambda wildcards: " ".join(map(str, dataset(wildcards)["exemplars"].values())),
        seed=setting("seed"),
        code=code("draw_exemplars"),
    shell:
        "python -m scripts.draw_exemplars {input:q} --counts {params.counts} --seed {params.seed} --output {output:q} --log {log:q}"


rule filter_exemplars_by_rules:
    input:
        rules.draw_exemplars.output,
    output:
        kept="results/{dataset}/exemplars/kept.jsonl",
        dropped="results/{dataset}/exemplars/dropped.jsonl",
    log:
        "results/logs/filter_exemplars/{dataset}.log",
    wildcard_constraints:
        dataset=one_of(name for name, settings in config["datasets"].items() if settings["exemplar_filter"] == "rules"),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=1000,
    params:
        code=code("filter_exemplars_by_rules"),
    shell:
        "python -m scripts.filter_exemplars_by_rules {input:q} --kept {output.kept:q} --dropped {output.dropped:q} --log {log:q}"


# Paid: no code among its params, and its answers are in the store.
rule filter_exemplars_by_teacher:
    input:
        exemplars=rules.draw_exemplars.output,
        prompt="resources/prompts/knowledge_intensive.yaml",
    output:
        kept="results/{dataset}/exemplars/kept.jsonl",
        dropped="results/{dataset}/exemplars/dropped.jsonl",
    log:
        "results/logs/filter_exemplars/{dataset}.log",
    wildcard_constraints:
        dataset=one_of(name for name, settings in config["datasets"].items() if settings["exemplar_filter"] != "rules"),
    conda:
        "../envs/teacher.yaml"
    resources:
        mem_mb=2000,
        requests=requests_at_once("exemplar_filter"),
    params:
        teacher=setting("exemplar_filter"),
        asked=asked("exemplar_filter"),
    shell:
        "python -m scripts.filter_exemplars_by_teacher {input.exemplars:q} --prompt {input.prompt:q}"
        " --teacher {params.teacher:q} --dataset {wildcards.dataset}"
        " --kept {output.kept:q} --dropped {output.dropped:q} --log {log:q}"
