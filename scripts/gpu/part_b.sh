# Part b: real weights fine-tuned on photographs. Sourced by gpu_check.sh.

b_sizes() {
	b_settings=(--data "$data" --init "$weights" --device "$device" --progress plain)
	# A seed with the packed photographs on a CPU: 0.950; five with the photographs as they are: 0.950 to 0.980. One of the 200
	# images is 0.005.
	b_lowest=0.930 b_resolution=224
	[ -z "$quick" ] || { b_settings+=(--recipe finetune --epochs 2 --max-steps 24 --resolution 64) b_lowest=0 b_resolution=64; }
}

# finetune SEED: a run with the recipe, its accuracy and its time.
finetune() {
	local run=$work/finetune-$1 log=finetune-$1.log start=$SECONDS code top1
	limited 80 "$log" "$train" "${b_settings[@]}" --seed "$1" --out "$run"
	code=$?
	if [ $code != 0 ]; then outcome "fine-tune, seed $1" $code "$log"; return; fi
	top1=$(best_top1 "$run")
	row "$(awk -v a="$top1" -v b="$b_lowest" 'BEGIN { print (a >= b) ? "ok" : "failed" }')" "fine-tune, seed $1" \
		"best top-1 $top1 (at least $b_lowest) after $((SECONDS - start)) s" top1 "$top1" seconds $((SECONDS - start))
}

# logits FILE WEIGHTS PRECISION DEVICE: those of the packed inputs.
logits() {
	limited 40 parity.log "$train" predict --weights "$2" --input "$work/inputs.npy" --output "$1" --precision "$3" --device "$4"
}

# exported compares the logits of the device in float32, bfloat16 and float16, of the CPU, and of ONNX Runtime.
exported() {
	local run=$1 list=("cpu=$work/cpu.npy") code
	limited 20 parity.log "$python" "$here/gpu/parity.py" make "$work/inputs.npy" "$b_resolution" &&
		logits "$work/cpu.npy" "$run" fp32 cpu && logits "$work/fp32.npy" "$run" fp32 "$device" && logits "$work/bf16.npy" "$run" bf16 "$device" &&
		logits "$work/fp16.npy" "$run" fp16 "$device"
	code=$?
	if [ $code != 0 ]; then outcome 'logits' $code parity.log; return; fi
	# 28 layers. float32: sums of up to 1,024 products in another order; a GPU may round them to TF32, 2^-11 each. bfloat16: 2^-9, float16: 2^-12.
	list+=("$device fp32:1e-2=$work/fp32.npy" "$device bf16:0.1=$work/bf16.npy" "$device fp16:2e-2=$work/fp16.npy")
	limited 30 export.log "$train" export --weights "$run" --output "$work/model.onnx"
	code=$?
	outcome 'export to ONNX' $code export.log "$(wc -c <"$work/model.onnx" 2>/dev/null) bytes"
	if ! "$python" -c 'import onnxruntime' 2>>"$out/parity.log"; then
		unavailable 'ONNX Runtime' "$python has no package onnxruntime"
	elif [ $code = 0 ]; then
		limited 40 parity.log "$python" "$here/gpu/parity.py" onnx "$work/model.onnx" "$work/inputs.npy" "$work/onnx.npy"
		code=$?
		[ $code = 0 ] && list+=("ONNX Runtime:1e-3=$work/onnx.npy") || outcome 'ONNX Runtime' $code parity.log
	fi
	limited 20 parity.log "$python" "$here/gpu/parity.py" compare "${list[@]}"
	outcome 'logits' $? parity.log "$(tail -n 1 "$out/parity.log")"
}

# evaluated RUN: accuracy on the device and on the CPU, in the same precision.
evaluated() {
	local where tops=() code
	for where in "$device" cpu; do
		limited 40 "eval-${where%:*}.log" "$train" eval --weights "$1" --data "$data" --device "$where" --precision fp32 --json
		code=$?
		if [ $code != 0 ]; then outcome "eval on $where" $code "eval-${where%:*}.log"; return; fi
		tops+=("$(value top1 <"$out/eval-${where%:*}.log")")
	done
	# float32 in another order may change the class of an image that is between two.
	row "$(awk -v a="${tops[0]}" -v b="${tops[1]}" 'BEGIN { d = a - b; print (d <= 0.005 && d >= -0.005) ? "ok" : "failed" }')" \
		'eval' "top-1 ${tops[0]} on $device, ${tops[1]} on the CPU"
}

part_b() {
	b_sizes
	beside finetune 2
	finetune 1
	beside killed 'fine-tune, SIGKILL and resume' "$work/finetune-1" 10 killed.log \
		"$train" "${b_settings[@]}" --seed 1 --checkpoint-every 5steps --out "$work/killed"
	exported "$work/finetune-1"
	evaluated "$work/finetune-1"
	wait
}
