#!/bin/bash
# Exports, read by programs that are not ours: parsers of Suricata rules and tshark, named-checkzone and a running Unbound, the STIX 2.1
# validator, the MISP library. Suricata itself is not in Debian 12 and loads the rules only where it is installed.
set -u
. "$(dirname "$0")/report_lib.sh"
need python3 named-checkzone unbound tshark curl
validators
real_state

reader=$here/check_export.py
mkdir "$tmp/out"

# export NAME OPTION...: to $tmp/out/NAME
export_to() {
	ct export -o "$tmp/out/$1" "${@:2}" 2>>"$tmp/export.err" || { not_ok "export $1" "$(tail -1 "$tmp/export.err")"; }
}

# ---- Suricata
export_to found.rules --format suricata
sleep 0.02
export_to again.rules --format suricata
export_to all.rules --format suricata --with-published
check "two parsers of others read the rules alike" "$python" "$reader" rules "$tmp/out/found.rules" 100
check "and those with what was published" "$python" "$reader" rules "$tmp/out/all.rules" 150
check "their conditions hold for what tshark reads in a query and a TLS hello, and for no neighbour" \
	"$python" "$reader" capture "$tmp/out/all.rules" "$tmp/hello.pcap"
check "a second export has the same sids and revisions" cmp <(grep -v '^#' "$tmp/out/found.rules") <(grep -v '^#' "$tmp/out/again.rules")
export_to drop.rules --format suricata --action drop --sid-base 7000000
check "drop rules are understood too, from another range" "$python" "$reader" rules "$tmp/out/drop.rules" 100
check "and drop only what was confirmed" test "$(grep -c '^drop' "$tmp/out/drop.rules")" -eq "$(grep -c 'ctwatch_status confirmed' "$tmp/out/drop.rules")"
if command -v suricata >/dev/null; then
	check "Suricata loads them" suricata -T -l "$tmp" -S "$tmp/out/all.rules"
fi

# ---- block lists
for what in confirmed unconfirmed published; do
	options=()
	[ $what = confirmed ] || options+=(--unconfirmed)
	[ $what != published ] || options+=(--with-published)
	export_to $what.zone --format rpz "${options[@]}"
	export_to $what.hosts --format hosts "${options[@]}"
	check "named-checkzone loads the policy zone ($what)" named-checkzone -q rpz.ctwatch.local "$tmp/out/$what.zone"
	check "the hosts file has each name once ($what)" "$python" "$reader" hosts "$tmp/out/$what.hosts"
done
check "unconfirmed names are in no block list unless asked for" test "$(grep -c '^0' "$tmp/out/confirmed.hosts")" -lt "$(grep -c '^0' "$tmp/out/unconfirmed.hosts")"

port=$("$python" -c '
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
    free.bind(("127.0.0.1", 0))
    print(free.getsockname()[1])')
cat >"$tmp/unbound.conf" <<CONF
server:
    interface: 127.0.0.1@$port
    module-config: "respip iterator"
    do-daemonize: no
    use-syslog: no
    chroot: ""
    username: ""
    directory: "$tmp"
    pidfile: ""
    do-ip6: no
    local-zone: "open.example." static
    local-data: "open.example. A 192.0.2.80"
remote-control:
    control-enable: no
rpz:
    name: rpz.ctwatch.local
    zonefile: $tmp/out/published.zone
CONF
unbound -c "$tmp/unbound.conf" >"$tmp/unbound.out" 2>&1 &
pids+=("$!")
answers() { "$python" -c "import sys; sys.path.insert(0, '$here'); import check_export; check_export.ask($port, 'open.example')"; }
wait_for 10 answers
check "a running Unbound answers by the policy zone" "$python" "$reader" resolver "$port" "$tmp/out/published.zone"

# ---- STIX, MISP
export_to found.stix --format stix --tlp green
check "the STIX 2.1 validator finds nothing wrong, and confirmed names alone are tied to the group" "$python" "$reader" stix "$tmp/out/found.stix" 1
export_to published.stix --format stix --with-published
check "nor with what was published" "$python" "$reader" stix "$tmp/out/published.stix" 1
export_to new.stix --format stix --status new
check "what nobody confirmed is tied to no group" "$python" "$reader" stix "$tmp/out/new.stix" 0
sleep 0.02
ct findings confirm "$("$python" -c '
import json, sys
print([f["id"] for f in map(json.loads, open(sys.argv[1])) if f["kind"] == "naming"][-1])' "$tmp/findings.jsonl")" >/dev/null
export_to later.stix --format stix --tlp green
check "a later bundle updates the objects of an earlier one" "$python" "$reader" stix-again "$tmp/out/found.stix" "$tmp/out/later.stix"
export_to found.misp --format misp
check "the MISP library reads the event; to_ids is set for what was confirmed" "$python" "$reader" misp "$tmp/out/found.misp"
export_to published.misp --format misp --with-published --tlp clear
check "and with what was published" "$python" "$reader" misp "$tmp/out/published.misp"

# ---- CSV, and hostile content
export_to found.csv --format csv
check "another reader finds rows of one length and no formula in the CSV" "$python" "$here/check_report.py" csv "$tmp/out/found.csv"
"$BUILD/tests/fill-state" "$tmp/hostile" hostile || exit 1
echo "{\"state\": \"$tmp/hostile\"}" >"$tmp/hostile.json"
for format in suricata rpz hosts stix misp csv; do
	"$BUILD/ctwatch" export -c "$tmp/hostile.json" --format $format --unconfirmed --with-published --expire 3650d -o "$tmp/out/hostile.$format" 2>>"$tmp/export.err"
done
mv "$tmp/out/hostile.stix" "$tmp/out/hostile.stix.json"
check "rules of a hostile state are rules" "$python" "$reader" rules "$tmp/out/hostile.suricata" 100
check "its zone is a zone" named-checkzone -q rpz.ctwatch.local "$tmp/out/hostile.rpz"
check "its hosts file is one" "$python" "$reader" hosts "$tmp/out/hostile.hosts"
check "its CSV is a table" "$python" "$here/check_report.py" csv "$tmp/out/hostile.csv"
check "its MISP event is one" "$python" -c 'import sys, pymisp; e = pymisp.MISPEvent(); e.load_file(sys.argv[1]); assert len(e.attributes) == 76' "$tmp/out/hostile.misp"
check "its STIX bundle is valid" "$venv/bin/stix2_validator" -q "$tmp/out/hostile.stix.json"

check "a format that does not exist is refused" test "$(ct export --format snort 2>/dev/null; echo $?)" = 2
for format in suricata rpz hosts stix misp csv; do
	check "an empty $format is a valid file: exit status 0, so that what was dismissed is taken back" \
		test "$(ct export --format $format --min-score 100 --brand nobody 2>/dev/null >&2; echo $?)" = 0
done
finish
