# Part c: speed beside PyTorch. Sourced by gpu_check.sh.
#
# PyTorch prepares first: torch.compile in a process for each network, and eager mode, whose first step of a network takes half a
# minute in cuDNN's benchmark mode. Nothing is measured meanwhile.
# Then ours and PyTorch take turns, the most important figures first and in several rounds. PEERS=none measures ours alone,
# PEERS=eager leaves out torch.compile.

c_sizes() {
	c_batches=(256 32 1024) c_size=224 c_width=1 c_main=256 c_small=32 c_unreached=0 c_first=''
	c_wait=30 c_rounds=3 c_again=2 c_threads=() c_backends=(cuda torch) c_graphs=(on off)
	[ -z "$quick" ] || { c_batches=(4) c_size=32 c_width=0.25 c_main=4 c_small=2 c_rounds=1 c_again=1 c_wait=120; }
	# PyTorch's threads spin at barriers, which takes seconds a step beside other work.
	[ "$device" != cpu ] || c_threads=(OMP_NUM_THREADS=1)
	[ "$device" != cpu ] || c_backends=(auto torch cuda) c_graphs=(default off)
}

# c_steps BATCH: steps that take about half a second on a GPU.
c_steps() {
	if [ -n "$quick" ]; then echo 2; elif [ "$1" -lt 100 ]; then echo 80; elif [ "$1" -lt 500 ]; then echo 30; else echo 10; fi
}

# ours WHAT ARCH BATCH PRECISION BACKEND GRAPH: a measurement of ours; $reply.
ours() {
	local graph=''
	[ "$6" = default ] || graph=",\"cuda_graph\":\"$6\""
	ask ours $c_wait "{\"what\":\"$1\",\"steps\":$(c_steps "$3"),\"warmup\":5,\"config\":{\"arch\":\"$2\",\"batch_size\":$3,\"precision\":\"$4\",\"backend\":\"$5\",\"device\":\"$device\",\"resolution\":$c_size,\"width\":$c_width,\"classes\":1000$graph}}"
}

# peer MODE WHAT ARCH BATCH PRECISION [KEYS]: a request to PyTorch.
peer() { echo "{\"mode\":\"$1\",\"what\":\"$2\",\"arch\":\"$3\",\"batch\":$4,\"precision\":\"$5\"${6:-}}"; }

# speed prints the images per second in $reply.
speed() { value img_s <<<"$reply" | rounded; }

# result NAME: the row of a single measurement in $reply.
result() {
	local error speed
	error=$(failure)
	speed=$(speed)
	case $error in
	'') row info "$1" "$speed img/s$(memory)" img_s "$speed" ;;
	'the time of the part was over') c_unreached=$((c_unreached + 1)) c_first=${c_first:-$1} ;;
	*) unavailable "$1" "$error" ;;
	esac
}

# memory prints the peak memory in $reply, if it has one.
memory() {
	local peak
	peak=$(value peak_mb <<<"$reply")
	peak=${peak:-$(value peak_gpu_mb <<<"$reply")}
	[ -z "$peak" ] || [ "$peak" = 0 ] || echo ", $peak MB"
}

# compiler WHAT ARCH BATCH: a process of torch.compile, told to prepare.
compiler() {
	local name=compile-$1-$2-$3
	[ "$peers" = all ] || return 0
	[ -z "$quick" ] || [ "$1 $2" = "step mobilenet_v1" ] || return 0
	server "$name" env "${c_threads[@]}" TORCHINDUCTOR_COMPILE_THREADS=4 "$python" "$here/gpu_peer.py" "$device" "$c_size"
	tell "$name" "$(peer compile "$@" bf16 ',"prepare":true')"
	compilers+=("$name")
}

# eager_first: eager mode, told to prepare what is measured first.
eager_first() {
	local network
	[ "$peers" != none ] && [ -z "$quick" ] || return 0
	for network in "step mobilenet_v1" "infer mobilenet_v1" "step mobilenet_v2" "infer mobilenet_v2"; do
		tell eager "$(peer eager $network "$c_main" bf16 ',"prepare":true')"
		eager_told=$((eager_told + 1))
	done
}

# compiled SECONDS waits for eager mode and for the compilers. One that is late is stopped: it would disturb the others.
compiled() {
	local name late=$((SECONDS + $1)) start=$SECONDS
	for (( ; eager_told > 0; eager_told--)); do
		answered eager $((late > SECONDS ? late - SECONDS : 1))
		[ -z "$(failure)" ] || unavailable "eager" "$(failure)"
		[ -n "${server_pid[eager]:-}" ] || break # it was late, and is started again by the next request
	done
	[ ${#compilers[@]} -gt 0 ] || return 0
	for name in "${compilers[@]}"; do
		answered "$name" $((late > SECONDS ? late - SECONDS : 1))
		[ -z "$(failure)" ] || unavailable "torch.${name//-/ }" "$(failure)"
	done
	row info 'torch.compile' "prepared ${#compilers[@]} in $((SECONDS - start)) s"
}

# rounds WHAT ARCH BATCH N: ours, eager and compiled PyTorch in turn; a row with the median of each and the ratios.
rounds() {
	local what=$1 arch=$2 batch=$3 n=$4 i name=compile-$1-$2-$3 mine='' eager='' compile='' wrong=''
	for ((i = 0; i < n; i++)); do
		ours "$what" "$arch" "$batch" bf16 "$c_best" "$c_graph"
		mine+=" $(speed)" wrong+=$(failure)
		[ "$peers" != none ] || continue
		ask eager $c_wait "$(peer eager "$what" "$arch" "$batch" bf16)"
		eager+=" $(speed)" wrong+=$(failure)
		[ -n "${server_pid[$name]:-}" ] || continue
		ask "$name" $c_wait "$(peer compile "$what" "$arch" "$batch" bf16)"
		compile+=" $(speed)" wrong+=$(failure)
	done
	compared "$what $arch $batch bf16, $n rounds" "$mine" "$eager" "$compile" "$wrong"
}

# compared NAME OURS EAGER COMPILED ERRORS: each a list of figures.
compared() {
	local a b c
	a=$(median "$2") b=$(median "$3") c=$(median "$4")
	if [ -z "$a" ] || [ -z "$b$(grep none <<<"$peers")" ]; then
		[ "$(left)" -ge 3 ] && row failed "$1" "ours: ${a:-none}; eager: ${b:-none}; $5" || row 'not run' "$1" "the part's time was over"
		return
	fi
	row info "$1" "ours $a (${2# }), eager ${b:--} (${3# }), compile ${c:--} (${4# }); $(over "$a" "$b") times eager, $(over "$a" "$c") times compile" \
		ours "$a" eager "${b:-null}" compile "${c:-null}"
}

median() { tr ' ' '\n' <<<"$1" | grep . | sort -g | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'; }
over() { awk -v a="$1" -v b="${2:-0}" 'BEGIN { if (b > 0) printf "%.2f", a / b; else printf "-" }'; }

# others measures every other combination once.
others() {
	local arch what batch backend graph
	for batch in "${c_batches[@]}"; do
		for arch in mobilenet_v1 mobilenet_v2; do
			for what in step infer; do
				for backend in "${c_backends[@]}"; do
					for graph in "${c_graphs[@]}"; do
						[ "$batch $backend $graph" != "$c_main $c_best $c_graph" ] || continue # measured in rounds
						ours $what $arch "$batch" bf16 "$backend" "$graph"
						result "ours $what $arch $batch bf16 $backend graph $graph"
					done
				done
			done
		done
		[ "$batch" -lt 512 ] || stop ours # frees the memory for PyTorch
		for arch in mobilenet_v1 mobilenet_v2; do
			for what in step infer; do
				[ "$batch" != "$c_main" ] && [ "$peers" != none ] || continue
				ask eager $c_wait "$(peer eager $what $arch "$batch" bf16)"
				result "eager $what $arch $batch bf16"
			done
		done
		[ "$batch" != "$c_main" ] || float32
	done
}

# float32 measures training without bfloat16.
float32() {
	local backend
	for backend in "${c_backends[@]}"; do
		ours step mobilenet_v1 "$c_main" fp32 "$backend" "$c_graph"
		result "ours step mobilenet_v1 $c_main fp32 $backend graph $c_graph"
	done
	[ "$peers" != none ] || return 0
	ask eager $c_wait "$(peer eager step mobilenet_v1 "$c_main" fp32)"
	result "eager step mobilenet_v1 $c_main fp32"
}

# float16 measures training and inference in float16, by which cards without bfloat16 train: steps scale the loss, PyTorch's with its
# GradScaler. It is last, and is left out if the time is short: cuDNN's benchmark mode takes half a minute for new networks.
float16() {
	local what left
	left=$(left)
	if [ "$left" -lt 45 ]; then
		row info 'fp16' "not measured: $left s were left"
		return
	fi
	for what in step infer; do
		ours $what mobilenet_v1 "$c_main" fp16 torch "$c_graph"
		result "ours $what mobilenet_v1 $c_main fp16 torch graph $c_graph"
		[ "$peers" != none ] || continue
		ask eager $c_wait "$(peer eager $what mobilenet_v1 "$c_main" fp16)"
		result "eager $what mobilenet_v1 $c_main fp16"
	done
}

# profiles prints the longest kernels of PyTorch's step.
profiles() {
	ask eager $c_wait "$(peer eager step mobilenet_v1 "$c_main" bf16 ',"profile":true')"
	[ -z "$(failure)" ] && row info "eager step mobilenet_v1 $c_main bf16, kernels" "$reply" || unavailable 'eager, kernels' "$(failure)"
}

# traced WHAT: how busy the GPU is during our steps, and our longest kernels, by the library that gpu_pack.sh compiled.
traced() {
	local graph=() code
	[ "$c_graph" = default ] || graph=(--cuda-graph "$c_graph")
	[ -e "$bundle/lib/libtrace.so" ] || { unavailable "ours $1, trace" "the bundle has no libtrace.so"; return; }
	limited 30 "trace-$1.log" env CUDA_INJECTION64_PATH="$bundle/lib/libtrace.so" DEPTHWISE_TRACE="$out/trace-$1.json" \
		"$train" bench "$1" --device "$device" --batch-size "$c_main" --resolution $c_size --width $c_width --precision bf16 \
		--backend "$c_best" "${graph[@]}" --steps 120 --json
	code=$?
	if [ $code != 0 ]; then
		outcome "ours $1, trace" $code "trace-$1.log"
	elif [ ! -s "$out/trace-$1.json" ]; then
		unavailable "ours $1, trace" "no kernels were recorded; trace-$1.log: $(last "trace-$1.log")"
	else
		row info "ours $1 mobilenet_v1 $c_main bf16, trace" "$(cat "$out/trace-$1.json")" busy_percent "$(value busy_percent <"$out/trace-$1.json")"
	fi
}

# best finds our fastest form, and has it compile its kernels. Elsewhere than on a GPU the others do not exist.
best() {
	local form
	for form in "cuda on" "cuda off" "torch on" "torch default" "auto default"; do
		read -r c_best c_graph <<<"$form"
		[ "$device" != cpu ] || [ "$form" = "auto default" ] || continue
		ours step mobilenet_v1 "$c_main" bf16 "$c_best" "$c_graph"
		[ -n "$(failure)" ] || break
		unavailable "ours with backend $c_best, graph $c_graph" "$(failure)"
	done
	row info 'ours' "backend $c_best, graph $c_graph; the first measurement: $(speed) img/s"
}

part_c() {
	local name peers=${PEERS:-all}
	compilers=() eager_told=0
	c_sizes
	server ours env DEPTHWISE_MEASURE=1 "$bundle/bin/device.test" -test.run '^TestMeasure$' -test.timeout 10m
	server eager env "${c_threads[@]}" "$python" "$here/gpu_peer.py" "$device" "$c_size"
	eager_first
	compiler step mobilenet_v1 "$c_main"
	compiler infer mobilenet_v1 "$c_main"
	compiler step mobilenet_v2 "$c_main"
	best
	compiled 95
	rounds step mobilenet_v1 "$c_main" $c_rounds
	rounds infer mobilenet_v1 "$c_main" $c_again
	rounds step mobilenet_v2 "$c_main" $c_again
	for name in "${compilers[@]}"; do stop "$name"; done
	rounds infer mobilenet_v2 "$c_main" $c_again
	traced step
	rounds step mobilenet_v1 "$c_small" $c_again
	rounds infer mobilenet_v1 "$c_small" $c_again
	rounds infer mobilenet_v1 1 $c_again
	others
	[ "$peers" = none ] || profiles
	float16
	[ $c_unreached = 0 ] || row 'not run' "$c_unreached measurements" "the part's time was over before $c_first"
}
