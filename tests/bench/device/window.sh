#!/usr/bin/env bash
# The window against a live run on a GPU, without a display: window.sh FOLDER PICTURE [flags of moescope]. FOLDER is an unpacked archive of
# pack.sh. Asks a question, draws the window while the answer grows, and leaves.
set -euo pipefail
folder=$(cd "$1" && pwd)
picture=$2
source "$folder/environment"
"$folder/moescope" --engine "$folder/moescope-engine" --demo-picture "$picture" --sessions "$XDG_DATA_HOME" \
    --ask "Tell me a story about a fox and the moon." "${@:3}"
