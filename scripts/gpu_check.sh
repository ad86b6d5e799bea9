#!/usr/bin/env bash
# Checks and measures everything on a GPU machine without Go and without network, from the bundle of scripts/gpu_pack.sh.
# See docs/gpu.md.
set -uo pipefail

usage() {
	cat <<'TEXT'
Usage: scripts/gpu_check.sh a|b|c|d|all ...

  a    device tests; training is killed and resumed; a batch that does not fit into memory
  b    real weights fine-tuned on photographs, killed and resumed, exported, compared with the CPU
  c    speed of training steps and inference beside PyTorch
  d    speed of the loader, and of training from images
  all  a b c d

Environment:
  OUT         folder for the results: rows.jsonl, table.txt, a log for each command (default: a new one, which is printed)
  BUNDLE      the bundle, an archive or a folder (default: that which the script is in, or .gpu/bundle.tar.xz)
  DEVICE      cuda, cuda:N or cpu (default cuda)
  PYTHON      Python with the PyTorch that the bundle was made for; its other packages are optional (default python3)
  PEERS       none: part c without PyTorch; eager: without torch.compile
  QUICK       1: small networks and few steps, to run every check on a CPU
  PART_LIMIT  seconds for each part (default 175)
  LIMITS      seconds for some parts, such as "a=90 c=150"

The exit status is 1 if a row failed or was not reached.
TEXT
}

device=${DEVICE:-cuda} python=${PYTHON:-python3} quick=${QUICK:-} part_limit=${PART_LIMIT:-175}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
parts=()
for argument in "$@"; do
	case $argument in
	a | b | c | d) parts+=("$argument") ;;
	all) parts+=(a b c d) ;;
	--help | -h) usage; exit 0 ;;
	*) usage >&2; echo "gpu_check: unknown part $argument" >&2; exit 2 ;;
	esac
done
[ ${#parts[@]} -gt 0 ] || { usage >&2; echo "gpu_check: no part is named" >&2; exit 2; }

work=$(mktemp -d)
out=${OUT:-$(mktemp -d)}
mkdir -p "$out" && out=$(cd "$out" && pwd) || exit 1
source "$here/gpu/rows.sh"
source "$here/gpu/servers.sh"
source "$here/gpu/bundle.sh"
source "$here/gpu/runs.sh"
for part in a b c d; do source "$here/gpu/part_$part.sh"; done
trap 'stop_servers; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

: >"$out/rows.jsonl"
open_bundle
echo "results in $out"
part=machine
describe_machine
for part in "${parts[@]}"; do
	began=$SECONDS part_limit=$(tr ' ' '\n' <<<"${LIMITS:-}" | sed -n "s/^$part=\([0-9]\+\)\$/\1/p")
	part_limit=${part_limit:-${PART_LIMIT:-175}}
	"part_$part"
	stop_servers
	row info "part $part" "$((SECONDS - began)) s"
done
write_table
