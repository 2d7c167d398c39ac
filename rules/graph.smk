# Pictures of the graph itself, of its stages, jobs and files: `make dag` asks for them.
# Needs: graphviz. Makes: results/graph/.


rule draw_graph:
    input:
        "Snakefile",
        "config.yaml",
        sorted(str(path) for path in Path("rules").glob("*.smk")),
    output:
        expand(
            "results/graph/{{dataset}}_{picture}.{format}", picture=["stages", "jobs", "files"], format=["svg", "png"]
        ),
    log:
        "results/logs/draw_graph/{dataset}.log",
    conda:
        "../envs/graph.yaml"
    resources:
        mem_mb=growing(1000),
    params:
        targets=pictured,
        code=code("draw_graph"),
    shell:
        "python -m scripts.draw_graph {params.targets:q} --output {output:q} --log {log:q}"
