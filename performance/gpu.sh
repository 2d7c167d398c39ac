#!/usr/bin/env bash
# Measure on one GPU what the graph does there: search, embedding, evidence, training. Nothing is downloaded there.
#
#   performance/gpu.sh fetch 3.12     # beforehand, where PyPI is: packages for Python 3.12 into performance/wheels/
#   performance/gpu.sh [FOLDER]       # on the machine: at most ten minutes; gpu.json, a table and the logs in FOLDER
#   TINY=yes performance/gpu.sh       # the same with small sizes, on a processor
#
# The machine needs a Python (PYTHON, else python3) that has torch for its GPU, numpy, pandas, pyarrow and scipy. What
# else our code imports comes from performance/wheels/, if that folder exists. Each part has a time limit, and the
# failure of one loses no figures of the others.
set -uo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
WHEELS=performance/wheels
PACKAGES="accelerate annotated-types anyio datasets dill h11 hf-xet httpcore2 httpx2 huggingface-hub idna jinja2 multiprocess
  packaging peft psutil pydantic pydantic-core pyyaml regex rich safetensors tabulate tokenizers tqdm transformers trl
  truststore typing-extensions typing-inspection xxhash"

if [ "${1:-}" = fetch ]; then
    pins=$(grep -E "^($(echo $PACKAGES | tr -s ' \n' '|'))==" requirements.lock | sed 's/ *;.*//')
    platforms=$(printf -- '--platform manylinux_2_%s_x86_64 ' 28 27 24 17 12 5; echo --platform manylinux2014_x86_64)
    # shellcheck disable=SC2046,SC2086  # these are lists
    "$PYTHON" -m pip download --quiet --no-deps --only-binary=:all: --python-version "$2" --implementation cp \
        $platforms --dest "$WHEELS" $pins $(sed 's/ *#.*//' requirements-gpu.txt)
    exit
fi

output=${1:-gpu}
mkdir -p "$output"
end=$((SECONDS + ${LIMIT:-590}))

within() { # within SECONDS NAME COMMAND...: run it within its time and what is left of all; its messages are NAME.log
    local left=$((end - SECONDS)) limit=$1 name=$2
    shift 2
    timeout --kill-after=5 "$((left < limit ? (left > 0 ? left : 1) : limit))" "$@" >"$output/$name.log" 2>&1
    local code=$?
    [ "$code" = 0 ] || echo "$name ended with $code (124: its time limit); see $output/$name.log"
}

if [ -d "$WHEELS" ]; then
    site=$(mktemp -d)
    trap 'rm -rf "$site"' EXIT
    within 60 packages "$PYTHON" -m pip install --quiet --no-index --no-deps --no-compile --target "$site" "$WHEELS"/*.whl
    export PYTHONPATH="$site${PYTHONPATH:+:$PYTHONPATH}"
fi
export TOKENIZERS_PARALLELISM=false HF_HUB_OFFLINE=1
tiny=${TINY:+--tiny}
# shellcheck disable=SC2086  # without TINY, no argument
{
    within 90 search "$PYTHON" -m performance.gpu search --output "$output" $tiny
    within 60 embedding "$PYTHON" -m performance.gpu embedding --output "$output" $tiny
    within 45 evidence "$PYTHON" -m performance.gpu evidence --output "$output" $tiny
    within 190 training "$PYTHON" -m performance.gpu training --output "$output" $tiny
    within 120 largest "$PYTHON" -m performance.gpu largest --output "$output" $tiny
    end=$((SECONDS + 20)) # the table has its own time
    within 20 table "$PYTHON" -m performance.gpu_table "$output"
}
cat "$output/table.log"
