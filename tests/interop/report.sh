#!/bin/bash
# The report, read by readers that are not ours: a JSON Schema validator, tidy, Python's readers of HTML and CSV - of a state that the
# daemon filled, of an empty one, of a hostile one, and of a year with 6 000 findings. And the daemon that makes it by itself.
set -u
. "$(dirname "$0")/report_lib.sh"
need python3 tidy sqlite3 curl
validators
real_state

reader=$here/check_report.py
mkdir "$tmp/out"

# at STATE OPTION...: a configuration for another state
at() {
	echo "{\"state\": \"$tmp/$1\"}" >"$tmp/$1.json"
	"$BUILD/ctwatch" report -c "$tmp/$1.json" "${@:2}"
}

"$BUILD/tests/fill-state" "$tmp/year" 6000 2 365 && "$BUILD/tests/fill-state" "$tmp/hostile" hostile && "$BUILD/tests/fill-state" "$tmp/empty" 0 0 1 || exit 1
for format in html md csv json; do
	ct report --since 7d -f "$format" -o "$tmp/out/real.$format" || exit 1
	at year --since 2025-11-22 --until 2026-11-22T08:00:00Z -f "$format" -o "$tmp/out/year.$format" || exit 1
	at hostile --week 2026-W47 -f "$format" -o "$tmp/out/hostile.$format" || exit 1
	at empty --week 2026-W10 -f "$format" -o "$tmp/out/empty.$format" || exit 1
done

for state in real year hostile empty; do
	check "the JSON of a $state state follows docs/report.schema.json" "$python" "$reader" schema "$root/docs/report.schema.json" "$tmp/out/$state.json"
	check "tidy finds nothing to say about the page of a $state state" test -z "$(tidy -q -e "$tmp/out/$state.html" 2>&1)"
	check "another reader finds no script, no address to fetch and headings in order in the page of a $state state" \
		"$python" "$reader" html "$tmp/out/$state.html"
done
for state in real year hostile; do
	check "another reader finds rows of one length and no formula in the CSV of a $state state" "$python" "$reader" csv "$tmp/out/$state.csv"
done
check "the page of a year is no larger than a readable one" test "$(stat -c %s "$tmp/out/year.html")" -lt 300000
check "the CSV of a year has every flagged finding" \
	test "$(wc -l <"$tmp/out/year.csv")" -eq "$(($(sqlite3 "$tmp/year/ctwatch.db" 'SELECT COUNT(*) FROM finding WHERE flagged') + 1))"

# the same state, range and generation time
for format in html md csv json; do
	for run in 1 2; do
		ct report --since 2026-01-01 --until 2030-01-01 --generated 2030-01-02T00:00:00Z -f "$format" -o "$tmp/out/again.$run"
		sleep 0.02
	done
	check "the same state, range and time give the same $format" cmp "$tmp/out/again.1" "$tmp/out/again.2"
done

# a style sheet and a logo of the user's; neither may fetch anything
echo 'body { color: teal }' >"$tmp/own.css"
echo '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10"/></svg>' >"$tmp/logo.svg"
ct report --since 7d --css "$tmp/own.css" --logo "$tmp/logo.svg" -o "$tmp/out/own.html"
check "a user's style sheet and logo are in the page" grep -q 'teal' "$tmp/out/own.html"
check "tidy finds nothing to say about it" test -z "$(tidy -q -e "$tmp/out/own.html" 2>&1)"
echo '@import url(https://x.example/y.css);' >"$tmp/bad.css"
ct report --since 7d --css "$tmp/bad.css" -o "$tmp/out/bad.html" 2>"$tmp/err"
check "a style sheet that fetches is refused" test $? -eq 2 -a ! -e "$tmp/out/bad.html"

# the daemon makes the report of the last week by itself, also one that was missed, once
"$python" "$reader" take-mail "$tmp/smtp" "$tmp/mail" &
pids+=("$!")
wait_for 10 test -s "$tmp/smtp"
python3 - "$tmp/ctwatch.json" "$tmp/out" "$tmp/smtp" <<'PYTHON'
import json, sys
config = json.load(open(sys.argv[1]))
config.update(report={"weekday": "monday", "time": "00:00", "formats": ["html", "json"], "directory": sys.argv[2] + "/made"}, timezone="UTC",
              log_lists=[], alerts=[{"type": "stdout", "name": "out", "events": ["report.ready"]},
                                    {"type": "mail", "server": "127.0.0.1:" + open(sys.argv[3]).read(), "tls": "none", "from": "ctwatch@soc.example",
                                     "to": ["soc@soc.example"], "events": ["finding"]}])
config["report"]["mail"] = ["head@board.example", "press@board.example"]
json.dump(config, open(sys.argv[1], "w"))
PYTHON
sqlite3 "$tmp/state/ctwatch.db" "INSERT OR REPLACE INTO fact VALUES ('report/last', '2026-W01')"
week=$(date -u -d '7 days ago' +%G-W%V)
"$BUILD/ctwatch" run -c "$tmp/ctwatch.json" >"$tmp/daemon.out" 2>"$tmp/daemon.err" &
daemon=$!
pids+=("$daemon")
wait_for 30 grep -q report.ready "$tmp/daemon.out"
check "a report that was missed is made at the start" test -s "$tmp/out/made/ctwatch-$week.html" -a -s "$tmp/out/made/ctwatch-$week.json"
check "and announced with its files" grep -q "made/ctwatch-$week.html" "$tmp/daemon.out"
check "and says so in the state" test "$(sqlite3 "$tmp/state/ctwatch.db" "SELECT value FROM fact WHERE name = 'report/last'")" = "$week"
check "and follows the schema" "$python" "$reader" schema "$root/docs/report.schema.json" "$tmp/out/made/ctwatch-$week.json"
wait_for 20 test -s "$tmp/mail"
check "its files go by mail to those who get the report" "$python" "$reader" mail "$tmp/mail" head@board.example,press@board.example \
	"$tmp/out/made/ctwatch-$week.html" "$tmp/out/made/ctwatch-$week.json"
end "$daemon"
check "the daemon ends cleanly with it" test $? -eq 0
rm -r "$tmp/out/made"
"$BUILD/ctwatch" run -c "$tmp/ctwatch.json" >"$tmp/daemon.out" 2>"$tmp/daemon.err" &
daemon=$!
pids+=("$daemon")
wait_for 30 grep -q 'follows 0 logs' "$tmp/daemon.err"
sleep 1
end "$daemon"
check "the next start does not make it again" test ! -e "$tmp/out/made"
finish
