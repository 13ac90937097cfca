# shellcheck shell=bash
# What report.sh and export.sh share: validators from PyPI in an environment of their own, and a state that the daemon itself filled.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

venv=$BUILD/report-venv
python=$venv/bin/python3

# validators: what others wrote to read what we write; kept in the build directory between runs
validators() {
	local wanted="stix2-validator==3.3.2 pymisp==2.5.34.4 suricataparser==1.0.0 idstools==0.6.5 jsonschema==4.26.0"
	[ "$(cat "$venv/wanted" 2>/dev/null)" != "$wanted" ] || return 0
	rm -rf "$venv"
	# shellcheck disable=SC2086 # one word a package
	if ! python3 -m venv "$venv" >"$tmp/venv" 2>&1 || ! "$venv/bin/pip" install -q --disable-pip-version-check $wanted >>"$tmp/venv" 2>&1; then
		tail -3 "$tmp/venv" >&2
		skip_all "the validators cannot be installed"
	fi
	echo "$wanted" >"$venv/wanted"
}

# ct COMMAND...: ctwatch with the state of these tests
ct() {
	"$BUILD/ctwatch" "$1" -c "$tmp/ctwatch.json" "${@:2}"
}

# a state as the daemon leaves it: published names, names built like them, look-alikes; three findings confirmed, two dismissed
real_state() {
	fakelog_start --logs 2 --initial 700 --plant "$root/tests/fakelog/demo.plant" --plant-from 20 --plant-every 15
	cat >"$tmp/ctwatch.json" <<JSON
{"state": "$tmp/state", "log_lists": ["$list"], "start": "beginning", "listen": "none", "contact": "https://ctwatch.test/", "timezone": "Europe/Berlin",
 "alerts": []}
JSON
	ct run --once >/dev/null 2>"$tmp/run.err" || { cat "$tmp/run.err" >&2; exit 1; }
	fakelog_stop
	ct findings list --format jsonl >"$tmp/findings.jsonl"
	local id n=0
	while read -r id; do
		n=$((n + 1))
		case $n in
		1 | 2 | 3) ct findings confirm "$id" >/dev/null ;;
		4 | 5) ct findings dismiss "$id" --why 'ours: <b>the</b> | shop' >/dev/null ;;
		esac
	done < <("$python" -c '
import json, sys
# one of every kind first: what follows depends on it
seen, first, rest = set(), [], []
for line in open(sys.argv[1]):
    finding = json.loads(line)
    (rest if finding["kind"] in seen else first).append(finding["id"])
    seen.add(finding["kind"])
print("\n".join(first + rest))' "$tmp/findings.jsonl")
}

# case NAME COMMAND...: a line for it
check() {
	local name=$1
	shift
	if "$@" >"$tmp/check.out" 2>&1; then ok "$name"; else not_ok "$name" "$(tail -5 "$tmp/check.out" | tr '\n' ' ')"; fi
}
