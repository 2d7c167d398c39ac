"""Run a module like `python -m`, and print its peak memory in MB as the last line.

python -m performance.run_measured scripts.merge_search shard_*.npy ...
"""

import runpy
import sys

from performance.measure import peak_memory_mb

if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    print(peak_memory_mb())
