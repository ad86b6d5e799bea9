# Processes that answer a line with a line: ours and PyTorch's are started once and asked in turn, because to start takes longer
# than to measure. Sourced by gpu_check.sh.

declare -A server_pid server_in server_out server_command

# server NAME COMMAND...: names a server; ask starts it.
server() {
	local name=$1
	shift
	server_command[$name]=$(printf '%q ' "$@")
}

# start NAME starts a server that does not run.
start() {
	local name=$1 pipe=$work/$1 in out_
	[ -z "${server_pid[$name]:-}" ] || return 0
	rm -f "$pipe.in" "$pipe.out"
	mkfifo "$pipe.in" "$pipe.out"
	exec {in}<>"$pipe.in" {out_}<>"$pipe.out" # open in both directions, so that neither side waits for the other to open it
	eval "exec setsid ${server_command[$name]}" <"$pipe.in" >"$pipe.out" 2>>"$out/$name.log" &
	server_pid[$name]=$! server_in[$name]=$in server_out[$name]=$out_
}

# tell NAME LINE: sends a request without waiting for the reply.
tell() {
	start "$1"
	echo "$2" >&"${server_in[$1]}"
}

# answered NAME SECONDS: waits for a reply, a line that starts with {, and leaves it in $reply. Otherwise $reply is an error of
# the same form, and the server is stopped: the next request starts another process.
answered() {
	local name=$1 deadline=$((SECONDS + $2))
	[ "$2" -le "$(left)" ] || deadline=$((SECONDS + $(left)))
	while [ $SECONDS -lt $deadline ]; do
		if IFS= read -r -t 0.2 -u "${server_out[$name]}" reply; then
			case $reply in
			{*) return ;;
			esac
		elif ! kill -0 "${server_pid[$name]}" 2>/dev/null; then
			reply="{\"error\":$(quoted "the process ended; $name.log: $(last "$name.log")")}"
			stop "$name"
			return
		fi
	done
	reply="{\"error\":\"no answer within $2 s\"}"
	stop "$name"
}

# ask NAME SECONDS LINE: sends a request and waits for the reply. After an error of CUDA other than that memory is used up, a
# process cannot use the GPU anymore, and is stopped.
ask() {
	if [ "$(left)" -lt 3 ]; then
		reply='{"error":"the time of the part was over"}'
		return
	fi
	tell "$1" "$3"
	answered "$1" "$2"
	echo "$1: $3 -> $reply" >>"$out/replies.log"
	case $reply in
	*'out of memory'*) ;;
	*'"error"'*'CUDA error'* | *'"error"'*CUDA_ERROR*) stop "$1" ;;
	esac
}

# failure prints the error in $reply, if it has one.
failure() {
	case $reply in
	*'"error":'*) sed 's/.*"error": *"\(.*\)"[^"]*$/\1/' <<<"$reply" | cut -c -300 ;;
	esac
}

# stop ends a server and its children.
stop() {
	local name=$1 in=${server_in[$1]:-} out_=${server_out[$1]:-}
	[ -n "${server_pid[$name]:-}" ] || return 0
	kill -KILL -- "-${server_pid[$name]}" 2>/dev/null || kill -KILL "${server_pid[$name]}" 2>/dev/null
	wait "${server_pid[$name]}" 2>/dev/null
	exec {in}>&- {out_}>&-
	unset "server_pid[$name]" "server_in[$name]" "server_out[$name]"
}

stop_servers() {
	local name
	for name in "${!server_pid[@]}"; do stop "$name"; done
}
