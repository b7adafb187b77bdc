#!/usr/bin/env bash
# Experts that do not fit the GPU, measured: offload.sh BUILD_FOLDER [SLOTS TOKENS ROUNDS]. Makes a model in Mixtral-8x7B's shape in memory
# (26 GB, once), measures base, AdapMoE's parts, all of them, and every miss service in turn, and prints the conditions. BUILD_FOLDER
# is a release build with CUDA that holds offload_bench, gpu_limits_bench and moescope-engine (cuda_check.sh makes one with
# TARGETS=offload_bench).
set -uo pipefail
build=$1
slots=${2:-128}
tokens=${3:-24}
rounds=${4:-5}
nvidia-smi --query-gpu=name,driver_version,memory.total,pcie.link.gen.max,pcie.link.width.max,clocks.sm --format=csv,noheader
echo "$(nproc) cores of $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(awk '/MemTotal/ {print int($2 / 1048576)}' /proc/meminfo) GiB"
"$build/tests/gpu_limits_bench"
model=${MODEL:-/dev/shm/mixtral-shape-q4_0.gguf}
[ -e "$model" ] || "$build/app/moescope-engine" synthesize --shape mixtral-8x7b --quant q4_0 --output "$model" | tail -1
"$build/tests/offload_bench" "$model" "$slots" "$tokens" "$rounds" "${THREADS:-$(nproc)}"
