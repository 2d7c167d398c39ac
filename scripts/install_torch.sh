#!/usr/bin/env bash
# Install torch, for the Makefile: on Linux without an NVIDIA GPU PyTorch's build for processors, which is several
# gigabytes smaller than the build with CUDA that pip takes by default. A torch of the pinned version stays.
#
#   scripts/install_torch.sh .venv/bin/python
#   TORCH=default scripts/install_torch.sh .venv/bin/python       # pip's default build
#
# SLURM's login nodes have no GPU, but their compute nodes may have: with SLURM, pip's default build is installed.
set -euo pipefail

python=$1
index=${TORCH_CPU_INDEX:-https://download.pytorch.org/whl/cpu}
version=$(sed -n 's/^torch==\([0-9.]*\).*/\1/p' requirements.txt)
pip=("$python" -m pip --disable-pip-version-check)

# The index is asked for its versions first: an index that cannot be reached costs seconds, and no retries.
has_build() {
    local found
    found=$(timeout 15 "${pip[@]}" --retries 0 --timeout 5 index versions torch --index-url "$index" 2>/dev/null)
    [[ $found == *"$version+cpu"* ]]
}

say() { echo "torch $version: $1"; }

installed=$("$python" -c 'from importlib.metadata import version; print(version("torch"))' 2>/dev/null || true)
if [ "${installed%%+*}" = "$version" ]; then
    say "$installed is installed and stays"
elif [ "${TORCH:-}" = default ]; then
    say "pip's default build, because TORCH=default"
elif [ "$(uname)" != Linux ]; then
    say "pip's default build, which is for processors on $(uname)"
elif [ -e /proc/driver/nvidia/version ] || [ -e /dev/nvidiactl ] || [ -e /dev/dxg ]; then
    say "pip's default build with CUDA, because this machine has an NVIDIA driver"
elif command -v sbatch >/dev/null; then
    say "pip's default build with CUDA, because this machine has SLURM"
elif ! has_build; then
    say "pip's default build (on Linux with CUDA, several gigabytes): $index has no build for this machine, or is out of reach"
else
    say "the build for processors ($version+cpu). For jobs on a GPU: delete .venv, then make TORCH=default"
    "${pip[@]}" install --quiet --no-deps --index-url "$index" "torch==$version+cpu"
fi
