#!/bin/bash
# Both APIs behind nginx with TLS and HTTP/2: ctwatch reads and verifies them with its ca_file, and refuses them without.
set -u
. "$(dirname "$0")/lib.sh"
need nginx openssl curl python3

read -r port upstream < <(python3 -c '
import socket
sockets = [socket.socket() for _ in range(2)]
for one in sockets:
    one.bind(("127.0.0.1", 0))
print(*[one.getsockname()[1] for one in sockets])')
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout "$tmp/tls.key" -out "$tmp/tls.pem" \
	-subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
fakelog_start --logs 2 --initial 3000 --plant "$root/tests/fakelog/demo.plant" --port "$upstream" \
	--public-url "https://localhost:$port" --no-gzip

cat >"$tmp/nginx.conf" <<CONF
daemon off;
pid $tmp/nginx.pid;
error_log $tmp/nginx.err;
events { worker_connections 256; }
http {
	log_format protocol '\$server_protocol \$status \$uri';
	access_log $tmp/access.log protocol;
	client_body_temp_path $tmp/body; proxy_temp_path $tmp/proxy; fastcgi_temp_path $tmp/f; uwsgi_temp_path $tmp/u; scgi_temp_path $tmp/s;
	gzip on; gzip_proxied any; gzip_types application/json application/octet-stream;
	server {
		listen 127.0.0.1:$port ssl http2;
		server_name localhost;
		ssl_certificate $tmp/tls.pem;
		ssl_certificate_key $tmp/tls.key;
		location / { proxy_pass http://127.0.0.1:$upstream; }
	}
}
CONF
nginx -c "$tmp/nginx.conf" -p "$tmp" 2>"$tmp/nginx.out" &
pids+=($!)
wait_for 20 curl -sf --cacert "$tmp/tls.pem" "https://localhost:$port/log/0/checkpoint" || { cat "$tmp/nginx.out" "$tmp/nginx.err" >&2; exit 1; }

config() {
	printf '{"state":"%s","log_lists":["%s"],"start":"beginning","listen":"none","contact":"https://ctwatch.test/interop"%s}\n' \
		"$tmp/$1" "$list" "$2" >"$tmp/$1.json"
}

config trusting ",\"ca_file\":\"$tmp/tls.pem\""
if timeout 120 "$BUILD/ctwatch" run --once -c "$tmp/trusting.json" >"$tmp/out" 2>"$tmp/err"; then
	ok "ctwatch catches up through TLS"
else
	not_ok "ctwatch catches up through TLS" "exit $?: $(tail -5 "$tmp/err")"
fi
sizes=$(python3 - "$tmp/trusting/ctwatch.db" <<'PYTHON'
import sqlite3, sys
print(*[row[0] for row in sqlite3.connect(sys.argv[1]).execute("SELECT verified_size FROM log ORDER BY 1")])
PYTHON
)
if [ "$sizes" = "3000 3000" ]; then ok "both logs are verified to their heads"; else not_ok "both logs are verified to their heads" "$sizes"; fi
if grep -q drive-globalordnance.com "$tmp/out"; then ok "what was planted is found"; else not_ok "what was planted is found" "nothing"; fi
if grep -q '^HTTP/2.0 200 /log/0/ct/v1/get-entries' "$tmp/access.log" && grep -q '^HTTP/2.0 200 /log/1/tile/data/' "$tmp/access.log"; then
	ok "both APIs are read over HTTP/2"
else
	not_ok "both APIs are read over HTTP/2" "$(sort "$tmp/access.log" | uniq -c | head -5)"
fi
if grep -vq '^HTTP/2.0 200 ' "$tmp/access.log" && grep -v '^HTTP/2.0 200 ' "$tmp/access.log" | grep -qv checkpoint; then
	not_ok "no request fails" "$(grep -v '^HTTP/2.0 200 ' "$tmp/access.log" | head -3)"
else
	ok "no request fails"
fi

config doubting ""
timeout 120 "$BUILD/ctwatch" run --once --timeout 5s -c "$tmp/doubting.json" >"$tmp/out2" 2>"$tmp/err2"
status=$?
if [ $status -eq 5 ] && [ ! -s "$tmp/out2" ]; then
	ok "a server that no trusted authority vouches for is not read"
else
	not_ok "a server that no trusted authority vouches for is not read" "exit $status: $(tail -3 "$tmp/err2")"
fi
if grep -qi 'certificate\|tls' "$tmp/err2"; then ok "and the diagnostics say why"; else not_ok "and the diagnostics say why" "$(tail -3 "$tmp/err2")"; fi

config lax ',"tls_unverified":["localhost"]'
if timeout 120 "$BUILD/ctwatch" run --once --timeout 5s -c "$tmp/lax.json" >"$tmp/out3" 2>"$tmp/err3" && [ -s "$tmp/out3" ]; then
	ok "a host that tls_unverified names is read all the same"
else
	not_ok "a host that tls_unverified names is read all the same" "$(tail -3 "$tmp/err3")"
fi
finish
