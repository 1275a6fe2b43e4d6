# One image for every process: `kedang serve`, `relay`, `schedule`, `worker`, `migrate`, or, by
# itself, `kedang up` with the embedded servers and its data in /var/lib/kedang.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG NODE_IMAGE=node:20-bookworm-slim

FROM ${NODE_IMAGE} AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build && npm run fonts

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
# The builder needs the tools of the full lock, the image only what runs.
COPY requirements.lock requirements-run.lock ./
RUN python -m venv /opt/builder \
    && /opt/builder/bin/pip install --no-cache-dir --require-hashes --only-binary=:all: -r requirements.lock
RUN python -m venv /opt/kedang \
    && /opt/kedang/bin/pip install --no-cache-dir --require-hashes --only-binary=:all: -r requirements-run.lock
COPY pyproject.toml README.md ./
COPY platform platform
COPY tenants tenants
COPY graphql graphql
COPY workers workers
COPY migrations migrations
COPY --from=web /src/graphql/kedang_graphql/static graphql/kedang_graphql/static
COPY --from=web /src/platform/kedang_platform/documents/fonts platform/kedang_platform/documents/fonts
RUN /opt/builder/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /opt/kedang/bin/pip install --no-cache-dir --no-deps /wheel/*.whl

FROM ${PYTHON_IMAGE}
RUN useradd --system --uid 10001 --home-dir /var/lib/kedang --create-home --shell /usr/sbin/nologin kedang
COPY --from=build /opt/kedang /opt/kedang
ENV PATH=/opt/kedang/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    KEDANG_VAR=/var/lib/kedang \
    KEDANG_HOST=0.0.0.0
WORKDIR /var/lib/kedang
VOLUME /var/lib/kedang
USER 10001
EXPOSE 8400
STOPSIGNAL SIGTERM
ENTRYPOINT ["kedang"]
CMD ["up"]
