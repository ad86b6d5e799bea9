# Part c: speed beside PyTorch. Sourced by gpu_check.sh.
#
# torch.compile prepares first, in a process for each network so that they compile side by side; nothing is measured meanwhile.
# Then ours and PyTorch take turns, the most important figures first and in several rounds.

c_sizes() {
	c_batches=(256 32 1024) c_size=224 c_width=1 c_main=256 c_small=32 c_prepare=80 c_unreached=0 c_first=''
	c_compiled=("mobilenet_v1 $c_main" "mobilenet_v2 $c_main" "mobilenet_v1 $c_small") c_rounds=3 c_threads=()
	c_backends=(cuda torch) c_graphs=(on off) c_best=cuda c_graph=on
	[ -z "$quick" ] || { c_batches=(4) c_size=32 c_width=0.25 c_main=4 c_small=2 c_compiled=("mobilenet_v1 4") c_rounds=1; }
	# PyTorch's threads spin at barriers, which takes seconds a step beside other work.
	[ "$device" != cpu ] || c_threads=(OMP_NUM_THREADS=1)
	[ "$device" != cpu ] || { c_best=auto c_graph=default c_backends=(auto torch cuda) c_graphs=(default off); }
}

# c_steps BATCH: steps that take about half a second on a GPU.
c_steps() {
	if [ -n "$quick" ]; then echo 2; elif [ "$1" -lt 100 ]; then echo 60; elif [ "$1" -lt 500 ]; then echo 30; else echo 10; fi
}

# ours WHAT ARCH BATCH PRECISION BACKEND GRAPH: a measurement of ours; $reply.
ours() {
	local graph=''
	[ "$6" = default ] || graph=",\"cuda_graph\":\"$6\""
	ask ours 30 "{\"what\":\"$1\",\"steps\":$(c_steps "$3"),\"warmup\":5,\"config\":{\"arch\":\"$2\",\"batch_size\":$3,\"precision\":\"$4\",\"backend\":\"$5\",\"device\":\"$device\",\"resolution\":$c_size,\"width\":$c_width,\"classes\":1000$graph}}"
}

# peer MODE WHAT ARCH BATCH PRECISION [KEYS]: a request to PyTorch.
peer() { echo "{\"mode\":\"$1\",\"what\":\"$2\",\"arch\":\"$3\",\"batch\":$4,\"precision\":\"$5\"${6:-}}"; }

# speed prints the images per second in $reply.
speed() { value img_s <<<"$reply" | awk '{ printf "%.0f", $1 }'; }

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
	[ -z "$peak" ] || [ "$peak" = 0 ] || echo ", $peak MB"
}

# compiler ARCH BATCH: a server of torch.compile for a network, told to prepare.
compiler() {
	local name=compile-$1-$2 what
	server "$name" env "${c_threads[@]}" TORCHINDUCTOR_COMPILE_THREADS=4 "$python" "$here/gpu_peer.py" "$device" "$c_size"
	for what in step infer; do tell "$name" "$(peer compile $what "$1" "$2" bf16 ',"prepare":true')"; done
	compilers+=("$name")
}

# compiled waits for the compilers. Those that are late are stopped: they would disturb the others.
compiled() {
	local name what late=$((SECONDS + c_prepare)) start=$SECONDS
	for name in "${compilers[@]}"; do
		for what in step infer; do
			[ -n "${server_pid[$name]:-}" ] || continue
			answered "$name" $((late > SECONDS ? late - SECONDS : 1))
			[ -z "$(failure)" ] || unavailable "torch.compile $name $what" "$(failure)"
		done
	done
	row info 'torch.compile' "prepared ${#compilers[@]} networks in $((SECONDS - start)) s"
}

# rounds WHAT ARCH BATCH N: ours, eager and compiled PyTorch in turn; a row with the median of each and the ratios.
rounds() {
	local what=$1 arch=$2 batch=$3 n=$4 i name=compile-$2-$3 mine='' eager='' compile=''
	for ((i = 0; i < n; i++)); do
		ours "$what" "$arch" "$batch" bf16 "$c_best" "$c_graph"
		mine+=" $(speed)"
		ask eager 30 "$(peer eager "$what" "$arch" "$batch" bf16)"
		eager+=" $(speed)"
		[ -n "${server_pid[$name]:-}" ] || continue
		ask "$name" 30 "$(peer compile "$what" "$arch" "$batch" bf16)"
		compile+=" $(speed)"
	done
	compared "$what $arch $batch bf16, $n rounds" "$mine" "$eager" "$compile"
}

# compared NAME OURS EAGER COMPILED: each a list of figures.
compared() {
	local a b c
	a=$(median "$2") b=$(median "$3") c=$(median "$4")
	if [ -z "$a" ] || [ -z "$b" ]; then
		[ "$(left)" -ge 3 ] && row failed "$1" "ours:${2:- none}; eager:${3:- none}" || row 'not run' "$1" "the part's time was over"
		return
	fi
	row info "$1" "ours $a (${2# }), eager $b (${3# }), compile ${c:--} (${4# }); $(over "$a" "$b") times eager, $(over "$a" "$c") times compile" \
		ours "$a" eager "$b" compile "${c:-null}"
}

median() { tr ' ' '\n' <<<"$1" | grep . | sort -g | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'; }
over() { awk -v a="$1" -v b="${2:-0}" 'BEGIN { if (b > 0) printf "%.2f", a / b; else printf "-" }'; }

# others measures every other combination once.
others() {
	local arch what batch backend graph name
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
				[ "$batch" != "$c_main" ] || continue
				ask eager 30 "$(peer eager $what $arch "$batch" bf16)"
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
	ask eager 30 "$(peer eager step mobilenet_v1 "$c_main" fp32)"
	result "eager step mobilenet_v1 $c_main fp32"
}

# profiles prints the longest kernels of PyTorch's step.
profiles() {
	ask eager 30 "$(peer eager step mobilenet_v1 "$c_main" bf16 ',"profile":true')"
	[ -z "$(failure)" ] && row info "eager step mobilenet_v1 $c_main bf16, kernels" "$reply" || unavailable 'eager, kernels' "$(failure)"
}

part_c() {
	local name
	c_sizes
	compilers=()
	server ours env DEPTHWISE_MEASURE=1 "$bundle/bin/device.test" -test.run '^TestMeasure$' -test.timeout 10m
	server eager env "${c_threads[@]}" "$python" "$here/gpu_peer.py" "$device" "$c_size"
	for name in "${c_compiled[@]}"; do compiler $name; done
	start eager
	ours step mobilenet_v1 "$c_main" bf16 "$c_best" "$c_graph" # the first request compiles kernels
	result "ours step mobilenet_v1 $c_main bf16 $c_best graph $c_graph, the first, beside compilers"
	compiled
	rounds step mobilenet_v1 "$c_main" $c_rounds
	rounds infer mobilenet_v1 "$c_main" $c_rounds
	rounds step mobilenet_v2 "$c_main" $(((c_rounds + 1) / 2))
	rounds infer mobilenet_v2 "$c_main" $(((c_rounds + 1) / 2))
	rounds step mobilenet_v1 "$c_small" $(((c_rounds + 1) / 2))
	rounds infer mobilenet_v1 "$c_small" $(((c_rounds + 1) / 2))
	for name in "${compilers[@]}"; do stop "$name"; done
	profiles
	others
	[ $c_unreached = 0 ] || row 'not run' "$c_unreached measurements" "the part's time was over before $c_first"
}
