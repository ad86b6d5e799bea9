# The bundle and the machine. Sourced by gpu_check.sh.

# open_bundle unpacks the bundle and sets bundle, train and the loader's path.
open_bundle() {
	local source=${BUNDLE:-}
	if [ -z "$source" ]; then
		source=$here/../.gpu/bundle.tar.xz
		[ ! -e "$here/../bundle.env" ] || source=$here/..
	fi
	if [ -d "$source" ]; then
		bundle=$(cd "$source" && pwd)
	elif [ -f "$source" ]; then
		bundle=$work/bundle
		"$python" -m tarfile -e "$source" "$bundle" || { echo "gpu_check: $source cannot be unpacked" >&2; exit 1; }
	else
		echo "gpu_check: there is no bundle $source; make one: scripts/gpu_pack.sh" >&2
		exit 1
	fi
	chmod +x "$bundle"/bin/*
	train=$bundle/bin/train data=$bundle/data weights=$bundle/weights.safetensors
	use_libraries
	cd "$work" || exit 1
}

# use_libraries lets the loader find the libraries of the bundle, and for a bundle with CUDA those of Python's PyTorch.
use_libraries() {
	local want torch have
	want=$(sed -n 's/^torch=//p' "$bundle/bundle.env")
	libraries=$bundle/lib
	if [ "$want" != none ]; then
		torch=$("$python" -c 'import torch, os; print(os.path.dirname(torch.__file__), torch.__version__.split("+")[0])') ||
			{ echo "gpu_check: $python has no PyTorch; PYTHON names one with torch $want" >&2; exit 1; }
		have=${torch##* } torch=${torch% *}
		[ "$have" = "$want" ] || { echo "gpu_check: $python has PyTorch $have, the bundle was made for $want: pack again with that version" >&2; exit 1; }
		libraries+=:$torch/lib:$(find "$torch/../nvidia" -maxdepth 2 -name lib -type d 2>/dev/null | paste -sd :)
	fi
	export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}

describe_machine() {
	began=$SECONDS
	row info bundle "$(paste -sd ' ' "$bundle/bundle.env")"
	row info processor "$(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)"
	if [ "$device" != cpu ]; then
		row info gpu "$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>&1 | paste -sd ';')"
	fi
	limited 60 version.log "$train" version
	outcome 'train version' $? version.log "$(grep -v '^\$' "$out/version.log" | paste -sd ';')"
}
