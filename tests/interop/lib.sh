# shellcheck shell=bash
# What the interop scripts share: a directory that goes away, processes that are ended by their id, a fake log, one line per case.
#
# A script sources this, calls `ok NAME` or `not_ok NAME WHY` for each case, and ends with `finish`.
# BUILD names the build directory (build); KEEP=1 keeps the working directory.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
BUILD=${BUILD:-$root/build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}

# the environment stands over the configuration file
for variable in ${!CTWATCH_@}; do unset "$variable"; done

tmp=$(mktemp -d "${TMPDIR:-/tmp}/ctwatch-interop.XXXXXX")
pids=()
n_passed=0
n_failed=0

cleanup() {
	local pid
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	if [ -z "${KEEP:-}" ]; then rm -rf "$tmp"; else echo "kept: $tmp"; fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

ok() {
	n_passed=$((n_passed + 1))
	echo "ok $1"
}

not_ok() {
	n_failed=$((n_failed + 1))
	echo "not ok $1: $2"
}

skip_all() {
	echo "skipped: $1"
	echo "# 0 passed, 0 failed"
	exit 0
}

finish() {
	echo "# $n_passed passed, $n_failed failed"
	[ "$n_failed" -eq 0 ]
}

# need PROGRAM...: the whole script is skipped where one is missing
need() {
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || skip_all "$program is not installed"
	done
}

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
	local tries=$(($1 * 20))
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.05
	done
}

# fakelog_start OPTION...: sets `base` (its URL), `list` (path of the log list) and `fakelog_pid`
fakelog_start() {
	rm -f "$tmp/ready"
	list=$tmp/log_list.json
	"$BUILD/tests/fakelog" --ready-file "$tmp/ready" --list "$list" "$@" >"$tmp/fakelog.out" 2>"$tmp/fakelog.err" &
	fakelog_pid=$!
	pids+=("$fakelog_pid")
	if ! wait_for 60 test -s "$tmp/ready"; then
		echo "the fake log does not start: $(cat "$tmp/fakelog.err")" >&2
		exit 1
	fi
	base=$(cat "$tmp/ready")
}

# end PID: asks it to stop and waits; returns its exit status
end() {
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

fakelog_stop() {
	end "$fakelog_pid"
}

# control QUERY: POST /control
control() {
	curl -sS -f -X POST "$base/control?$1"
}
