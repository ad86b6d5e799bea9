# Part a: what the device computes is right, resumes exactly, and fails clearly. Sourced by gpu_check.sh.

a_sizes() {
	a_settings=(--data "$data" --device "$device" --recipe none --width 0.5 --resolution 128 --batch-size 32 --lr 0.1
		--schedule onecycle --crop-scale 0.35,1 --seed 1 --progress plain)
	a_epochs=3 a_limit=110
	[ -z "$quick" ] || { a_settings+=(--width 0.25 --resolution 32 --max-steps 16) a_epochs=1; }
}

# device_tests runs the packed tests. TF32 is off in them: tolerances of float32 are those of float32.
device_tests() {
	local code name status seconds
	limited $a_limit tests.log env DEPTHWISE_TEST_DEVICE="$device" NVIDIA_TF32_OVERRIDE=0 "$bundle/bin/device.test" -test.v
	code=$?
	while read -r status name seconds; do
		case $status in
		PASS:) row ok "$name" "$seconds" ;;
		SKIP:) unavailable "$name" "skipped: $(grep -aA1 -- "--- SKIP: $name " "$out/tests.log" | tail -n 1)" ;;
		*) row failed "$name" "$seconds $(failures "$name")" ;;
		esac
	done < <(sed -n 's/^--- \([A-Z]*:\) \([^ ]*\) (\(.*\))$/\1 \2 \3/p' "$out/tests.log")
	[ $code = 0 ] && row ok 'device tests' 'all passed' || outcome 'device tests' $code tests.log
}

# failures TEST prints how many of its cases failed, and the first message.
failures() {
	grep -ac -- "^ *--- FAIL: $1/" "$out/tests.log" | tr '\n' ' '
	echo "cases failed, see tests.log, first: $(grep -am1 -E '^ +[a-z_]+_test\.go:[0-9]+:' "$out/tests.log" | cut -c -200)"
}

# trains NAME RUN FLAGS...: a training that is a reference for others.
trains() {
	local name=$1 run=$work/$2 start=$SECONDS code
	shift 2
	limited 60 "${run##*/}.log" "$train" "${a_settings[@]}" --epochs $a_epochs "$@" --out "$run"
	code=$?
	outcome "$name" $code "${run##*/}.log" "best top-1 $(best_top1 "$run"), $(digest "$run"), $((SECONDS - start)) s"
	return $code
}

# same NAME RUN OTHER: their best weights have the same bytes.
same() {
	local a b
	a=$(digest "$work/$2") b=$(digest "$work/$3")
	[ "$a" = "$b" ] && [ -n "$a" ] && row ok "$1" "the same bytes, $a" || row failed "$1" "other bytes: ${a:-none} and ${b:-none}"
}

# resumed NAME RUN FLAGS...: a training, and the same one that is killed and resumed.
resumed() {
	local name=$1 run=$2
	shift 2
	trains "train $name" "$run" "$@" && killed "$name, SIGKILL and resume" "$work/$run" 5 "$run-killed.log" \
		"$train" "${a_settings[@]}" --epochs $a_epochs "$@" --checkpoint-every 1steps --out "$work/$run-killed"
}

# too_large asks for a batch that is refused before the first step, and for one that uses up the memory in a step: the errors name
# what to lower, and the same process computes the next step.
too_large() {
	local in_step ask_for='"resolution":224,"arch":"mobilenet_v1","precision":"bf16","device":"'$device'"' error code batch=16384
	[ "$device" != cpu ] || batch=1000000
	limited 60 memory.log "$train" bench step --device "$device" --batch-size $batch --steps 1 --warmup-steps 1
	code=$?
	if [ $code = 1 ] && tail -n 1 "$out/memory.log" | grep -q -- '--batch-size'; then
		row ok 'a batch that is too large' "exit status 1: $(tail -n 1 "$out/memory.log" | cut -c -200)"
	else
		row failed 'a batch that is too large' "exit status $code, want 1 with --batch-size in the message: $(last memory.log)"
	fi
	server ours env DEPTHWISE_MEASURE=1 "$bundle/bin/device.test" -test.run '^TestMeasure$' -test.timeout 10m
	in_step=$batch # of a GPU, an image for 14 MB: less than the estimate that refuses, and more than there is
	[ "$device" = cpu ] || in_step=$(nvidia-smi --query-gpu=memory.total --format=csv,noheader,nounits | awk 'NR == 1 { print int($1 / 14) }')
	ask ours 60 "{\"what\":\"step\",\"steps\":1,\"warmup\":1,\"config\":{$ask_for,\"batch_size\":$in_step}}"
	error=$(failure)
	case $error in
	*batch*) row ok "a step of batch $in_step" "$error" ;;
	*) row failed "a step of batch $in_step" "want an error that names the batch size: $error $reply" ;;
	esac
	[ -n "${server_pid[ours]:-}" ] || row failed 'steps after one that was too large' "the process ended: $error"
	ask ours 60 "{\"what\":\"step\",\"steps\":2,\"warmup\":1,\"config\":{$ask_for,\"batch_size\":4}}"
	[ -z "$(failure)" ] && row ok 'steps after one that was too large' "$(value img_s <<<"$reply" | rounded) img/s at batch 4" ||
		row failed 'steps after one that was too large' "$(failure)"
	stop ours
}

part_a() {
	a_sizes
	beside resumed v1 v1
	beside resumed 'v2 with dropout' v2 --arch mobilenet_v2
	beside resumed 'v1 in fp16' v1-fp16 --precision fp16
	beside trains 'train v1 in fp16 without CUDA graphs' v1-fp16-eager --precision fp16 --cuda-graph off
	beside trains 'train v1 without CUDA graphs' v1-eager --cuda-graph off
	beside trains 'train v1 by backend torch' v1-torch --backend torch
	device_tests
	wait
	same 'CUDA graphs compute the same' v1 v1-eager
	same 'CUDA graphs compute the same in fp16' v1-fp16 v1-fp16-eager
	limited 60 pooling.log "$python" "$here/gpu/pooling.py" "$device"
	outcome "PyTorch's gradient of average pools" $? pooling.log "$(tail -n 1 "$out/pooling.log")"
	too_large
}
