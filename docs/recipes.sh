#!/bin/sh
# Trains five seeds of the recipes on small photographs and prints each run's best and last top-1 and its seconds, for
# the table in docs/recipes.md. Usage: docs/recipes.sh PHOTOS V1_WEIGHTS V2_WEIGHTS > table.tsv, in an empty folder, with
# the program as TRAIN (default bin/train). On two quiet cores it takes about an hour.
set -e
train=${TRAIN:-bin/train}

one() { # one NAME SEED ARGS...
	name=$1 seed=$2
	shift 2
	start=$(date +%s)
	"$train" --data "$photos" --out "run-$name-$seed" --seed "$seed" --keep 1 --progress none "$@"
	seconds=$(($(date +%s) - start))
	awk -F, -v name="$name" -v seed="$seed" -v seconds="$seconds" '
		NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
		{ last = $column["val_top1"]; if (last > best) best = last }
		END { printf "%s\t%s\t%.1f\t%.1f\t%s\n", name, seed, 100 * best, 100 * last, seconds }' "run-$name-$seed/metrics.csv"
	rm -r "run-$name-$seed"
}

photos=$1 v1=$2 v2=$3
for seed in 1 2 3 4 5; do
	one quick $seed --recipe quick
	one none-small $seed --recipe none --width 0.5 --resolution 128
	one scratch-small $seed --recipe scratch-small
	one finetune-v1 $seed --init "$v1"
	one finetune-v2 $seed --init "$v2"
	one none $seed --recipe none
done
