#!/usr/bin/env bash
# On a machine with a GPU: builds, runs the GPU tests (also under compute-sanitizer) and the benchmarks, and prints what it ran on.
#   cuda_check.sh BUILD_FOLDER [CMake options...]
# STEPS chooses: build test bench sanitize large (all but the last by default; large makes a model in Mixtral-8x7B's shape in
# memory, 26 GB, and needs as much again for pinned experts; LARGE_SLOTS are the cache sizes, KERNELS=1 times single kernels).
# TARGETS are built beside what the GPU needs.
set -uo pipefail
source_dir=$(cd "$(dirname "$0")/../../.." && pwd)
build=$1
shift
steps=${STEPS:-build test bench sanitize}
wants() { [[ " $steps " == *" $1 "* ]]; }
began=$SECONDS
step() { echo "== $* (at $((SECONDS - began)) s)"; }

nvidia-smi --query-gpu=name,driver_version,memory.total,pcie.link.gen.max,pcie.link.width.max --format=csv,noheader
nproc
if wants build; then
    step build
    cmake -S "$source_dir" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DMOESCOPE_GUI=OFF -DMOESCOPE_CUDA=ON \
        -DCMAKE_CUDA_ARCHITECTURES=90 "$@" >"$build.configure.log" 2>&1 || { tail -30 "$build.configure.log"; exit 1; }
    cmake --build "$build" --target cuda_test cuda_bench gpu_limits_bench moescope-engine >"$build.build.log" 2>&1 ||
        { grep -E -A6 'error:|FAILED' "$build.build.log" | head -60; exit 1; }
    [ -z "${TARGETS:-}" ] || cmake --build "$build" --target $TARGETS -- -k 0 >"$build.more.log" 2>&1 ||
        grep -E 'error:|FAILED' "$build.more.log" | cut -c1-200 | head -20
fi
model="$source_dir/resources/model/model-q8_0.gguf"
if wants test; then
    step "F16 twin of the bundled model"
    f16="$source_dir/../shared/models/tales-moe/model-f16.gguf"
    mkdir -p "$(dirname "$f16")"
    [ -e "$f16" ] || python3 "$source_dir/tests/bench/device/to_f16.py" "$model" "$f16"
    step tests
    "$build/tests/cuda_test" --gtest_brief=1 2>&1 | tail -60
fi
if wants bench; then
    step limits
    "$build/tests/gpu_limits_bench"
    step speed
    "$build/tests/cuda_bench" "$model" 128 32 16
fi
if wants sanitize; then
    # racecheck looks at shared memory and slows everything down a hundredfold: one case of each kernel will do.
    for run in "memcheck:-CudaLosslessTest*" "memcheck:*PrefetchThreeRich:*OneSlotPerLayer:*TheBudgetMayChange*" \
        "racecheck:*GateAndUp*/Q8_0:*GateAndUp*/F16:*IsTheSame*/Q4_0:NormAndRouter*:RmsNorm*:Combine*:*ChooseKernelTest*/1:*Size32From0:*Size64From60"; do
        step "compute-sanitizer ${run%%:*}, tests ${run#*:}"
        timeout 60 compute-sanitizer --tool "${run%%:*}" --error-exitcode 9 "$build/tests/cuda_test" --gtest_brief=1 \
            --gtest_filter="${run#*:}" 2>&1 | tail -5
    done
fi
if wants large; then
    step "a model in the shape of Mixtral-8x7B, Q4_0, random weights"
    large=/dev/shm/mixtral-shape-q4_0.gguf
    [ -e "$large" ] || "$build/app/moescope-engine" synthesize --shape mixtral-8x7b --quant q4_0 --output "$large" | tail -1
    step "speed of the large model"
    timeout 150 "$build/tests/cuda_bench" "$large" 32 ${LARGE_SLOTS-128}
    if [ -n "${KERNELS:-}" ] && command -v ncu >/dev/null; then
        step "kernels of a layer"
        timeout 60 ncu --metrics gpu__time_duration.sum,dram__throughput.avg.pct_of_peak_sustained_elapsed --launch-skip 800 \
            --launch-count 24 "$build/tests/cuda_bench" "$large" 4 2>&1 |
            awk '/Context/ {name = $0} /dram__/ {dram = $3} /duration/ {printf "%-60.60s %8s us %6s %% of DRAM\n", name, $3, dram}'
    fi
fi
step done
