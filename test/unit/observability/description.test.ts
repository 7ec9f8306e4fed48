import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ALERTS } from '../../../observability/description/alerts';
import { DASHBOARDS } from '../../../observability/description/dashboards';
import { RECORDING_RULES } from '../../../observability/description/recording-rules';
import { runbookOf } from '../../../observability/render/prometheus';
import { ApiMetrics } from '../../../src/metrics/api-metrics';
import { ClusterMetrics } from '../../../src/metrics/cluster-metrics';
import type { MetricDescription } from '../../../src/metrics/metric-registry';
import { Metrics } from '../../../src/metrics/metrics';
import { RedisMetrics } from '../../../src/metrics/redis-metrics';
import { WorkerMetrics } from '../../../src/metrics/worker-metrics';
import { ROUTES } from '../../../src/http/mount';

const root = resolve(__dirname, '../../..');
const { registry } = new Metrics();
new ApiMetrics(registry, ROUTES);
new ClusterMetrics(registry);
new RedisMetrics(registry);
new WorkerMetrics(registry);
const known = new Map(registry.descriptions.map(description => [description.name, description]));
const recorded = new Set(RECORDING_RULES.map(({ record }) => record));

const panels = DASHBOARDS.flatMap(({ rows }) => rows.flatMap(row => row.panels));
const exprs = [
  ...panels.flatMap(panel => panel.queries.map(({ expr }) => expr)),
  ...ALERTS.map(({ expr }) => expr),
  ...RECORDING_RULES.map(({ expr }) => expr),
];

interface Selector {
  readonly name: string;
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
}

const selectors: Selector[] = exprs.flatMap(expr =>
  [...expr.matchAll(/\b(holdfast[\w:]+)(?:\{([^}]*)\})?/g)].map(([, name = '', matchers = '']) => ({
    name,
    matchers: [...matchers.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)].map(
      ([, label = '', operator = '', value = '']) => ({ label, operator, value }),
    ),
  })),
);

/* Metrics of prom-client itself, which are not in our registry. */
const isOfNode = (name: string): boolean => /^holdfast_(process|nodejs)_/.test(name);

const describedAs = (name: string): MetricDescription | undefined =>
  known.get(name) ?? known.get(name.replace(/_(bucket|count|sum)$/, ''));

describe('what dashboards and rules query', () => {
  it('is exported or recorded by Holdfast', () => {
    const names = new Set(selectors.map(({ name }) => name));
    expect(names.size).toBeGreaterThan(30);
    const unknown = [...names].filter(
      name => describedAs(name) === undefined && !recorded.has(name) && !isOfNode(name),
    );
    expect(unknown).toEqual([]);
  });

  it('has only labels and values that exist', () => {
    for (const { name, matchers } of selectors) {
      for (const { label, operator, value } of matchers) {
        if (label === 'le') continue;
        const values = describedAs(name)?.labels[label]?.map(String) ?? [];
        const wanted = operator.endsWith('~')
          ? new RegExp(`^(?:${value})$`)
          : { test: (v: string) => v === value };
        expect([name, label, value, values.some(one => wanted.test(one))]).toEqual([
          name,
          label,
          value,
          true,
        ]);
      }
    }
  });

  it('takes the maximum of what every API says of the whole installation, never a sum', () => {
    const shared = [...known.values()].filter(
      ({ exporters, type }) => exporters.join() === 'API' && type === 'gauge',
    );
    const own = ['holdfast_cdp_connections', 'holdfast_event_streams'];
    for (const { name } of shared.filter(gauge => !own.includes(gauge.name))) {
      const summed = exprs.filter(expr => new RegExp(`sum(?: by \\([^)]*\\) )?\\(${name}\\b`).test(expr));
      expect([name, summed]).toEqual([name, []]);
    }
  });
});

describe('a dashboard', () => {
  it('shows every metric in some panel', () => {
    const shown = new Set(
      panels.flatMap(panel => panel.queries.flatMap(({ expr }) => expr.match(/holdfast_\w+/g) ?? [])),
    );
    const behindRules = new Set(RECORDING_RULES.flatMap(({ expr }) => expr.match(/holdfast_\w+/g) ?? []));
    const unseen = [...known.keys()].filter(
      name => ![name, `${name}_bucket`, `${name}_count`].some(one => shown.has(one) || behindRules.has(one)),
    );
    expect(unseen).toEqual([]);
  });

  it('has panels with unique names and a description', () => {
    for (const { rows } of DASHBOARDS) {
      const titles = rows.flatMap(row => row.panels.map(({ title }) => title));
      expect(new Set(titles).size).toBe(titles.length);
    }
    expect(panels.filter(({ description }) => description.length < 10)).toEqual([]);
  });
});

describe('an alert', () => {
  it.each(ALERTS.map(alert => [alert.name, alert] as const))(
    '%s has a page that says what to do',
    (name, alert) => {
      const file = join(root, runbookOf(alert));
      expect([file, existsSync(file)]).toEqual([file, true]);
      const text = readFileSync(file, 'utf8');
      expect(text).toMatch(new RegExp(`^# ${name}$`, 'm'));
      for (const part of ['What it means', 'How to look', 'What to do'])
        expect(text).toContain(`\n## ${part}\n`);
    },
  );

  it('that does not exist has no page', () => {
    const pages = readdirSync(join(root, 'docs/runbooks')).filter(file => file.startsWith('Holdfast'));
    expect(pages.sort()).toEqual(ALERTS.map(({ name }) => `${name}.md`).sort());
  });
});
