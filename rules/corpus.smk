# From downloads, or from files on disk, to passages that can be read at random and one vector for each.
# Needs: corpora and encoders in config.yaml. Makes: results/corpora/<corpus>/.


ruleorder: import_embeddings > embed


rule download:
    output:
        f"{config['downloads']}/corpora/{{corpus}}/{{file}}",
    log:
        "results/logs/download/{corpus}/{file}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=500,
    params:
        file=download_arguments,
    shell:
        "python -m scripts.download {params.file} --output {output:q} --log {log:q}"


rule import_passages:
    input:
        lambda wildcards: source(corpus(wildcards)["passages"], wildcards.corpus),
    output:
        passages="results/corpora/{corpus}/passages.arrow",
        info="results/corpora/{corpus}/passages.json",
    log:
        "results/logs/import_passages/{corpus}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=3000,
    params:
        columns=lambda wildcards: json.dumps(corpus(wildcards)["passages"].get("columns", {}), sort_keys=True),
        code=code("import_passages"),
    shell:
        "python -m scripts.import_passages {input:q} --columns {params.columns:q}"
        " --output {output.passages:q} --info {output.info:q} --log {log:q}"


rule unpack_embeddings:
    input:
        lambda wildcards: source(corpus(wildcards)["embeddings"][wildcards.encoder], wildcards.corpus),
    output:
        temp("results/corpora/{corpus}/{encoder}/published/passages_{shard}"),
    log:
        "results/logs/unpack_embeddings/{corpus}_{encoder}_{shard}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=500,
    params:
        code=code("unpack_embeddings"),
    shell:
        "python -m scripts.unpack_embeddings {input:q} --output {output:q} --log {log:q}"


rule import_embeddings:
    input:
        published=rules.unpack_embeddings.output,
        passages=rules.import_passages.output.passages,
    output:
        vectors="results/corpora/{corpus}/{encoder}/shard_{shard}.npy",
        info="results/corpora/{corpus}/{encoder}/shard_{shard}.json",
    log:
        "results/logs/import_embeddings/{corpus}_{encoder}_{shard}.log",
    wildcard_constraints:
        corpus=one_of(PUBLISHED),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=8000,
    params:
        shards=lambda wildcards: corpus(wildcards)["shards"],
        dimension=lambda wildcards: config["encoders"][wildcards.encoder]["dimension"],
        code=code("import_embeddings"),
    shell:
        "python -m scripts.import_embeddings {input.published:q} --shard {wildcards.shard} --shards {params.shards}"
        " --passages {input.passages:q} --dimension {params.dimension}"
        " --output {output.vectors:q} --info {output.info:q} --log {log:q}"


rule embed:
    input:
        passages=rules.import_passages.output.passages,
    output:
        vectors="results/corpora/{corpus}/{encoder}/shard_{shard}.npy",
        info="results/corpora/{corpus}/{encoder}/shard_{shard}.json",
    log:
        "results/logs/embed/{corpus}_{encoder}_{shard}.log",
    conda:
        "../envs/encoder.yaml"
    resources:
        mem_mb=8000,
    params:
        shards=lambda wildcards: corpus(wildcards)["shards"],
        encoder=lambda wildcards: encoder_arguments(wildcards.encoder),
        code=code("embed"),
    shell:
        "python -m scripts.embed {input.passages:q} --shard {wildcards.shard} --shards {params.shards} {params.encoder}"
        " --output {output.vectors:q} --info {output.info:q} --log {log:q}"
