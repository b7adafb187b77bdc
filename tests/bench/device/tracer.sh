#!/usr/bin/env bash
# The device tracer on a real GPU, one command: tracer.sh FOLDER. FOLDER holds gpu_device_test, and, to trace a whole run as well,
# moescope-engine with a CUDA backend and model.gguf; shared libraries in FOLDER/lib are used. Prints its conditions.
set -uo pipefail
folder=$(cd "$1" && pwd)
export LD_LIBRARY_PATH=$folder/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
nvidia-smi --query-gpu=name,driver_version,pcie.link.gen.max,pcie.link.width.max,clocks.sm --format=csv,noheader
grep -s RmProfilingAdminOnly /proc/driver/nvidia/params
uname -r
"$folder/gpu_device_test"
status=$?
if [ -x "$folder/moescope-engine" ] && [ -f "$folder/model.gguf" ]; then
    out=${OUT:-$(mktemp -d)}
    for level in 1 2 3; do
        session=$out/traced-$level.moescope
        "$folder/moescope-engine" record --model "$folder/model.gguf" --prompt "Tell me a story about a fox." --temperature 0 \
            --max-tokens 64 --cache-experts 32 --trace-level $level --trace-overhead 5 --output "$session" "${@:2}" >/dev/null || status=1
        "$folder/moescope-engine" report "$session" | sed -n '/^Device/,/^Recording/p'
        "$folder/moescope-engine" verify "$session" || status=1
    done
fi
exit $status
