# A worker that serves the agents of agents/index.ts. Your own: put them there, and build with their packages:
#   docker build --build-arg AGENT_PACKAGES="pg@8.23.1" .
ARG NODE=24.21.0-bookworm-slim

FROM node:${NODE} AS build
WORKDIR /srv/holdfast
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-audit --no-fund
# The SDK brings its native part for five platforms, and the Rust source of it: 120 MB that no worker here loads.
RUN find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name "$(uname -m)-unknown-linux-gnu" \
    -exec rm -r {} + && rm -r node_modules/@temporalio/core-bridge/sdk-core
# What agents need besides lies one folder up, where Node looks next; for the examples, PostgreSQL's client, the
# embedded PostgreSQL that they use where DATABASE_URL names none, and its grammar.
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
# The bundle of the workflow, built once here instead of at every start.
ENV HOLDFAST_CACHE=/srv/holdfast/cache
RUN node --input-type=module --eval "await (await import('/srv/holdfast/worker/workflowBundle.ts')).workflowCode()"

FROM node:${NODE}
ENV NODE_ENV=production HOLDFAST_CACHE=/srv/holdfast/cache NODE_OPTIONS=--max-semi-space-size=4
WORKDIR /srv/holdfast
COPY --from=build /srv /srv
# The cache is the worker's to write; what it runs is not.
RUN chown -R 1000:1000 cache
# The image's user "node", by number: so that others can see that it is not root.
USER 1000
HEALTHCHECK --interval=30s --timeout=20s --start-period=30s --retries=3 CMD ["node", "worker/topology/health.ts"]
# Node itself, so that it gets SIGTERM and lets calls finish.
ENTRYPOINT ["node", "cli/main.ts"]
CMD ["worker", "--agents", "agents/index.ts"]
