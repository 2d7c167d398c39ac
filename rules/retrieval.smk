# Search exactly, shard by shard, for four kinds of queries: the exemplars (for source documents), their first documents
# (for linked documents), the new questions of each paradigm (for noise documents), and the questions of benchmarks
# (evaluation_<benchmark>).
# Needs: results/corpora/<corpus>/. Makes: results/<dataset>/search/<queries>.parquet, and .trec.


include: "functions/retrieval.smk"


ruleorder: import_run > merge_search


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
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        field=lambda wildcards: ("instruction" if wildcards.queries == "exemplars" else "question"),
        encoder=lambda wildcards: encoder_arguments(searched(wildcards)["encoder"]),
        code=code("embed_queries"),
    shell:
        "python -m scripts.embed_queries {input:q} --field {params.field} {params.encoder} --output {output:q} --log {log:q}"


rule search_shard:
    input:
        queries=rules.embed_queries.output,
        vectors=vectors_file("shard_{{shard}}.npy"),
        shards=vectors_file("shards.json"),
    output:
        "results/{dataset}/search/{queries}/shard_{shard}.npy",
    log:
        "results/logs/search_shard/{dataset}_{queries}_{shard}.log",
    conda:
        "../envs/encoder.yaml"
    threads: 4
    resources:
        mem_mb=growing(3000),
        runtime=growing(240),
    params:
        depth=depth,
        or_all=or_all,
        later=lambda wildcards: 0 if tested(wildcards) else setting("noise.depth")(wildcards),
        code=code("search_shard"),
    shell:
        "python -m scripts.search_shard {input.queries:q} --vectors {input.vectors:q} --shard {wildcards.shard}"
        " --shards {input.shards:q} --depth {params.depth} {params.or_all} --later-depth {params.later} --output {output:q} --log {log:q}"


rule merge_search:
    input:
        shards=all_shards,
        queries=query_file,
        passages=searched_file("passages.arrow"),
    output:
        run="results/{dataset}/search/{queries}.parquet",
        trec="results/{dataset}/search/{queries}.trec",
    log:
        "results/logs/merge_search/{dataset}_{queries}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(1500),
    params:
        depth=depth,
        or_all=or_all,
        code=code("merge_search"),
    shell:
        "python -m scripts.merge_search {input.shards:q} --queries {input.queries:q} --passages {input.passages:q}"
        " --depth {params.depth} {params.or_all} --output {output.run:q} --trec {output.trec:q} --log {log:q}"


rule import_run:
    input:
        run=given_run,
        queries=query_file,
        passages=searched_file("passages.arrow"),
    output:
        run="results/{dataset}/search/{queries}.parquet",
        trec="results/{dataset}/search/{queries}.trec",
    log:
        "results/logs/import_run/{dataset}_{queries}.log",
    wildcard_constraints:
        dataset=one_of(GIVEN_RUNS),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(4000),
    params:
        depth=depth,
        or_all=or_all,
        code=code("import_run"),
    shell:
        "python -m scripts.import_run {input.run:q} --queries {input.queries:q} --passages {input.passages:q}"
        " --depth {params.depth} {params.or_all} --output {output.run:q} --trec {output.trec:q} --log {log:q}"
