#!/bin/bash
# Debian's certspotter, a reader that is not ours, follows the fake log's RFC 6962 side without complaint, also while it
# grows and cuts its pages short - and does complain when an entry is tampered with.
set -u
. "$(dirname "$0")/lib.sh"
need certspotter curl python3

printf '.drive-globalordnance.com\n.cija-docs.com\n' >"$tmp/watchlist"

# spot STATE SECONDS: follow the list for a while
spot() {
	timeout "$2" certspotter -logs "$list" -state_dir "$tmp/$1" -watchlist "$tmp/watchlist" -stdout >>"$tmp/$1.out" 2>>"$tmp/$1.err"
}

# verified STATE: smallest verified size of all logs
verified() {
	python3 - "$tmp/$1" <<'PYTHON'
import glob, json, sys
print(min([json.load(open(path))["verified_position"]["size"] for path in glob.glob(sys.argv[1] + "/logs/*/state.json")] or [0]))
PYTHON
}

expect() {
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "want $3, got $2"; fi
}

fakelog_start --api classic --logs 2 --initial 1500 --page 64 --align --plant "$root/tests/fakelog/demo.plant"
spot state 5
expect "certspotter verifies two logs of 1500 entries" "$(verified state)" 1500
expect "certspotter finds what was planted: the precertificate, and the certificate of each log" \
	"$(grep -c 'DNS Name = drive-globalordnance.com' "$tmp/state.out")" 3
control "grow=701&misbehave=short-pages,at=3,every=7" >/dev/null
spot state 5
expect "certspotter follows growth and short pages" "$(verified state)" 2201
expect "certspotter complains of nothing" "$(cat "$tmp/state.err")" ""
expect "certspotter finds no malformed entry" "$(find "$tmp/state" -path '*malformed_entries/*' | wc -l)" 0
control "misbehave=tampered-entry,at=2300&grow=500" >/dev/null
spot state 5
expect "certspotter does not verify a tampered entry" "$(verified state)" 2201
finish
