#!/bin/bash
# The pipeline under the thread sanitizer: eight logs of both APIs, read from their beginning while they grow, a reload and a stop.
# Runs in a build made with -DCTWATCH_SANITIZE=thread (script/test makes one); elsewhere it is the same run without that sanitizer.
set -u
. "$(dirname "$0")/lib.sh"
need curl

# on some kernels this sanitizer cannot work with randomised addresses
if [ -z "${PLAIN_ADDRESSES:-}" ] && ! "$BUILD/ctwatch" --version >/dev/null 2>&1; then
	rm -rf "$tmp"
	PLAIN_ADDRESSES=1 exec setarch -R "$0"
fi
export TSAN_OPTIONS="halt_on_error=0:exitcode=66:second_deadlock_stack=1"
fakelog_start --fast --logs 8 --hosts 8 --initial 4000 --grow 50 --plant "$root/tests/fakelog/demo.plant" \
	--misbehave 0:status,at=503,every=5 --misbehave 1:partial-404 --misbehave 2:short-pages,at=7,every=3
printf '{"state":"%s","log_lists":["%s"],"start":"beginning","poll":"5s","listen":"none","contact":"https://ctwatch.test/interop"}\n' \
	"$tmp/state" "$list" >"$tmp/ctwatch.json"
"$BUILD/ctwatch" run -c "$tmp/ctwatch.json" >"$tmp/out" 2>"$tmp/err" &
watch_pid=$!
pids+=("$watch_pid")
sleep 12
kill -HUP "$watch_pid"
sleep 6
kill -TERM "$watch_pid"
began=$SECONDS
wait "$watch_pid"
status=$?
if [ $status -eq 0 ]; then ok "a run with a reload ends well"; else not_ok "a run with a reload ends well" "exit $status: $(tail -5 "$tmp/err")"; fi
if [ $((SECONDS - began)) -le 6 ]; then ok "within 5 s of SIGTERM"; else not_ok "within 5 s of SIGTERM" "$((SECONDS - began)) s"; fi
if grep -q 'ThreadSanitizer' "$tmp/err"; then
	not_ok "no data race" "$(grep -A 30 -m 1 'ThreadSanitizer' "$tmp/err")"
else
	ok "no data race"
fi
if grep -q drive-globalordnance.com "$tmp/out"; then ok "what was planted is found"; else not_ok "what was planted is found" "$(tail -3 "$tmp/err")"; fi
finish
