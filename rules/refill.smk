# If rows are missing, slots whose pair was dropped after the synthesis try their next candidates. The new pairs are of
# all paradigms. They go through the same rules as the others, with `refill` in the place of the paradigm.
# Needs: the rows of all paradigms, and what the filters stopped. Makes: results/<dataset>/pairs/refill.jsonl.


include: "functions/refill.smk"


use rule filter_rows as filter_before_refill with:
    input:
        rows=of_paradigms(rules.assemble.output.rows),
        pairs=of_paradigms(rules.gather_pairs.output.pairs),
        vectors=question_vectors(of_paradigms),
        benchmarks=benchmark_questions,
    output:
        stopped="results/{dataset}/refill/stopped.jsonl",
        counts="results/{dataset}/refill/counts.json",
    log:
        "results/logs/filter_before_refill/{dataset}.log",


use rule measure_evidence as measure_before_refill with:
    input:
        rows=of_paradigms(rules.assemble.output.rows),
        stopped=rules.filter_before_refill.output.stopped,
    output:
        "results/{dataset}/refill/evidence.jsonl",
    log:
        "results/logs/measure_before_refill/{dataset}.log",


# Paid: its code is not a param. A rerun takes answers that were bought before from the store.
rule refill:
    input:
        exemplars="results/{dataset}/exemplars/kept.jsonl",
        rows=of_paradigms(rules.assemble.output.rows),
        stopped=rules.filter_before_refill.output.stopped,
        verdicts=verdicts_of(of_paradigms),
        evidence=evidence_before_refill,
        pairs=of_paradigms(rules.gather_pairs.output.pairs),
        pair_rejects=of_paradigms(rules.gather_pairs.output.rejects),
        run="results/{dataset}/search/exemplars.parquet",
        passages=corpus_file("passages.arrow"),
        linked=linked_of_several,
        facts=facts_of_any,
        prompts=prompts_of_paradigms,
        benchmarks=benchmark_questions,
    output:
        pairs="results/{dataset}/pairs/refill.jsonl",
        rejects="results/{dataset}/pairs/refill.rejects.jsonl",
    log:
        "results/logs/refill/{dataset}.log",
    conda:
        "../envs/teacher.yaml"
    resources:
        mem_mb=growing(4000),
        requests=requests_at_once("teacher"),
        runtime=A_DAY,
    params:
        quotas=quotas_of_paradigms,
        prompts=lambda wildcards, input: str(Path(input.prompts[0]).parent),
        oversample=setting("oversample"),
        tries=setting("tries"),
        seed=setting("seed"),
        source_words=setting("source_words"),
        linked=file_argument("linked"),
        facts=file_argument("facts"),
        simulate=lambda wildcards: ("" if dataset(wildcards)["simulate_instructions"] else "--no-simulation"),
        declining=setting("declining"),
        citations=lambda wildcards: "--citations" if dataset(wildcards)["citations"] else "",
        language=language_argument,
        quality_filters=lambda wildcards: json.dumps(dataset(wildcards)["quality_filters"], sort_keys=True),
        on_verification=setting("verification.failing"),
        on_evidence=setting("evidence.failing"),
        teacher=setting("teacher"),
        asked=asked("teacher"),
        note="results/{dataset}/pairs/refill.budget.json",
        budget=budget_of_refill,
        settings=settings_file,
    shell:
        "python -m scripts.refill {input.exemplars:q} --rows {input.rows:q} --stopped {input.stopped:q} --verdicts {input.verdicts:q} --on-verification {params.on_verification}"
        " --evidence {input.evidence:q} --on-evidence {params.on_evidence} --pairs {input.pairs:q} --pair-rejects {input.pair_rejects:q}"
        " --run {input.run:q} --passages {input.passages:q} {params.linked} {params.facts} --prompts {params.prompts:q} --quotas {params.quotas:q}"
        " --oversample {params.oversample} --tries {params.tries} --seed {params.seed} --source-words {params.source_words}"
        " {params.simulate} {params.citations} --declining {params.declining} {params.language} --quality-filters {params.quality_filters:q}"
        " --benchmarks {input.benchmarks:q} --teacher {params.teacher:q} --dataset {wildcards.dataset} --note {params.note:q} --budget-param={params.budget:q}"
        " --refilled {output.pairs:q} --rejects {output.rejects:q} --settings {params.settings:q} --requests {resources.requests} --log {log:q}"
