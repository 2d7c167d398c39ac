# Find passages for four kinds of queries: the exemplars (for source documents), their first documents (for linked
# documents), the new questions of each paradigm and of refilled slots (for noise documents), and the questions of benchmarks
# (evaluation_<benchmark>). A search by vectors or by words goes shard by shard; runs can also be fused, reranked or given.
# functions/retrieval.smk explains the wildcard `way`.
# Needs: results/corpora/<corpus>/. Makes: results/<dataset>/search/<queries>.parquet, and .trec.


include: "functions/retrieval.smk"


rule embed_queries:
    input:
        query_file,
    output:
        "results/{dataset}/search/{queries}/queries.npy",
    log:
        "results/logs/embed_queries/{dataset}_{queries}.log",
    wildcard_constraints:
        **encoded_by(ENCODERS_HERE),
    conda:
        "../envs/encoder.yaml"
    threads: threads_of_queries
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        field=query_field,
        encoder=lambda wildcards: encoder_arguments(searched(wildcards)["encoder"]),
        code=code("embed_queries"),
    shell:
        "python -m scripts.embed_queries {input:q} --field {params.field} {params.encoder} --output {output:q} --log {log:q}"


# Paid: its code is not a param, and its answers are in the store.
rule embed_queries_endpoint:
    input:
        query_file,
    output:
        "results/{dataset}/search/{queries}/queries.npy",
    log:
        "results/logs/embed_queries/{dataset}_{queries}.log",
    wildcard_constraints:
        **encoded_by(ENCODERS_ELSEWHERE),
    conda:
        "../envs/teacher.yaml"
    resources:
        mem_mb=growing(2000),
        requests=lambda wildcards: config["teachers"][encoder_of_queries(wildcards)["teacher"]]["concurrency"],
        runtime=A_DAY,
    params:
        field=query_field,
        encoder=lambda wildcards: endpoint_arguments(searched(wildcards)["encoder"], "query"),
        asked=lambda wildcards: asked_of(encoder_of_queries(wildcards)["teacher"]),
        settings=settings_file,
    shell:
        "python -m scripts.embed_queries_endpoint {input:q} --field {params.field} {params.encoder} --dataset {wildcards.dataset}"
        " --output {output:q} --settings {params.settings:q} --requests {resources.requests} --log {log:q}"


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
    threads: threads_of_queries
    resources:
        mem_mb=growing(3000),
        runtime=growing(240),
    params:
        depth=depth,
        deeper=found_in_shard,
        later=later_depth,
        code=code("search_shard"),
    shell:
        "python -m scripts.search_shard {input.queries:q} --vectors {input.vectors:q} --shard {wildcards.shard}"
        " --shards {input.shards:q} --depth {params.depth} --deeper {params.deeper} --later-depth {params.later}"
        " --output {output:q} --log {log:q}"


rule search_words:
    input:
        queries=query_file,
        terms=shards_of(rules.index_words.output.terms),
        shard=searched_file("bm25/shard_{shard}.terms.arrow"),
        postings=searched_file("bm25/shard_{shard}.postings.npy"),
        lengths=searched_file("bm25/shard_{shard}.lengths.npy"),
    output:
        "results/{dataset}/search/{queries}/bm25_{shard}.npy",
    log:
        "results/logs/search_words/{dataset}_{queries}_{shard}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=A_DAY,
    params:
        field=query_field,
        depth=depth,
        deeper=found_in_shard,
        later=later_depth,
        k1=setting("bm25.k1"),
        b=setting("bm25.b"),
        code=code("search_words"),
    shell:
        "python -m scripts.search_words {input.queries:q} --field {params.field} --terms {input.terms:q}"
        " --shard {wildcards.shard} --postings {input.postings:q} --lengths {input.lengths:q}"
        " --k1 {params.k1} --b {params.b} --depth {params.depth} --deeper {params.deeper} --later-depth {params.later}"
        " --output {output:q} --log {log:q}"


rule merge_search:
    input:
        shards=shards_of(rules.search_shard.output),
        queries=query_file,
        passages=searched_file("passages.arrow"),
    output:
        run="results/{dataset}/search/{queries}{way}.parquet",
        trec="results/{dataset}/search/{queries}{way}.trec",
    log:
        "results/logs/merge_search/{dataset}_{queries}{way}.log",
    wildcard_constraints:
        **made_by("dense"),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(1500),
    params:
        depth=depth,
        deeper=listed,
        code=code("merge_search"),
    shell:
        "python -m scripts.merge_search {input.shards:q} --queries {input.queries:q} --passages {input.passages:q}"
        " --depth {params.depth} --deeper {params.deeper} --output {output.run:q} --trec {output.trec:q} --log {log:q}"


use rule merge_search as merge_word_search with:
    input:
        shards=shards_of(rules.search_words.output),
        queries=query_file,
        passages=searched_file("passages.arrow"),
    log:
        "results/logs/merge_word_search/{dataset}_{queries}{way}.log",
    wildcard_constraints:
        **made_by("bm25"),


rule import_run:
    input:
        run=given_run,
        queries=query_file,
        passages=searched_file("passages.arrow"),
    output:
        run="results/{dataset}/search/{queries}{way}.parquet",
        trec="results/{dataset}/search/{queries}{way}.trec",
    log:
        "results/logs/import_run/{dataset}_{queries}{way}.log",
    wildcard_constraints:
        **made_by("given"),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(4000),
    params:
        depth=depth,
        deeper=listed,
        code=code("import_run"),
    shell:
        "python -m scripts.import_run {input.run:q} --queries {input.queries:q} --passages {input.passages:q}"
        " --depth {params.depth} --deeper {params.deeper} --output {output.run:q} --trec {output.trec:q} --log {log:q}"


rule fuse_runs:
    input:
        runs=expand(run_made_by("{retriever}"), retriever=["dense", "bm25"], allow_missing=True),
        queries=query_file,
        passages=searched_file("passages.arrow"),
    output:
        run="results/{dataset}/search/{queries}{way}.parquet",
        trec="results/{dataset}/search/{queries}{way}.trec",
    log:
        "results/logs/fuse_runs/{dataset}_{queries}{way}.log",
    wildcard_constraints:
        **made_by("hybrid"),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(4000),
    params:
        depth=depth,
        deeper=listed,
        code=code("fuse_runs"),
    shell:
        "python -m scripts.fuse_runs {input.runs:q} --queries {input.queries:q} --passages {input.passages:q}"
        " --depth {params.depth} --deeper {params.deeper} --output {output.run:q} --trec {output.trec:q} --log {log:q}"


rule rerank_run:
    input:
        run=first_run,
        queries=query_file,
        passages=searched_file("passages.arrow"),
    output:
        run="results/{dataset}/search/{queries}{way}.parquet",
        trec="results/{dataset}/search/{queries}{way}.trec",
    log:
        "results/logs/rerank_run/{dataset}_{queries}{way}.log",
    wildcard_constraints:
        **made_by("reranked"),
    conda:
        "../envs/encoder.yaml"
    threads: 4
    resources:
        mem_mb=growing(6000),
        runtime=A_DAY,
    params:
        field=query_field,
        depth=depth,
        deeper=listed,
        reranker=reranker_arguments,
        code=code("rerank_run"),
    shell:
        "python -m scripts.rerank_run {input.run:q} --queries {input.queries:q} --field {params.field}"
        " --passages {input.passages:q} {params.reranker} --depth {params.depth} --deeper {params.deeper}"
        " --output {output.run:q} --trec {output.trec:q} --log {log:q}"
