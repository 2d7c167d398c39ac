# The teacher writes questions and answers for each paradigm, in chunks that a cluster can run at the same time.
# Needs: results/<dataset>/search/exemplars.parquet. Makes: results/<dataset>/pairs/<paradigm>.jsonl.


include: "functions/synthesis.smk"


rule count_facts:
    input:
        corpus_file("passages.arrow"),
    output:
        "results/{dataset}/usable_facts.json",
    log:
        "results/logs/count_facts/{dataset}.log",
    priority: 1  # a corpus without usable facts is refused before its passages are embedded
    conda:
        "../envs/parser.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(240),
    params:
        corpus=setting("corpus"),
        rows=rows_of_sentences,
        code=code("count_facts"),
    shell:
        "python -m scripts.count_facts {input:q} --corpus {params.corpus} --rows {params.rows} --output {output:q} --log {log:q}"


rule find_facts:
    input:
        exemplars="results/{dataset}/exemplars/kept.jsonl",
        run="results/{dataset}/search/exemplars.parquet",
        passages=corpus_file("passages.arrow"),
        linked=linked_of_several,
        counted=rules.count_facts.output,
    output:
        "results/{dataset}/facts.jsonl",
    log:
        "results/logs/find_facts/{dataset}.log",
    conda:
        "../envs/parser.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(240),
    params:
        source_words=setting("source_words"),
        linked=file_argument("linked"),
        code=code("find_facts"),
    shell:
        "python -m scripts.find_facts {input.exemplars:q} --run {input.run:q} --passages {input.passages:q}"
        " --source-words {params.source_words} {params.linked} --output {output:q} --log {log:q}"


# Paid: its code is not a param. A rerun takes answers that were bought before from the store.
rule synthesise:
    input:
        exemplars="results/{dataset}/exemplars/kept.jsonl",
        run="results/{dataset}/search/exemplars.parquet",
        passages=corpus_file("passages.arrow"),
        linked=linked_file,
        facts=facts_file,
        prompt=prompt_file,
    output:
        pairs="results/{dataset}/synthesis/{paradigm}/chunk_{chunk}.jsonl",
        rejects="results/{dataset}/synthesis/{paradigm}/chunk_{chunk}.rejects.jsonl",
    log:
        "results/logs/synthesise/{dataset}_{paradigm}_{chunk}.log",
    conda:
        "../envs/teacher.yaml"
    resources:
        mem_mb=growing(2000),
        requests=requests_at_once("teacher"),
        runtime=A_DAY,
    params:
        quotas=quota_arguments,
        oversample=setting("oversample"),
        chunks=setting("chunks"),
        tries=setting("tries"),
        seed=setting("seed"),
        source_words=setting("source_words"),
        linked=file_argument("linked"),
        facts=file_argument("facts"),
        simulate=lambda wildcards: ("" if dataset(wildcards)["simulate_instructions"] else "--no-simulation"),
        declining=declining_argument,
        citations=lambda wildcards: "--citations" if dataset(wildcards)["citations"] else "",
        language=language_argument,
        teacher=setting("teacher"),
        asked=asked("teacher"),
        settings=settings_file,
    shell:
        "python -m scripts.synthesise {input.exemplars:q} --run {input.run:q} --passages {input.passages:q} --prompt {input.prompt:q}"
        " --paradigm {wildcards.paradigm} --quotas {params.quotas} --oversample {params.oversample} --chunk {wildcards.chunk} --chunks {params.chunks}"
        " --tries {params.tries} --seed {params.seed} {params.simulate} {params.citations} {params.declining} {params.language}"
        " --source-words {params.source_words} {params.linked} {params.facts}"
        " --teacher {params.teacher:q} --dataset {wildcards.dataset}"
        " --pairs {output.pairs:q} --rejects {output.rejects:q} --settings {params.settings:q} --requests {resources.requests} --log {log:q}"


rule gather_pairs:
    input:
        pairs=chunk_files("pairs"),
        rejects=chunk_files("rejects"),
    output:
        pairs="results/{dataset}/pairs/{paradigm}.jsonl",
        rejects="results/{dataset}/pairs/{paradigm}.rejects.jsonl",
    log:
        "results/logs/gather_pairs/{dataset}_{paradigm}.log",
    wildcard_constraints:
        paradigm=one_of(PARADIGMS),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=growing(1000),
    params:
        slots=slot_count,
        code=code("gather_pairs"),
    shell:
        "python -m scripts.gather_pairs {input.pairs:q} --chunk-rejects {input.rejects:q} --slots {params.slots}"
        " --pairs {output.pairs:q} --rejects {output.rejects:q} --log {log:q}"
