# One image for every role: `start` (all of it, with a Redis of its own), `api`, `worker`.
#
#   docker build -t holdfast .
#   docker run --rm -p 127.0.0.1:3000:3000 --security-opt seccomp=docker/seccomp.json \
#     -e HOLDFAST_HOST=0.0.0.0 -e HOLDFAST_API_KEYS=default=change-me-please holdfast

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc .puppeteerrc.cjs ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/copy-assets.mjs scripts/build-client.mjs scripts/
COPY machines machines
COPY src src
COPY workers workers
RUN npm run build && npm prune --omit=dev

FROM node:24-bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends \
    bubblewrap chromium chromium-l10n fonts-liberation fonts-noto-cjk fonts-noto-color-emoji nftables redis-server \
    tini xvfb \
  && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY package.json LICENSE ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY bin bin
COPY docker/entrypoint.sh docker/

# Not root, and nothing of the program belongs to the user: only the data folder and the blobs do.
RUN install -d -o node -g node -m 0711 /var/lib/holdfast \
  && install -d -o node -g node -m 0700 /var/lib/holdfast-blobs
USER node
ENV NODE_ENV=production HOLDFAST_DATA_DIR=/var/lib/holdfast
EXPOSE 3000
# A drain takes up to ten seconds.
STOPSIGNAL SIGTERM
# tini reaps what browsers leave behind.
ENTRYPOINT ["tini", "--", "/app/docker/entrypoint.sh"]
CMD ["start"]
