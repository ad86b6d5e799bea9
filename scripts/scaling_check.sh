#!/usr/bin/env bash
# Compares the cost model of train bench scaling with training steps of several ranks on this machine, between which the
# bandwidth and the latency are limited. See docs/scaling.md.
set -euo pipefail

usage() {
	cat <<'TEXT'
Usage: scripts/scaling_check.sh [RANKS:RATE:LATENCY ...] [-- FLAGS]

Each rank has a network namespace of its own, whose interface sends at most RATE
(of tc, such as 100mbit; 0: no limit), with LATENCY from one to another (such as
2ms; 0: that of the kernel). FLAGS are those of train bench scaling.
Prints measured and predicted time of a step in each of these networks.

Default: 2:0:0 2:1gbit:0 2:100mbit:0 4:1gbit:0 4:100mbit:0 2:1gbit:2ms 4:1gbit:2ms

Environment:
  TRAIN    the program (default bin/train)
TEXT
}

networks=()
while [ $# -gt 0 ]; do
	case $1 in
	--help | -h) usage; exit 0 ;;
	--) shift; break ;;
	[1-9]*:*:*) networks+=("$1"); shift ;;
	*) usage >&2; echo "scaling_check: not RANKS:RATE:LATENCY: $1" >&2; exit 2 ;;
	esac
done
[ ${#networks[@]} -gt 0 ] || networks=(2:0:0 2:1gbit:0 2:100mbit:0 4:1gbit:0 4:100mbit:0 2:1gbit:2ms 4:1gbit:2ms)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
train=$(realpath "${TRAIN:-$here/../bin/train}")
[ -x "$train" ] || { echo "scaling_check: no program $train; make build" >&2; exit 1; }

work=$(mktemp -d) id=dw$$ pids=()
clean() {
	[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
	for n in $(ip netns list 2>/dev/null | cut -d' ' -f1); do
		case $n in "$id"-*) ip netns del "$n" ;; esac
	done
	pids=()
}
trap 'clean; rm -rf "$work"' EXIT

# What is not permitted here is a reason to skip, not a failure.
allowed() {
	ip netns add "$id-0" && ip -n "$id-0" link add eth0 type veth peer name eth1 && ip -n "$id-0" link add br0 type bridge &&
		tc -n "$id-0" qdisc add dev eth0 root tbf rate 1gbit burst 256kb latency 100ms
}
if ! why=$(allowed 2>&1); then
	echo "scaling_check: skipped: network namespaces, veth, bridges and tbf need root and the kernel's support: ${why//$'\n'/; }"
	exit 0
fi
clean

# The interface of rank r is eth0 of namespace $id-r. All are connected by a bridge, or by a program that delays frames.
connect() {
	local ranks=$1 rate=$2 latency=$3 r
	for ((r = 0; r < ranks; r++)); do ip netns add "$id-$r"; done
	if [ "$latency" = 0 ]; then
		ip netns add "$id-switch"
		ip -n "$id-switch" link add br0 type bridge
		ip -n "$id-switch" link set br0 up
		for ((r = 0; r < ranks; r++)); do
			ip -n "$id-switch" link add "v$r" type veth peer name eth0 netns "$id-$r"
			ip -n "$id-switch" link set "v$r" master br0 up
		done
	else
		[ -x "$work/delay" ] || (cd "$here/.." && go build -o "$work/delay" ./scripts/delay)
		: >"$work/ready"
		"$work/delay" "$latency" $(for ((r = 0; r < ranks; r++)); do echo "$id-$r"; done) >"$work/ready" &
		pids+=($!)
		for _ in $(seq 100); do grep -q ready "$work/ready" && break; sleep 0.1; done
		grep -q ready "$work/ready"
	fi
	for ((r = 0; r < ranks; r++)); do
		ip -n "$id-$r" link set lo up
		ip -n "$id-$r" link set eth0 address "02:00:00:00:00:0$((r + 1))"
		ip -n "$id-$r" link set eth0 mtu 9000 up
		ip -n "$id-$r" addr add "10.77.0.$((r + 1))/24" dev eth0
		[ "$rate" = 0 ] || tc -n "$id-$r" qdisc add dev eth0 root tbf rate "$rate" burst 256kb latency 200ms
	done
	[ "$latency" != 0 ] || for ((r = 0; r < ranks; r++)); do ip -n "$id-switch" link set "v$r" mtu 9000; done
}

measure() {
	local ranks=$1 r
	shift
	for ((r = ranks - 1; r >= 0; r--)); do
		ip netns exec "$id-$r" env RANK=$r WORLD_SIZE="$ranks" LOCAL_RANK=$r LOCAL_WORLD_SIZE="$ranks" MASTER_ADDR=10.77.0.1 MASTER_PORT=29400 \
			"$train" bench scaling --json "$@" >"$work/$r.json" 2>"$work/$r.log" &
		pids+=($!)
	done
	wait "${pids[-1]}" || { cat "$work"/*.log >&2; return 1; }
}

row() {
	python3 - "$1" "$work/0.json" <<'TEXT'
import json, sys
r = json.load(open(sys.argv[2]))
m = r["measured"]
p, l = m["predicted"], m["all_reduce"]["link"]
print("%-14s %9.0f %8.3f %9.1f %10.1f %10.1f %8.2f %8.0f %%" % (sys.argv[1], l["latency_us"], l["gbit_s"], r["profile"]["step_ms"], m["step_ms"],
      p["step_ms"], m["step_ms"] / p["step_ms"], 100 * m["load"]["others"]))
TEXT
}

printf '%-14s %9s %8s %9s %10s %10s %8s %10s\n' network "us" "Gbit/s" "alone ms" "measured" "predicted" "ratio" "disturbed"
status=0
for network in "${networks[@]}"; do
	IFS=: read -r ranks rate latency <<<"$network"
	connect "$ranks" "$rate" "$latency"
	if measure "$ranks" "$@"; then row "$network"; else status=1; fi
	clean
done
exit $status
