#!/bin/sh
# Measures a built program beside busy loops, and prints a table in Markdown: sh docs/load.sh [PROGRAM]
# Images per second are those of all steps together. Takes a minute. Further flags of bench go into ARGS.
set -eu
program=${1:-bin/train}
loops=
trap 'for p in $loops; do kill "$p" 2>/dev/null || :; done' EXIT
trap 'exit 1' INT TERM

# value NAME prints a number of the JSON object on standard input.
value() { sed -n "s/.*\"$1\":\([0-9.e+-]*\).*/\1/p"; }

# measure BATCH ARGUMENTS... prints two cells: images per second; median and 99th percentile in milliseconds.
measure() {
    batch=$1; shift
    result=$("$program" bench "$@" --batch-size "$batch" --json ${ARGS:-})
    set -- "$(echo "$result" | value step_mean_ms)" "$(echo "$result" | value step_ms)" "$(echo "$result" | value step_p99_ms)"
    echo "$batch $*" | awk '{printf " %.0f | %.2f, %.2f |", 1000 * $1 / $2, $3, $4}'
}

echo "| busy loops | training step, width 0.5 at 128, img/s | median, p99 ms | inference, batch 32, img/s | median, p99 ms | batch 1, img/s | median, p99 ms |"
echo "|---|---|---|---|---|---|---|"
running=0
for n in 0 1 2 4; do
    while [ "$running" -lt "$n" ]; do
        (while :; do :; done) &
        loops="$loops $!"; running=$((running + 1))
    done
    step=$(measure 32 step --width 0.5 --resolution 128)
    batch=$(measure 32 infer)
    single=$(measure 1 infer)
    echo "| $n |$step$batch$single"
done
