# ctwatch in a container.
#
#   docker build -t ctwatch .
#   docker run -d --name ctwatch -v ctwatch:/var/lib/ctwatch ctwatch            the main job
#   docker run --rm -it ctwatch demo                                            a demonstration, without network
#   docker exec ctwatch ctwatch findings                                        any other command
#
# A configuration is mounted at /etc/ctwatch/ctwatch.json; every key can also be set by environment (CTWATCH_CONTACT=...).

FROM debian:12-slim AS build
COPY script/packages /src/script/packages
RUN /src/script/packages build
COPY . /src
# a page about whoever runs this, for log operators: docker build --build-arg CTWATCH_PROJECT_URL=https://...
ARG CTWATCH_PROJECT_URL=
RUN cmake -S /src -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCTWATCH_TESTS=OFF -DCMAKE_INSTALL_PREFIX=/usr/local \
       -DCTWATCH_PROJECT_URL="$CTWATCH_PROJECT_URL" \
    && ninja -C /build \
    && DESTDIR=/image cmake --install /build --strip

FROM debian:12-slim
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ca-certificates publicsuffix tini tzdata libuv1 libcurl4 libssl3 libjansson4 \
       libsqlite3-0 libpsl5 libidn2-0 libdeflate0 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 ctwatch \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/ctwatch --shell /usr/sbin/nologin ctwatch \
    && install -d -o ctwatch -g ctwatch -m 750 /var/lib/ctwatch
COPY --from=build /image/usr/local /usr/local
COPY packaging/entrypoint /usr/local/libexec/ctwatch/entrypoint
USER ctwatch
VOLUME /var/lib/ctwatch
ENV CTWATCH_STATE=/var/lib/ctwatch
# one blind log is told by alerts, it never restarts the container: `health` fails only when ctwatch itself does not work
HEALTHCHECK --interval=60s --timeout=10s --start-period=60s CMD ["ctwatch", "health"]
STOPSIGNAL SIGTERM
# tini as process 1 passes signals on and reaps what the programs of alert sinks leave behind
ENTRYPOINT ["/usr/bin/tini", "--", "/usr/local/libexec/ctwatch/entrypoint"]
CMD ["run"]
