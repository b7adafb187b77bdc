#!/usr/bin/env bash
# What recording the GPU costs while experts travel: overhead.sh FOLDER MODEL SLOTS PAIRS TOKENS [flags of record]. Per trace level, and with the
# GPU's counters: the same greedy answer without and with recording, in turn, in one process; medians of the pairs with their
# confidence. Then how long after its end a copy was committed to the session.
set -uo pipefail
folder=$(cd "$1" && pwd)
model=$2 slots=$3 pairs=$4 tokens=$5
source "$folder/environment"
out=${OUT:-$(mktemp -d)}
nvidia-smi --query-gpu=name,driver_version,clocks.sm --format=csv,noheader
for way in ${WAYS:-1 2 3 pm}; do
    case $way in
        pm) flags=(--trace-level 0 --pm-sampling) ;;
        *pm) flags=(--trace-level "${way%pm}" --pm-sampling) ;;
        *) flags=(--trace-level "$way") ;;
    esac
    session=$(mktemp -d)/overhead.moescope
    "$folder/moescope-engine" record --backend cuda --model "$model" --raw-prompt "Once upon a time" --temperature 0 --max-tokens "$tokens" \
        --cache-experts "$slots" "${flags[@]}" --trace-overhead "$pairs" --output "$session" "${@:6}" 2>&1 >/dev/null |
        sed -n "s/^Recording/$slots slots, way $way: recording/p; s/^The cost/The cost/p"
    python3 - "$session" <<'END'
import bisect, sqlite3, sys
session = sqlite3.connect(sys.argv[1])
batches = list(session.execute("SELECT last_seq, committed_ns FROM batch ORDER BY number"))
lasts = [last for last, _ in batches]
late = []
for table in ("gpu_copy_span WHERE token IS NOT NULL", "kernel_span"):
    for seq, end in session.execute(f"SELECT seq, end_ns FROM {table}"):
        late.append((batches[bisect.bisect_left(lasts, seq)][1] - end) / 1e6)
late.sort()
lost = session.execute("SELECT coalesce(sum(count), 0) FROM records_lost").fetchone()[0]
if late:
    print(f"  end of device work to its commit: median {late[len(late) // 2]:.0f} ms, 99th percentile {late[len(late) * 99 // 100]:.0f} ms, "
          f"most {late[-1]:.0f} ms over {len(late)} records; {lost} lost")
read = session.execute("SELECT count(*), sum(from_host_bytes), sum(duration_ns) FROM counter_sample").fetchone()
copied = session.execute("SELECT sum(bytes) FROM gpu_copy_span WHERE direction = 0").fetchone()[0]
if read[0]:
    print(f"  {read[0]} readings, {read[1] / 1e9:.2f} GB counted in, {(copied or 0) / 1e9:.2f} GB copied in by CUPTI's records")
END
    rm -rf "$(dirname "$session")"
done
