# A model is fine-tuned on the data set, as a recipe says.
# Needs: results/<dataset>.jsonl and resources/recipes/<model>.yaml. Makes: results/<dataset>/models/<model>/.


include: "functions/training.smk"


# Hours of a GPU: no code among its params; the recipe's file is an input. Its checkpoints are no output, so that
# Snakemake leaves them after a failure, and the rerun, or the retry after a preemption, goes on from the last.
rule train:
    input:
        dataset="results/{dataset}.jsonl",
        recipe=own("resources/recipes/{model}.yaml"),
    output:
        directory("results/{dataset}/models/{model}"),
    log:
        "results/logs/train/{dataset}_{model}.log",
    retries: 2
    conda:
        "../envs/training.yaml"
    threads: lambda wildcards: recipe(wildcards).threads
    resources:
        mem_mb=lambda wildcards: recipe(wildcards).memory_mb,
        nodes=lambda wildcards: recipe(wildcards).machines,
        gpu=lambda wildcards: recipe(wildcards).gpus * recipe(wildcards).machines,
        # SLURM's plugin would ask for a task a GPU, each with all threads and a GPU of its own; the launcher needs one.
        tasks_per_gpu=0,
        # By itself it would start the launch within a step of one machine; the launch of several makes its own step.
        mpi=lambda wildcards: "srun" if recipe(wildcards).machines > 1 else None,
        tasks=lambda wildcards: recipe(wildcards).machines if recipe(wildcards).machines > 1 else None,
        slurm_extra=slurm_options,
        runtime=lambda wildcards: round(60 * recipe(wildcards).hours),
    params:
        launch=launch,
    shell:
        "{params.launch}"


rule draw_training:
    input:
        rules.train.output,
    output:
        report(
            "results/{dataset}/training/{model}.svg",
            caption="../resources/report/captions/training.rst",
            category="Training",
            labels={"data set": "{dataset}", "what": "{model}"},
        ),
    log:
        "results/logs/draw_training/{dataset}_{model}.log",
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=growing(1000),
    params:
        code=code("draw_training"),
    shell:
        "python -m scripts.draw_training {input:q} --output {output:q} --log {log:q}"
