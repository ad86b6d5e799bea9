# Training runs: their results, and whether they resume exactly. Sourced by gpu_check.sh.

# best_top1 RUN prints the best top-1 accuracy of a run.
best_top1() {
	awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
		$column["val_top1"] > best { best = $column["val_top1"] } END { print best + 0 }' "$1/metrics.csv" 2>/dev/null
}

# digest RUN prints the start of the SHA-256 of a run's best weights.
digest() { sha256sum "$1/best.safetensors" 2>/dev/null | cut -c -16; }

# killed NAME REFERENCE STEPS LOG COMMAND...: runs a training, kills it with SIGKILL after some steps, resumes it, and compares the
# best weights with those of a run that was not killed. The last argument is the run's folder.
killed() {
	local name=$1 reference=$2 steps=$3 log=$4 run=${*: -1} pid at code waited=0
	shift 4
	[ "$(left)" -ge 20 ] || { row 'not run' "$name" "the part's time was over"; return; }
	"$@" >>"$out/$log" 2>&1 &
	pid=$!
	while kill -0 $pid 2>/dev/null && [ "$(trained "$run")" -lt "$steps" ] && [ $waited -lt 600 ]; do
		sleep 0.1
		waited=$((waited + 1))
	done
	kill -KILL $pid 2>/dev/null || { row failed "$name" "the run ended before it was killed; $log: $(last "$log")"; return; }
	wait $pid 2>/dev/null
	at=$(trained "$run")
	limited 60 "$log" "$train" resume "$run" --progress plain
	code=$?
	if [ $code != 0 ]; then
		outcome "$name" $code "$log"
	elif [ -n "$(digest "$run")" ] && [ "$(digest "$run")" = "$(digest "$reference")" ]; then
		row ok "$name" "the same bytes, $(digest "$run"), resumed from step $at"
	else
		row failed "$name" "other bytes: $(digest "$reference") without, $(digest "$run") with kill and resume"
	fi
}

# beside runs a function beside the next ones on a GPU, which has room for them, and before them on a CPU.
beside() { if [ "$device" = cpu ]; then "$@"; else "$@" & fi; }

# trained RUN prints the steps of the newest checkpoint of a run.
trained() {
	local newest
	newest=$(ls "$1/checkpoints" 2>/dev/null | sed -n 's/^step-0*\([0-9]\+\)\.safetensors$/\1/p' | sort -n | tail -n 1)
	echo "${newest:-0}"
}
