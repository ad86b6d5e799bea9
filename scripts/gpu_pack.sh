#!/usr/bin/env bash
# Packs what scripts/gpu_check.sh needs on a GPU machine without Go and without network: program, libraries, device tests,
# images, weights, scripts. See docs/gpu.md.
set -euo pipefail

usage() {
	cat <<'TEXT'
Usage: scripts/gpu_pack.sh [--data DIR] [--weights FILE] [--python PYTHON | --current] [--cache DIR] [--output FILE]

  --data DIR       images with train/CLASS/* and val/CLASS/* (default $DATA, or data)
  --weights FILE   MobileNet v1 to fine-tune: a file, a folder or the name of published weights
                   (default $WEIGHTS, or keras/mobilenet_1_0_224)
  --python PYTHON  Python whose PyTorch has CUDA, of the version on the GPU machine
                   (default $PYTHON, or .gpu/venv, which is created with torch==$TORCH, default 2.11.0)
  --current        pack the build for the libtorch that is set up here, without CUDA, to try the scripts on the CPU
  --cache DIR      folder for what set-up compiles (default $CACHE, or .gpu/cache)
  --max-side N     longer side of the packed images in pixels (default $MAX_SIDE, or 448: the random crops of fine-tuning
                   are then still larger than the input of 224)
  --limit MB       largest size of the bundle (default $LIMIT, or 60)
  --output FILE    the bundle (default $OUTPUT, or .gpu/bundle.tar.xz)
TEXT
}

data=${DATA:-data} weights=${WEIGHTS:-keras/mobilenet_1_0_224} python=${PYTHON:-} current='' cache=${CACHE:-.gpu/cache}
side=${MAX_SIDE:-448} limit=${LIMIT:-60} output=${OUTPUT:-.gpu/bundle.tar.xz} torch=${TORCH:-2.11.0}
while [ $# -gt 0 ]; do
	case $1 in
	--help | -h) usage; exit 0 ;;
	--current) current=1; shift; continue ;;
	--data | --weights | --python | --cache | --max-side | --limit | --output) ;;
	*) usage >&2; echo "gpu_pack: unknown option $1" >&2; exit 2 ;;
	esac
	[ $# -gt 1 ] || { echo "gpu_pack: $1 needs a value" >&2; exit 2; }
	case $1 in
	--data) data=$2 ;;
	--weights) weights=$2 ;;
	--python) python=$2 ;;
	--cache) cache=$2 ;;
	--max-side) side=$2 ;;
	--limit) limit=$2 ;;
	--output) output=$2 ;;
	esac
	shift 2
done

fail() { echo "gpu_pack: $*" >&2; exit 1; }
step() { echo "gpu_pack: $*" >&2; }
megabytes() { awk -v bytes="$(wc -c <"$1")" 'BEGIN { printf "%.1f MB", bytes / 1e6 }'; }

# Paths are those of the folder that the script was called in; the rest happens in the repository.
data=$(realpath -m "$data") cache=$(realpath -m "$cache") output=$(realpath -m "$output")
[ ! -e "$weights" ] || weights=$(realpath "$weights")
[ -z "$python" ] || python=$(command -v "$python") || fail "there is no program $python; --python names a Python whose PyTorch has CUDA"
[ -z "$python" ] || python=$(realpath -s "$python")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
for part in train val; do
	[ -d "$data/$part" ] || fail "$data has no folder $part; --data names a folder with train/CLASS/* and val/CLASS/*"
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bundle=$work/bundle
mkdir -p "$bundle/bin" "$bundle/lib" "$(dirname "$output")"

# environment finds or creates the Python whose PyTorch is linked, and makes set-up use it.
environment() {
	if [ -z "$python" ]; then
		python=$root/.gpu/venv/bin/python
		if [ ! -x "$python" ]; then
			step "creating .gpu/venv with torch $torch: downloads 3 GB, needs 7 GB"
			python3 -m venv "$root/.gpu/venv"
			"$python" -m pip install --quiet --disable-pip-version-check "torch==$torch" numpy
		fi
	fi
	"$python" -c 'import torch, sys; sys.exit(torch.version.cuda is None)' ||
		fail "$python has no PyTorch with CUDA: pip install torch==$torch, or --current to pack for the CPU"
	mkdir -p "$work/path" "$cache"
	# Set-up asks the python3 on PATH. A link would not find the packages of a virtual environment.
	printf '#!/bin/sh\nexec %q "$@"\n' "$python" >"$work/path/python3"
	chmod +x "$work/path/python3"
	export PATH="$work/path:$PATH" LIBTORCH_USE_PYTORCH=1 XDG_CACHE_HOME="$cache"
}

# copied copies the checkout to build there: set-up writes files beside the sources.
copied() {
	mkdir "$work/tree"
	git ls-files -z --cached --others --exclude-standard | tar c --null --files-from - | tar x -C "$work/tree"
	cd "$work/tree"
}

if [ -z "$current" ]; then
	environment
	copied
	step "set-up for $("$python" -c 'import torch; print("PyTorch", torch.__version__)'), in $cache"
fi
go run ./cmd/setup
step "compiling the program and the device tests"
go build -trimpath -ldflags='-s -w' -o "$bundle/bin/train" ./cmd/train
go test -c -trimpath -ldflags='-s -w' -o "$bundle/bin/device.test" ./diagnose/devicetest

# Libraries: all but those of libtorch and CUDA, which PyTorch brings there, and those of the C and C++ compilers.
compiler='^(linux-vdso|ld-linux.*|lib(c|m|dl|rt|util|pthread|stdc\+\+|gcc_s|gomp))\.so'
ldd "$bundle/bin/train" >"$work/ldd"
missing=$(awk '/not found/ { print $1 }' "$work/ldd")
[ -z "$missing" ] || fail "the program needs $(echo $missing), which the dynamic loader does not find"
awk '$2 == "=>" { print $1, $3 }' "$work/ldd" | while read -r name path; do
	case $path in */torch/lib/* | */nvidia/* | */libtorch-*/lib/*) continue ;; esac
	[[ $name =~ $compiler ]] || cp -L "$path" "$bundle/lib/$name"
done
strip -s "$bundle"/lib/*.so*

if [ -n "$current" ]; then
	echo "torch=none" >"$bundle/bundle.env" # the program finds the libtorch of this machine by its run path
else
	echo "torch=$("$python" -c 'import torch; print(torch.__version__.split("+")[0])')" >"$bundle/bundle.env"
fi

# trace compiles the library that records kernels, with the headers of CUDA that set-up uses. Without it part c has no trace.
trace() {
	local cuda headers
	cuda=$("$python" -c 'import os, torch; print(os.path.dirname(os.path.dirname(torch.__file__)))')/nvidia
	cuda=$(dirname "$(find "$cuda" -name cupti_activity.h | head -n 1)")
	headers=$(find "$cache/depthwise" -path '*/include/crt/host_defines.h' 2>/dev/null | head -n 1)
	g++ -std=c++20 -O2 -Wall -fPIC -shared -I"$cuda" ${headers:+-I"${headers%/crt/host_defines.h}"} -x c++ "$root/autograd/native/cuda/trace.h" \
		-x none -o "$bundle/lib/libtrace.so" "$(find "$(dirname "$cuda")" -name 'libcupti.so.1*' | head -n 1)"
}
[ -n "$current" ] || trace 2>"$work/trace.log" || step "no trace of kernels: $(grep -m1 error "$work/trace.log")"
cd "$root"
echo "commit=$(git describe --always --dirty 2>/dev/null || echo unknown)" >>"$bundle/bundle.env"

# The program just built makes the data; it runs here on the CPU.
step "images of $data, longer side at most $side"
"$bundle/bin/train" data shard "$data" "$bundle/data" --max-side "$side" --quality 80 --per-shard 250
step "weights $weights"
"$bundle/bin/train" export --weights "$weights" --output "$bundle/weights.safetensors"
mkdir "$bundle/scripts"
cp -r scripts/gpu scripts/gpu_check.sh scripts/gpu_peer.py "$bundle/scripts/"

tar c -C "$bundle" . | xz -6 -T0 >"$output.part"
mv "$output.part" "$output"
for f in "$bundle/bin/train" "$bundle/bin/device.test" "$bundle/weights.safetensors"; do step "$(megabytes "$f") $(basename "$f")"; done
step "$(du -sm "$bundle/data" | cut -f1) MB images, libraries: $(ls "$bundle/lib" | tr '\n' ' ')"
size=$(wc -c <"$output")
[ "$size" -le $((limit * 1000000)) ] || fail "$output has $(megabytes "$output"), more than $limit: pack fewer or smaller images (--max-side)"
step "wrote $output, $(megabytes "$output")"
