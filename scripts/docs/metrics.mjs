/** More values than this are counted instead of listed. */
const LISTED_MAX = 14;

const INTRO = `# Metrics

Made by \`npm run docs\` from \`src/metrics\`; every name below is on the page of the processes in the last column.

- An **API** serves \`/metrics\` on its main port. With \`HOLDFAST_API_KEYS\` set it asks for a key like every other route: give
  Prometheus one as \`authorization: { credentials: … }\`.
- A **worker** serves it on \`HOLDFAST_METRICS_PORT\` (9464) of \`HOLDFAST_METRICS_HOST\` (else \`HOLDFAST_HOST\`); see
  [below](#pages-of-a-worker).
- **Keeper and supervisor** have no page. The keeper must stay small and have no port that a page in a browser could
  reach; what it knows stands on its worker's page. The supervisor knows nothing but its children: they say themselves
  since when they run (\`holdfast_process_start_time_seconds\`), and \`holdfast_keeper_registrations_total\` counts keepers.

\`observability/\` has Grafana dashboards, recording and alert rules, and a Prometheus configuration made for these names; how to use
them is in [observability/README.md](../observability/README.md).

## Reading them

- Numbers of the **whole installation** (marked ⁂) come from Redis, and every API shows the same: take \`max\` over the instances,
  never \`sum\`. They are at most a second old, and they are missing while Redis does not answer.
- Everything else is counted where it happened: \`sum\` it.
- Labels take their values from closed sets. Whatever else a request, a job or a row brings is counted as \`other\`, so
  that nobody can make the number of time series grow. There are no ids, URLs or labels of users among them.
- Where combinations of label values are few, they begin at 0: \`increase()\` sees the first event too.

## All of them

| name | type | labels | meaning | page of |
| ---- | ---- | ------ | ------- | ------- |
`;

const OUTRO = `

Beside these, both pages carry what [prom-client](https://github.com/siimon/prom-client) knows of any Node process, as \`holdfast_process_…\` and
\`holdfast_nodejs_…\`: CPU, memory, file descriptors, event loop, garbage collection.

## Pages of a worker

Several workers on one machine need a port each. A port that is taken is logged, and the worker goes on without its page:
its sessions, slots and jobs still count in what the APIs show of the whole installation. \`0\` serves none.

## What a scrape costs

It does not depend on how many sessions there are: the numbers of the whole installation are kept as they change, not
counted when they are asked for. With 10 000 sessions a scrape of the API takes a few milliseconds, three round trips to
Redis included, and scrapes within one second share them (\`test/integration/metrics.test.ts\` holds it to 20 ms).
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
