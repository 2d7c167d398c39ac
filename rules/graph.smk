# Pictures of the graph itself, of stages or of jobs: `make dag` asks for them.
# Needs: graphviz. Makes: results/graph/.


rule draw_graph:
    input:
        "Snakefile",
        "config.yaml",
        sorted(str(path) for path in Path("rules").glob("*.smk")),
    output:
        svg="results/graph/{dataset}_{picture}.svg",
        png="results/graph/{dataset}_{picture}.png",
    log:
        "results/logs/draw_graph/{dataset}_{picture}.log",
    wildcard_constraints:
        picture="stages|jobs",
    conda:
        "../envs/graph.yaml"
    resources:
        mem_mb=1000,
    params:
        code=code("draw_graph"),
    shell:
        "python -m scripts.draw_graph results/{wildcards.dataset}/hub/README.md --of {wildcards.picture}"
        " --output {output.svg:q} {output.png:q} --log {log:q}"
