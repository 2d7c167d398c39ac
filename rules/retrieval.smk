# Exact search, shard by shard, for two kinds of queries: the exemplars (for source documents) and
# each paradigm's new questions (for noise documents).
# Needs: results/corpora/<corpus>/. Makes: results/<dataset>/search/<queries>.parquet.


rule embed_queries:
    input:
        query_file,
    output:
        "results/{dataset}/search/{queries}/queries.npy",
    log:
        "results/logs/embed_queries/{dataset}_{queries}.log",
    conda:
        "../envs/encoder.yaml"
    resources:
        mem_mb=4000,
    params:
        field=lambda wildcards: ("instruction" if wildcards.queries == "exemplars" else "question"),
        encoder=lambda wildcards: encoder_arguments(dataset(wildcards)["encoder"]),
        code=code("embed_queries"),
    shell:
        "python -m scripts.embed_queries {input:q} --field {params.field} {params.encoder} --output {output:q} --log {log:q}"


rule search_shard:
    input:
        queries=rules.embed_queries.output,
        vectors=shard_file(".npy"),
        info=shard_file(".json"),
        corpus=corpus_file("passages.json"),
    output:
        "results/{dataset}/search/{queries}/shard_{shard}.npz",
    log:
        "results/logs/search_shard/{dataset}_{queries}_{shard}.log",
    conda:
        "../envs/encoder.yaml"
    resources:
        mem_mb=3000,
    params:
        depth=depth,
        later=setting("noise.depth"),
        code=code("search_shard"),
    shell:
        "python -m scripts.search_shard {input.queries:q} --vectors {input.vectors:q} --info {input.info:q} --corpus {input.corpus:q}"
        " --depth {params.depth} --later-depth {params.later} --output {output:q} --log {log:q}"


rule merge_search:
    input:
        shards=all_shards,
        passages=corpus_file("passages.arrow"),
    output:
        "results/{dataset}/search/{queries}.parquet",
    log:
        "results/logs/merge_search/{dataset}_{queries}.log",
    conda:
        "../envs/encoder.yaml"
    resources:
        mem_mb=8000,
    params:
        depth=depth,
        code=code("merge_search"),
    shell:
        "python -m scripts.merge_search {input.shards:q} --passages {input.passages:q} --depth {params.depth}"
        " --output {output:q} --log {log:q}"
