# Part d: from image files to the device. Sourced by gpu_check.sh.

d_sizes() {
	d_batch=256 d_size=224 d_copies=20 d_steps=60 d_epochs=3
	mapfile -t d_workers < <(printf '%s\n' 1 $((($(nproc) + 1) / 2)) "$(nproc)" | sort -nu)
	[ -z "$quick" ] || d_batch=8 d_size=64 d_copies=1 d_steps=20 d_epochs=1
}

# loader WORKERS FLAGS...: the loader alone.
loader() {
	local workers=$1 name code
	shift
	name="loader, $workers workers${1:+, $*}"
	limited 30 loader.log "$train" bench loader --data "$many" --resolution $d_size --batch-size $d_batch --workers "$workers" \
		--steps $d_steps --json "$@"
	code=$?
	outcome "$name" $code loader.log "$(value loader_img_s <"$out/loader.log" | rounded) img/s"
}

# trained_from NAME LOG FLAGS...: a training from image files: the speed of the last epoch, and what the program says limits it.
trained_from() {
	local name=$1 log=$2 run=$work/${2%.log} start=$SECONDS code
	shift 2
	limited 90 "$log" "$train" --data "$many" --recipe none --device "$device" --resolution $d_size --batch-size $d_batch \
		--epochs $d_epochs --seed 1 --progress plain --out "$run" "$@"
	code=$?
	outcome "$name" $code "$log" "$(last_epoch "$run"), $((SECONDS - start)) s in all; $(grep -ao 'the bottleneck is [^;]*' "$out/$log" | tail -n 1)"
}

# last_epoch RUN prints speed and waiting time of a run's last epoch.
last_epoch() {
	awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next } { speed = $column["images_per_second"]; wait = $column["data_wait_share"] }
		END { printf "%.0f img/s, %.1f %% of the time waiting for images", speed, 100 * wait }' "$1/metrics.csv" 2>/dev/null
}

part_d() {
	local workers
	d_sizes
	many=$work/images
	limited 60 images.log "$python" "$here/gpu/images.py" "$data" "$many" $d_copies
	outcome 'images' $? images.log "$(find "$many" -type f | wc -l) files in class folders, $(du -sm "$many" | cut -f1) MB"
	for workers in "${d_workers[@]}"; do loader "$workers"; done
	loader auto --decode fast
	trained_from 'train v1 from images' from-images.log
	limited 30 step.log "$train" bench step --data "$data" --device "$device" --resolution $d_size --batch-size $d_batch --json
	outcome 'bench step from shards' $? step.log "$(value train_img_s <"$out/step.log" | rounded) img/s"
	trained_from 'train v1 from images, --decode fast' from-images-fast.log --decode fast
}
