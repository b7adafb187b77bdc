#!/usr/bin/env bash
# The device tracer on a real GPU, one command: tracer.sh FOLDER [flags of record]. FOLDER holds gpu_device_test, and, to trace a whole
# run as well, moescope-engine with a CUDA backend; shared libraries in FOLDER/lib are used. The model is $MODEL, or the bundled one.
# Sessions go to $OUT. Prints its conditions.
set -uo pipefail
folder=$(cd "$1" && pwd)
export LD_LIBRARY_PATH=$folder/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
nvidia-smi --query-gpu=name,driver_version,pcie.link.gen.max,pcie.link.width.max,clocks.sm --format=csv,noheader
grep -s RmProfilingAdminOnly /proc/driver/nvidia/params
uname -r
"$folder/gpu_device_test"
status=$?
model=${MODEL:-resources/model/model-q8_0.gguf}
if [ -x "$folder/moescope-engine" ] && [ -f "$model" ]; then
    out=${OUT:-$(mktemp -d)}
    for level in 1 2 3; do
        session=$out/traced-$level.moescope
        "$folder/moescope-engine" record --model "$model" --prompt "Tell me a story about a fox." --temperature 0 \
            --max-tokens ${TOKENS:-200} --cache-experts 32 --trace-level $level --trace-overhead ${PAIRS:-20} --output "$session" "${@:2}" >/dev/null || status=1
        "$folder/moescope-engine" report "$session" | sed -n '/^Device/,/^Recording/p'
        "$folder/moescope-engine" verify "$session" || status=1
    done
fi
exit $status
