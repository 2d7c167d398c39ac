# Fine-tune a model on the data set by a recipe.
# Needs: results/<dataset>.jsonl and resources/recipes/<model>.yaml. Makes: results/<dataset>/models/<model>/.


include: "functions/training.smk"


# This takes GPU hours, so its code is not a param. The recipe's file is an input. Checkpoints are not outputs, because
# Snakemake would delete them after a failure. A rerun, or a retry after a preemption, resumes at the last checkpoint.
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
        # Without this, SLURM's plugin would start one task per GPU. The launcher needs a single task with all GPUs.
        tasks_per_gpu=0,
        # By default, the plugin starts the launch in a step on one machine. The launch on several makes its own step.
        mpi=lambda wildcards: "srun" if recipe(wildcards).machines > 1 else None,
        tasks=lambda wildcards: recipe(wildcards).machines if recipe(wildcards).machines > 1 else None,
        slurm_extra=slurm_options,
        runtime=lambda wildcards: round(60 * recipe(wildcards).hours),
    params:
        launch=launch,  # Snakemake does not compare it, because it depends on the output
        validation=setting("validation"),
        seed=setting("seed"),
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
