# Rows get their noise documents and become one data set.
# Needs: results/<dataset>/pairs/ and search/. Makes: results/<dataset>.jsonl.


rule assemble:
    input:
        pairs=rules.gather_pairs.output.pairs,
        run="results/{dataset}/search/{paradigm}.parquet",
        passages=corpus_file("passages.arrow"),
    output:
        rows="results/{dataset}/rows/{paradigm}.jsonl",
        rejects="results/{dataset}/rows/{paradigm}.rejects.jsonl",
    log:
        "results/logs/assemble/{dataset}_{paradigm}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
    params:
        documents=setting("documents"),
        beyond=setting("noise.beyond"),
        seed=setting("seed"),
        code=code("assemble"),
    shell:
        "python -m scripts.assemble {input.pairs:q} --run {input.run:q} --passages {input.passages:q}"
        " --documents {params.documents} --beyond {params.beyond} --seed {params.seed}"
        " --rows {output.rows:q} --rejects {output.rejects:q} --log {log:q}"


rule merge_dataset:
    input:
        rows=of_paradigms(rules.assemble.output.rows),
        rejects=of_paradigms(rules.assemble.output.rejects),
        pair_rejects=of_paradigms(rules.gather_pairs.output.rejects),
    output:
        dataset="results/{dataset}.jsonl",
        rejects="results/{dataset}/rejects.jsonl",
        counts="results/{dataset}/counts.json",
    log:
        "results/logs/merge_dataset/{dataset}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
    params:
        paradigms=lambda wildcards: " ".join(f"{name}={rows}" for name, rows in wanted(dataset(wildcards)).items()),
        seed=setting("seed"),
        code=code("merge_dataset"),
    shell:
        "python -m scripts.merge_dataset {input.rows:q} --paradigms {params.paradigms} --seed {params.seed}"
        " --earlier-rejects {input.rejects:q} {input.pair_rejects:q}"
        " --dataset {output.dataset:q} --rejects {output.rejects:q} --counts {output.counts:q} --log {log:q}"
