#!/bin/bash
# Evidence of a finding holds without us: the script in it and plain OpenSSL verify what both APIs gave, also after the log has gone; a
# changed file, a lying log, a proof that never came do not pass.
set -u
. "$(dirname "$0")/lib.sh"
need python3 openssl curl

# watch NAME: runs --once with the state NAME
watch() {
	local name=$1
	shift
	printf '{"state":"%s","log_lists":["%s"],"start":"beginning","listen":"none","contact":"https://ctwatch.test/interop"}\n' \
		"$tmp/$name" "$list" >"$tmp/$name.json"
	timeout 120 "$BUILD/ctwatch" run --once -c "$tmp/$name.json" "$@" >"$tmp/$name.out" 2>"$tmp/$name.err"
}

# id_of STATE DOMAIN [RULE]: the finding's id
id_of() {
	"$BUILD/ctwatch" findings --format jsonl -c "$tmp/$1.json" | python3 -c '
import json, sys
for line in sys.stdin:
    finding = json.loads(line)
    if finding["registrable_domain"] == sys.argv[1] and finding["rule"].startswith(sys.argv[2]):
        print(finding["id"])
        break' "$2" "${3:-}"
}

# evidence STATE ID DIRECTORY: sets `status`
evidence() {
	"$BUILD/ctwatch" findings evidence "$2" -o "$tmp/$3" -c "$tmp/$1.json" >"$tmp/$3.out" 2>"$tmp/$3.err"
	status=$?
}

# expect NAME GOT WANTED [WHY]
expect() {
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "want $3, got $2; ${4:-}"; fi
}

verify() {
	python3 "$tmp/$1/verify.py" "${@:2}" >"$tmp/$1.verify" 2>&1
	status=$?
}

# tampered NAME COMMAND...: a copy of the evidence, changed by the command inside it, with a fresh manifest, must not pass
tampered() {
	local name=$1
	shift
	rm -rf "$tmp/copy"
	cp -r "$tmp/$evidence" "$tmp/copy"
	(cd "$tmp/copy" && "$@" && find . -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs sha256sum >SHA256SUMS)
	verify copy
	expect "$evidence: $name is noticed, with a fresh manifest too" "$status" 1 "$(grep -v ^ok "$tmp/copy.verify" | head -3)"
}

# flip FILE [OFFSET]: one bit
flip() {
	python3 - "$1" "${2:--1}" <<'PYTHON'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[int(sys.argv[2])] ^= 1
open(sys.argv[1], "wb").write(data)
PYTHON
}

# edit FILE PYTHON: changes the JSON object `it`
edit() {
	python3 - "$1" "$2" <<'PYTHON'
import json, sys
it = json.load(open(sys.argv[1]))
exec(sys.argv[2])
json.dump(it, open(sys.argv[1], "w"))
PYTHON
}

# ---- both APIs; then the logs are gone ----------------------------------------------------------------------
cat >"$tmp/plant" <<'PLANT'
- E7 drive-globalordnance.com,www.drive-globalordnance.com
- E8 cija-docs.com
- R12 <script>alert(1)</script>.globalordnance-share.com,globalordnance-share.com
PLANT
for api in classic static; do
	fakelog_start --api $api --logs 1 --initial 1300 --plant "$tmp/plant" --plant-from 700
	watch $api
	expect "$api: ctwatch catches up" $? 0 "$(tail -3 "$tmp/$api.err")"
	cp "$list" "$tmp/$api.list"
	fakelog_stop
	evidence $api "$(id_of $api drive-globalordnance.com brand)" $api.evidence
	expect "$api: evidence is written after the log has gone" "$status" 0 "$(cat "$tmp/$api.evidence.err")"
	verify $api.evidence --log-list "$tmp/$api.list"
	expect "$api: and verifies" "$status" 0 "$(grep -v ^ok "$tmp/$api.evidence.verify")"
	if (cd "$tmp/$api.evidence" && sha256sum -c --quiet SHA256SUMS) >/dev/null 2>&1; then
		ok "$api: sha256sum reads the manifest"
	else
		not_ok "$api: sha256sum reads the manifest" "it does not"
	fi
	if (cd "$tmp/$api.evidence/sighting-1" && openssl dgst -sha256 -verify log-key.pem -signature head-signature.bin head-signed.bin &&
		openssl verify -partial_chain -ignore_critical -no_check_time -trusted chain-1.pem certificate.pem &&
		[ "$( (printf '\0'; cat leaf.bin) | openssl dgst -sha256 | sed 's/.* //')" = "$(python3 -c 'import json; print(json.load(open("facts.json"))["leaf_hash"])')" ]) \
		>"$tmp/by-hand" 2>&1; then
		ok "$api: the commands of the page hold"
	else
		not_ok "$api: the commands of the page hold" "$(cat "$tmp/by-hand")"
	fi
done

# ---- changed evidence ------------------------------------------------------------------------------------------
for evidence in classic.evidence static.evidence; do
	n=0
	for file in $(cd "$tmp/$evidence" && find . -type f ! -name SHA256SUMS ! -name verify.py -printf '%P\n'); do
		rm -rf "$tmp/copy"
		cp -r "$tmp/$evidence" "$tmp/copy"
		flip "$tmp/copy/$file" 10
		verify copy
		[ "$status" -eq 1 ] || not_ok "$evidence: a changed $file is noticed" "exit $status"
		n=$((n + 1))
	done
	ok "$evidence: a bit changed in any of $n files is noticed"
	head=$(cd "$tmp/$evidence/sighting-1" && ls head.json checkpoint.txt 2>/dev/null)
	tampered "a changed leaf" flip sighting-1/leaf.bin 5
	tampered "another certificate" flip sighting-1/certificate.der 400
	tampered "a changed signature of the authority" flip sighting-1/certificate.der
	tampered "another issuer" cp sighting-1/chain-2.der sighting-1/chain-1.der
	tampered "another text form" cp sighting-1/chain-2.pem sighting-1/chain-1.pem
	tampered "a changed head" flip "sighting-1/$head" 40
	tampered "another log key" flip sighting-1/log-key.der
	tampered "another log" edit sighting-1/facts.json 'it["log"]["id"] = "A" * 43 + "="'
	tampered "a changed proof" edit sighting-1/facts.json 'it["proof"]["audit_path"][3] = "00" * 32'
	tampered "a proof that is cut" edit sighting-1/facts.json 'it["proof"]["audit_path"].pop()'
	tampered "another index" edit sighting-1/facts.json 'it["proof"]["leaf_index"] += 1'
	tampered "another tree size" edit sighting-1/facts.json 'it["proof"]["tree_size"] += 1'
	tampered "another name" edit finding.json 'it["name"] = "example.com"'
	tampered "bytes for OpenSSL that are not the head's" flip sighting-1/head-signed.bin
	tampered "facts of another shape" edit sighting-1/facts.json 'it["proof"] = 7'
	rm -rf "$tmp/copy"
	cp -r "$tmp/$evidence" "$tmp/copy"
	echo more >"$tmp/copy/added"
	verify copy
	expect "$evidence: a file that was added is noticed" "$status" 1
	rm "$tmp/copy/added" "$tmp/copy/index.html"
	verify copy
	expect "$evidence: a file that was taken away is noticed" "$status" 1
	printf '{"operators":[]}' >"$tmp/empty.list"
	verify $evidence --log-list "$tmp/empty.list"
	expect "$evidence: a list that does not name the log is noticed" "$status" 1
done

# ---- hostile names -----------------------------------------------------------------------------------------------
evidence classic "$(id_of classic globalordnance-share.com brand)" hostile
page=$tmp/hostile/index.html
if [ -s "$page" ] && ! grep -q '<script' "$page"; then ok "no name becomes markup"; else not_ok "no name becomes markup" "$(grep -c '<script' "$page") scripts"; fi
verify hostile
expect "evidence with a hostile name verifies" "$status" 0 "$(grep -v ^ok "$tmp/hostile.verify")"
if command -v tidy >/dev/null; then
	expect "the page is valid HTML" "$(tidy -q -e "$page" 2>&1 | grep -vi 'proprietary')" ""
fi
evidence classic "$(id_of classic globalordnance-share.com brand)" hostile
expect "a directory that is there is left alone" "$status" 2 "$(cat "$tmp/hostile.err")"

# ---- logs that lie, refuse or hang: no proof, which is said; and later there is one ---------------------------------
for api in classic static; do
	[ $api = classic ] && kinds="wrong-proof hang,on=proof" || kinds="tile-hash status,at=404,on=tile"
	n=0
	for fault in $kinds; do
		n=$((n + 1))
		fakelog_start --api $api --logs 1 --initial 1300 --plant "$tmp/plant" --plant-from 700 --misbehave "$fault"
		began=$SECONDS
		watch "$api$n" --timeout 6s
		expect "$api, $fault: reading is not held up" $? 0 "$(tail -3 "$tmp/$api$n.err")"
		[ $((SECONDS - began)) -le 20 ] || not_ok "$api, $fault: the run ends soon" "after $((SECONDS - began)) s"
		id=$(id_of "$api$n" cija-docs.com brand)
		evidence "$api$n" "$id" "early$api$n"
		expect "$api, $fault: evidence without a proof says so" "$status" 1
		grep -q 'no inclusion proof yet' "$tmp/early$api$n.err" || not_ok "$api, $fault: in a sentence" "$(cat "$tmp/early$api$n.err")"
		verify "early$api$n"
		expect "$api, $fault: and is not complete" "$status" 2 "$(grep -v ^ok "$tmp/early$api$n.verify")"
		control "behave=all" >/dev/null
		watch "$api$n"
		evidence "$api$n" "$id" "late$api$n"
		verify "late$api$n"
		expect "$api, $fault: a later run gets the proof" "$status" 0 "$(grep -v ^ok "$tmp/late$api$n.verify" | head -3)"
		fakelog_stop
	done
done

# ---- partial tiles that were deleted; a scan that saves ---------------------------------------------------------------
fakelog_start --api static --logs 1 --initial 1300 --plant "$tmp/plant" --plant-from 1297 --misbehave partial-404
watch gone
evidence gone "$(id_of gone drive-globalordnance.com brand)" gone.evidence
verify gone.evidence
expect "an entry in the unfinished tile is proven" "$status" 0 "$(grep -v ^ok "$tmp/gone.evidence.verify")"
fakelog_stop
for api in classic static; do
	fakelog_start --api $api --logs 1 --initial 1300 --plant "$tmp/plant" --plant-from 700
	printf '{"state":"%s","log_lists":["%s"],"listen":"none","contact":"https://ctwatch.test/interop"}\n' "$tmp/scan-$api" "$list" >"$tmp/scan-$api.json"
	timeout 60 "$BUILD/ctwatch" scan --log "$base/log/0" --from 600 --to 800 --save -c "$tmp/scan-$api.json" >"$tmp/scan.out" 2>"$tmp/scan.err"
	evidence "scan-$api" "$(id_of "scan-$api" drive-globalordnance.com brand)" "scan-$api.evidence"
	verify "scan-$api.evidence"
	expect "$api: what a scan saves is proven too" "$status" 0 "$(grep -v ^ok "$tmp/scan-$api.evidence.verify" | head -3) $(tail -2 "$tmp/scan.err")"
	fakelog_stop
done

# ---- while it runs ------------------------------------------------------------------------------------------------------
fakelog_start --logs 2 --initial 700 --grow 20
printf '{"state":"%s","log_lists":["%s"],"start":"beginning","poll":"5s","listen":"none","contact":"https://ctwatch.test/interop"}\n' "$tmp/live" "$list" >"$tmp/live.json"
"$BUILD/ctwatch" run -c "$tmp/live.json" >"$tmp/live.out" 2>"$tmp/live.err" &
live=$!
pids+=("$live")
sleep 4
control "plant=drive-globalordnance.com" >/dev/null
has_proof() {
	local id
	id=$(id_of live drive-globalordnance.com brand)
	rm -rf "$tmp/live.evidence"
	[ -n "$id" ] && evidence live "$id" live.evidence && [ "$status" -eq 0 ] && verify live.evidence && [ "$status" -eq 0 ]
}
if wait_for 30 has_proof; then ok "a name that appears while it runs has its proof within half a minute"; else not_ok "a name that appears while it runs has its proof" "$(tail -3 "$tmp/live.err")"; fi
end "$live"
finish
