# Download or read a corpus, store its passages for random access, and make one vector for each.
# Needs: corpora and encoders in config.yaml. Makes: results/corpora/<corpus>/.


include: "functions/corpus.smk"


ruleorder: import_embeddings > embed
ruleorder: import_embeddings > embed_endpoint


rule download:
    output:
        f"{config['downloads']}/{{section}}/{{name}}/{{file}}",
    log:
        "results/logs/download/{section}/{name}/{file}.log",
    wildcard_constraints:
        section="corpora|benchmarks",
    localrule: True
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=A_DAY,
    params:
        url=lambda wildcards: downloadable(wildcards)["url"],
        settings=settings_file,
    shell:
        "python -m scripts.download {params.url:q} --output {output:q} --settings {params.settings:q} --log {log:q}"


rule import_passages:
    input:
        passage_files,
    output:
        passages="results/corpora/{corpus}/passages.arrow",
        ids="results/corpora/{corpus}/passages.ids.arrow",
        info="results/corpora/{corpus}/passages.json",
    log:
        "results/logs/import_passages/{corpus}.log",
    conda:
        "../envs/documents.yaml"
    resources:
        mem_mb=growing(1500),
        runtime=growing(240),
    params:
        source=lambda wildcards: source(corpus(wildcards)["passages"], wildcards.corpus),
        columns=lambda wildcards: json.dumps(corpus(wildcards)["passages"].get("columns", {}), sort_keys=True),
        words=lambda wildcards: corpus(wildcards)["passages"].get("words", 0),
        split=lambda wildcards: corpus(wildcards)["passages"].get("split", "windows"),
        form=lambda wildcards: form(corpus(wildcards)["passages"]),
        counted=counted,
        code=code("import_passages"),
    shell:
        "python -m scripts.import_passages {params.source:q} --columns {params.columns:q} --words {params.words}"
        " --split {params.split} {params.counted} --form {params.form:q} --output {output.passages:q} --info {output.info:q} --log {log:q}"


rule import_embeddings:
    input:
        published=published_file,
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
        mem_mb=growing(5000),
        runtime=growing(240),
    params:
        source=published_source,
        shards=lambda wildcards: corpus(wildcards)["shards"],
        code=code("import_embeddings"),
    shell:
        "python -m scripts.import_embeddings {params.source:q} --shard {wildcards.shard} --shards {params.shards}"
        " --passages {input.passages:q}"
        " --output {output.vectors:q} --info {output.info:q} --log {log:q}"


# Its code is not a param: a large corpus takes days, and an edit of the code must not repeat them.
rule embed:
    input:
        passages=rules.import_passages.output.passages,
        corpus=rules.import_passages.output.info,
    output:
        vectors="results/corpora/{corpus}/{encoder}/shard_{shard}.npy",
        info="results/corpora/{corpus}/{encoder}/shard_{shard}.json",
    log:
        "results/logs/embed/{corpus}_{encoder}_{shard}.log",
    wildcard_constraints:
        encoder=one_of(ENCODERS_HERE),
    conda:
        "../envs/encoder.yaml"
    threads: 16
    resources:
        mem_mb=growing(4000),
        runtime=A_DAY,
    params:
        shards=lambda wildcards: corpus(wildcards)["shards"],
        encoder=lambda wildcards: encoder_arguments(wildcards.encoder),
    shell:
        "python -m scripts.embed {input.passages:q} --corpus {input.corpus:q} --shard {wildcards.shard} --shards {params.shards}"
        " {params.encoder} --output {output.vectors:q} --info {output.info:q} --log {log:q}"


# Paid: its code is not a param, and its answers are in the store.
rule embed_endpoint:
    input:
        passages=rules.import_passages.output.passages,
        corpus=rules.import_passages.output.info,
    output:
        vectors="results/corpora/{corpus}/{encoder}/shard_{shard}.npy",
        info="results/corpora/{corpus}/{encoder}/shard_{shard}.json",
    log:
        "results/logs/embed/{corpus}_{encoder}_{shard}.log",
    wildcard_constraints:
        encoder=one_of(ENCODERS_ELSEWHERE),
    conda:
        "../envs/teacher.yaml"
    resources:
        mem_mb=growing(4000),
        requests=lambda wildcards: config["teachers"][config["encoders"][wildcards.encoder]["teacher"]]["concurrency"],
        runtime=A_DAY,
    params:
        shards=lambda wildcards: corpus(wildcards)["shards"],
        encoder=lambda wildcards: endpoint_arguments(wildcards.encoder, "passage"),
        asked=lambda wildcards: asked_of(config["encoders"][wildcards.encoder]["teacher"]),
        # Which data set pays decides no vector, so it makes nothing stale.
        settings=settings_file,
        dataset=payer_of_corpus,
    shell:
        "python -m scripts.embed_endpoint {input.passages:q} --corpus {input.corpus:q} --shard {wildcards.shard} --shards {params.shards}"
        " {params.encoder} --dataset {params.dataset} --output {output.vectors:q} --info {output.info:q}"
        " --settings {params.settings:q} --requests {resources.requests} --log {log:q}"


rule list_shards:
    input:
        infos=lambda wildcards: expand(
            rules.embed.output.info, shard=numbers(corpus(wildcards)["shards"]), allow_missing=True
        ),
        corpus=rules.import_passages.output.info,
    output:
        "results/corpora/{corpus}/{encoder}/shards.json",
    log:
        "results/logs/list_shards/{corpus}_{encoder}.log",
    localrule: True
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(1000),
    params:
        code=code("list_shards"),
    shell:
        "python -m scripts.list_shards {input.infos:q} --corpus {input.corpus:q} --output {output:q} --log {log:q}"


# The index of a search by words. It needs no encoder and no GPU.
rule index_words:
    input:
        passages=rules.import_passages.output.passages,
        ids=rules.import_passages.output.ids,
    output:
        terms="results/corpora/{corpus}/bm25/shard_{shard}.terms.arrow",
        postings="results/corpora/{corpus}/bm25/shard_{shard}.postings.npy",
        lengths="results/corpora/{corpus}/bm25/shard_{shard}.lengths.npy",
    log:
        "results/logs/index_words/{corpus}_{shard}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(240),
    params:
        shards=lambda wildcards: corpus(wildcards)["shards"],
        code=code("index_words"),
    shell:
        "python -m scripts.index_words {input.passages:q} --shard {wildcards.shard} --shards {params.shards}"
        " --terms {output.terms:q} --postings {output.postings:q} --lengths {output.lengths:q} --log {log:q}"


# An index for questions that a user asks interactively (scripts.ask). Data sets are searched without it.
rule build_index:
    input:
        rules.embed.output.vectors,
    output:
        index="results/corpora/{corpus}/{encoder}/shard_{shard}.faiss",
        info="results/corpora/{corpus}/{encoder}/shard_{shard}.faiss.json",
    log:
        "results/logs/build_index/{corpus}_{encoder}_{shard}.log",
    conda:
        "../envs/encoder.yaml"
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        factory=index_factory,
        code=code("build_index"),
    shell:
        "python -m scripts.build_index {input:q} --factory {params.factory:q} --output {output.index:q}"
        " --info {output.info:q} --log {log:q}"


rule list_indexes:
    input:
        lambda wildcards: expand(
            rules.build_index.output.info, shard=numbers(corpus(wildcards)["shards"]), allow_missing=True
        ),
    output:
        "results/corpora/{corpus}/{encoder}/index.json",
    log:
        "results/logs/list_indexes/{corpus}_{encoder}.log",
    localrule: True
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(1000),
    params:
        code=code("list_indexes"),
    shell:
        "python -m scripts.list_indexes {input:q} --output {output:q} --log {log:q}"
