# The server as one image. Keys, logs and (without DATABASE_URL) the database live in the volume /data; no secret is baked in.
FROM python:3.11-slim-bookworm AS build
# python-ldap has no ready-made build: its compiler and headers stay in this stage.
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev libldap-dev libsasl2-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements/runtime.txt requirements/
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --require-hashes --only-binary lxml --only-binary xmlsec -r requirements/runtime.txt \
    && .venv/bin/pip uninstall --yes pip setuptools

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends libldap-2.5-0 libsasl2-2 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --home-dir /data --shell /usr/sbin/nologin agora \
    && install -d -o agora -g agora -m 700 /data
WORKDIR /app
COPY --from=build /app/.venv .venv
COPY . .
RUN .venv/bin/python -m compileall -q -x '^\./\.venv' .
USER agora
ENV AGORA_DATA=/data HOST=0.0.0.0 PORT=8000 PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD [".venv/bin/python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=4)"]
CMD [".venv/bin/python", "-m", "agora.serve"]
