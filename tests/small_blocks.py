"""scripts.embed in blocks of 64 passages, so that a small corpus has several."""

import runpy

from rag_instruct.retrieval import vectors

vectors.BLOCK_ROWS = 64
runpy.run_module("scripts.embed", run_name="__main__", alter_sys=True)
