# Rows of the table, and commands within the time of a part. Sourced by gpu_check.sh.

# quoted prints its argument as a string of JSON.
quoted() {
	local text=${1//\\/\\\\}
	text=${text//\"/\\\"}
	text=${text//$'\t'/ }
	text=${text//$'\n'/; }
	printf '"%s"' "$(tr -d '\000-\037' <<<"$text")"
}

# row STATUS NAME TEXT [KEY VALUE]...: a line of rows.jsonl. The status is ok, failed, info (a measured value), or not run.
row() {
	local status=$1 name=$2 text=$3 line
	shift 3
	line="{\"part\":$(quoted "$part"),\"name\":$(quoted "$name"),\"status\":\"$status\",\"text\":$(quoted "$text")"
	while [ $# -gt 1 ]; do
		line+=",$(quoted "$1"):$2"
		shift 2
	done
	echo "$line}" >>"$out/rows.jsonl"
	printf '%-8s %-7s %s: %s\n' "$part" "$status" "$name" "$text"
}

# unavailable NAME ERROR: what a GPU must do and did not. Elsewhere it may be missing, such as a backend for GPUs.
unavailable() {
	if [ "$device" = cpu ]; then row info "$1" "not available: $2"; else row failed "$1" "not available: $2"; fi
}

# left prints the seconds that the part has left.
left() { echo $((began + part_limit - SECONDS)); }

# limited SECONDS LOG COMMAND...: runs it for as long at most, and within the part's time; output goes to LOG in $out.
# 124 or 137: it ran past the limit. 125: no time was left.
limited() {
	local seconds=$1 log=$out/$2
	shift 2
	[ "$(left)" -ge "$seconds" ] || seconds=$(left)
	[ "$seconds" -ge 3 ] || { echo "no time left" >>"$log"; return 125; }
	echo "\$ $*" >>"$log"
	timeout --kill-after=3 "$seconds" "$@" >>"$log" 2>&1
}

# outcome NAME CODE LOG [TEXT]: the row of a command that limited ran.
outcome() {
	case $2 in
	0) row ok "$1" "${4:-done}" ;;
	125) row 'not run' "$1" "the part's time was over" ;;
	124 | 137) row failed "$1" "ran past its limit; $3: $(last "$3")" ;;
	*) row failed "$1" "exit status $2; $3: $(last "$3")" ;;
	esac
}

# last prints the last line of a log that is an error, or else the last one.
last() {
	local line
	line=$(grep -aE '^(error:|--- FAIL|panic:|fatal)|Error' "$out/$1" | tail -n 1)
	[ -n "$line" ] || line=$(tail -n 1 "$out/$1")
	printf '%.300s' "$line"
}

# value NAME prints a number of the JSON on standard input, the last of that name.
value() { grep -ao "\"$1\": *-\?[0-9][0-9.e+-]*" | tail -n 1 | sed 's/.*: *//'; }

# rounded rounds the number on standard input.
rounded() { awk '{ printf "%.0f", $1 }'; }

# write_table writes the rows to table.txt, prints them, and sets the exit status.
write_table() {
	"$python" "$here/gpu/table.py" "$out/rows.jsonl" | tee "$out/table.txt"
	! grep -qE '"status":"(failed|not run)"' "$out/rows.jsonl"
}
