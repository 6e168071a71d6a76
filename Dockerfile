# A worker that serves the agents of agents/index.ts. For your own agents, put them there, and build with their packages:
#   docker build --build-arg AGENT_PACKAGES="pg@8.23.1" .
ARG NODE=24.21.0-bookworm-slim

FROM node:${NODE} AS build
WORKDIR /srv/holdfast
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-audit --no-fund
# The SDK ships native code for five platforms, and its Rust source: 120 MB that this worker never loads.
RUN find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name "$(uname -m)-unknown-linux-gnu" \
    -exec rm -r {} + && rm -r node_modules/@temporalio/core-bridge/sdk-core
# Packages of agents are installed one folder up, where Node resolves them too. For the examples: PostgreSQL's client, the
# embedded PostgreSQL that they use without DATABASE_URL, and its grammar.
ARG AGENT_PACKAGES="pg@8.23.1 @electric-sql/pglite@0.5.16 libpg-query@18.1.5"
# hadolint ignore=DL3016
RUN npm install --prefix /srv --no-audit --no-fund ${AGENT_PACKAGES}
COPY core core
COPY workflows workflows
COPY activities activities
COPY client client
COPY worker worker
COPY cli cli
COPY agents agents
# Build the workflow bundle once here instead of at every start.
ENV HOLDFAST_CACHE=/srv/holdfast/cache
RUN node --input-type=module --eval "await (await import('/srv/holdfast/worker/workflowBundle.ts')).workflowCode()"

FROM node:${NODE}
ENV NODE_ENV=production HOLDFAST_CACHE=/srv/holdfast/cache NODE_OPTIONS=--max-semi-space-size=4
WORKDIR /srv/holdfast
COPY --from=build /srv /srv
# The worker may write its cache, but not the code that it runs.
RUN chown -R 1000:1000 cache
# The image's user "node", by number, so that orchestrators can verify that it is not root.
USER 1000
HEALTHCHECK --interval=30s --timeout=20s --start-period=30s --retries=3 CMD ["node", "worker/topology/health.ts"]
# Run Node directly, so that it receives SIGTERM and lets calls finish.
ENTRYPOINT ["node", "cli/main.ts"]
CMD ["worker", "--agents", "agents/index.ts"]
