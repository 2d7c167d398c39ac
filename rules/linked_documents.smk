# Find source documents that belong together, for paradigms with several documents: a second search, whose queries are the
# exemplars' first documents. Its rules search_shard, merge_search and import_run are in retrieval.smk.
# Needs: results/<dataset>/search/exemplars.parquet. Makes: results/<dataset>/linked_documents/linked.jsonl.


include: "functions/linked_documents.smk"


rule choose_first_documents:
    input:
        exemplars="results/{dataset}/exemplars/kept.jsonl",
        run="results/{dataset}/search/exemplars.parquet",
        passages=corpus_file("passages.arrow"),
    output:
        "results/{dataset}/linked_documents/first.jsonl",
    log:
        "results/logs/choose_first_documents/{dataset}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(2000),
    params:
        quotas=linked_quotas,
        oversample=setting("oversample"),
        tries=setting("tries"),
        seed=setting("seed"),
        source_words=setting("source_words"),
        first_documents=setting("multi_documents.first_documents"),
        code=code("choose_first_documents"),
    shell:
        "python -m scripts.choose_first_documents {input.exemplars:q} --run {input.run:q} --passages {input.passages:q}"
        " --quotas {params.quotas} --oversample {params.oversample} --tries {params.tries} --seed {params.seed}"
        " --source-words {params.source_words} --count {params.first_documents} --output {output:q} --log {log:q}"


rule copy_vectors:
    input:
        documents=rules.choose_first_documents.output,
        vectors=all_vectors,
        shards=vectors_file("shards.json"),
    output:
        "results/{dataset}/search/{queries}/queries.npy",
    log:
        "results/logs/copy_vectors/{dataset}_{queries}.log",
    wildcard_constraints:
        queries=FIRST_DOCUMENTS,
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(1500),
    params:
        code=code("copy_vectors"),
    shell:
        "python -m scripts.copy_vectors {input.documents:q} --vectors {input.vectors:q} --shards {input.shards:q}"
        " --output {output:q} --log {log:q}"


rule link_documents:
    input:
        documents=rules.choose_first_documents.output,
        run=f"results/{{dataset}}/search/{FIRST_DOCUMENTS}.parquet",
        passages=corpus_file("passages.arrow"),
    output:
        "results/{dataset}/linked_documents/linked.jsonl",
    log:
        "results/logs/link_documents/{dataset}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(240),
    params:
        source_words=setting("source_words"),
        code=code("link_documents"),
    shell:
        "python -m scripts.link_documents {input.documents:q} --run {input.run:q} --passages {input.passages:q}"
        " --source-words {params.source_words} --output {output:q} --log {log:q}"
