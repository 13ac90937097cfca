#!/bin/bash
# The fake log is what it claims to be: an outsider's program recomputes all of it, twice, at sizes that cross tile borders.
set -u
. "$(dirname "$0")/lib.sh"
need python3 openssl curl

check() {
	local name=$1
	shift
	fakelog_start "$@"
	if python3 "$here/check_fakelog.py" "$list" >"$tmp/check.out" 2>&1; then
		ok "$name"
	else
		not_ok "$name" "$(tail -3 "$tmp/check.out")"
	fi
	if fakelog_stop; then ok "$name, and stops cleanly"; else not_ok "$name, and stops cleanly" "$(tail -5 "$tmp/fakelog.err")"; fi
}

check "really signed logs of 300 entries agree with an independent reader" --logs 2 --initial 300
check "a log of one entry" --logs 2 --initial 1
check "a log whose size is a full tile" --logs 2 --initial 512 --page 100 --align
check "planted names in several logs" --logs 2 --same --initial 777 --plant "$here/../../tests/fakelog/demo.plant"

openssl genrsa -out "$tmp/list.key" 2048 2>/dev/null
openssl rsa -in "$tmp/list.key" -pubout -out "$tmp/list.pub" 2>/dev/null
fakelog_start --list-key "$tmp/list.key" --initial 5
if openssl dgst -sha256 -verify "$tmp/list.pub" -signature "$tmp/log_list.sig" "$list" >/dev/null; then
	ok "the log list is signed"
else
	not_ok "the log list is signed" "openssl refuses it"
fi
curl -sS "$base/log/0/checkpoint" >"$tmp/before"
control "grow=300" >/dev/null
curl -sS "$base/log/0/checkpoint" >"$tmp/after"
if [ "$(sed -n 2p "$tmp/before"):$(sed -n 2p "$tmp/after")" = 5:305 ]; then
	ok "it grows on demand"
else
	not_ok "it grows on demand" "$(sed -n 2p "$tmp/after")"
fi
if [ "$(curl -s -o /dev/null -w '%{http_code}' "$base/log/0/tile/0/001.p/48")" = 404 ]; then
	ok "a partial tile that no head demanded is not served"
else
	not_ok "a partial tile that no head demanded is not served" "it is"
fi
fakelog_stop

fakelog_start --logs 2 --initial 20
control "log=1&grow=30" >/dev/null
control "plant=planted.example.org,www.planted.example.org&issuer=R12&grow=40" >/dev/null
curl -sS "$base/log/0/ct/v1/get-entries?start=50&end=50" | python3 -c '
import base64, json, sys
sys.exit(b"www.planted.example.org" not in base64.b64decode(json.load(sys.stdin)["entries"][0]["leaf_input"]))'
planted=$?
if [ $planted -eq 0 ] && python3 "$here/check_fakelog.py" "$list" >"$tmp/check.out" 2>&1; then
	ok "names planted while it runs go into the tree of logs of different sizes"
else
	not_ok "names planted while it runs go into the tree of logs of different sizes" "$(tail -3 "$tmp/check.out")"
fi
fakelog_stop

fakelog_start --seed 7 --start 2026-11-22T08:00:00Z --initial 50 --port 0
curl -sS "$base/log/0/ct/v1/get-entries?start=0&end=49" | sha256sum >"$tmp/one"
fakelog_stop
fakelog_start --seed 7 --start 2026-11-22T08:00:00Z --initial 50 --port 0
curl -sS "$base/log/0/ct/v1/get-entries?start=0&end=49" | sha256sum >"$tmp/two"
fakelog_stop
if cmp -s "$tmp/one" "$tmp/two"; then ok "the same seed gives the same bytes"; else not_ok "the same seed gives the same bytes" "differs"; fi
finish
