# Draw the graph's stages, jobs and files for `make dag`, and refuse names of unknown data sets.
# Needs: graphviz. Makes: results/graph/.


include: "functions/graph.smk"


rule unknown_dataset:
    input:
        refuse_unknown_dataset,
    output:
        "results/{unknown}{end}",
    wildcard_constraints:
        unknown=rf"(?!(?:{one_of(config['datasets'])})\b)\w+",
        end=r"\.jsonl|/(?:evaluation\.\w+|report\.html|hub/README\.md|cost_preview\.json|ledger\.json)",
    localrule: True


rule draw_graph:
    input:
        own("Snakefile"),
        workflow.configfiles,
        sorted(own(path) for path in ROOT.glob("rules/**/*.smk")),
    output:
        expand(
            "results/graph/{{dataset}}_{picture}.{format}", picture=["stages", "jobs", "files"], format=["svg", "png"]
        ),
    log:
        "results/logs/draw_graph/{dataset}.log",
    localrule: True
    conda:
        "../envs/graph.yaml"
    resources:
        mem_mb=growing(1000),
    params:
        targets=pictured,
        configfiles=workflow.overwrite_configfiles,
        code=code("draw_graph"),
    shell:
        "python -m scripts.draw_graph {params.targets:q} --configfile {params.configfiles:q} --output {output:q} --log {log:q}"
