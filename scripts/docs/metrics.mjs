/** More values than this are counted instead of listed. */
const LISTED_MAX = 14;

const INTRO = `# Metrics

Made by \`npm run docs\` from \`src/metrics\`. The last column shows which processes export a metric.

- An **API** serves \`/metrics\` on its main port. With \`HOLDFAST_API_KEYS\` set it needs a key like every other route: give
  Prometheus one as \`authorization: { credentials: … }\`.
- A **worker** serves it on \`HOLDFAST_METRICS_PORT\` (9464) of \`HOLDFAST_METRICS_HOST\` (else \`HOLDFAST_HOST\`); see
  [below](#pages-of-a-worker).
- **Keeper and supervisor** have no page. The keeper must stay small, and have no port that a page in a browser could
  reach; its worker exports its numbers. The supervisor knows only its children, and they export when they started
  (\`holdfast_process_start_time_seconds\`); \`holdfast_keeper_registrations_total\` counts keepers.

\`observability/\` has Grafana dashboards, recording and alert rules, and a Prometheus configuration for these names. See
[observability/README.md](../observability/README.md).

## Reading them

- Numbers of the **whole installation** (marked ⁂) come from Redis, and every API exports the same values: take \`max\`
  over the instances, never \`sum\`. They are at most a second old, and they are missing while Redis does not answer.
- All other numbers are counted in the process that exports them: \`sum\` them.
- Labels take their values from closed sets. All other values that a request, a job or a row may have are counted as
  \`other\`, so the number of time series is bounded. Ids, URLs and labels of users are never label values.
- If a metric has few combinations of label values, they begin at 0: \`increase()\` sees the first event too.

## All of them

| name | type | labels | meaning | page of |
| ---- | ---- | ------ | ------- | ------- |
`;

const OUTRO = `

Both pages also have the metrics of [prom-client](https://github.com/siimon/prom-client) for Node processes, as
\`holdfast_process_…\` and \`holdfast_nodejs_…\`: CPU, memory, file descriptors, event loop, garbage collection.

## Pages of a worker

Several workers on one machine need a port each. If its port is taken, the worker logs that and goes on without a page:
the APIs still count its sessions, slots and jobs in the numbers of the whole installation. \`0\` serves no page.

## What a scrape costs

It does not depend on the number of sessions: the numbers of the whole installation are kept as they change, not counted
at each scrape. With 10 000 sessions a scrape of the API takes a few milliseconds, including three round trips to Redis.
Scrapes within one second share them (\`test/integration/metrics.test.ts\` allows 20 ms).
`;

/** Makes docs/metrics.md: one line for each metric, from the registry. */
export function renderMetrics({ Metrics, ApiMetrics, ClusterMetrics, RedisMetrics, WorkerMetrics, ROUTES }) {
  const { registry } = new Metrics();
  new ApiMetrics(registry, ROUTES);
  const before = registry.descriptions.length;
  new ClusterMetrics(registry);
  new RedisMetrics(registry);
  const shared = new Set(registry.descriptions.slice(before).map(({ name }) => name));
  new WorkerMetrics(registry);
  const rows = registry.descriptions.map(({ name, type, labels, help, exporters }) =>
    [`\`${name}\`${shared.has(name) ? ' ⁂' : ''}`, type, labelsOf(labels), help, exporters.join(', ')].join(
      ' | ',
    ),
  );
  return `${INTRO}${rows.map(row => `| ${row} |`).join('\n')}${OUTRO}`;
}

function labelsOf(labels) {
  return Object.entries(labels)
    .map(([name, values]) =>
      values.length > LISTED_MAX
        ? `\`${name}\`: ${values.length} values`
        : `\`${name}\`: ${values.map(String).join(', ')}`,
    )
    .join('; ');
}
