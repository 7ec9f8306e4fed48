import { execFileSync } from 'node:child_process';
import { ALERTS } from '../../observability/description/alerts';
import { DASHBOARDS } from '../../observability/description/dashboards';
import { RECORDING_RULES } from '../../observability/description/recording-rules';
import { ENDS, EveryEnd } from '../support/every-end';
import { isInstalled, type Series } from '../support/prometheus';
import { pollUntil } from '../support/poll-until';

/* A real Prometheus watches a real installation. Then every query of dashboards and rules is sent to it. */

/** The values that Grafana would insert for a scrape every second. */
const RATE_INTERVAL = '15s';

const hasNumber = (series: readonly Series[]): boolean =>
  series.some(({ values }) => values.some(([, value]) => Number.isFinite(Number(value))));

/** Every selector of an expression that names a Holdfast metric, such as `holdfast_slots{state="free"}`. */
const selectorsOf = (expr: string): string[] => expr.match(/\b(?:holdfast[\w:]+|up)(?:\{[^}]*\})?/g) ?? [];

(isInstalled('prometheus') ? describe : describe.skip)('after sessions have ended in every way', () => {
  let every: EveryEnd;
  let fromSeconds = 0;
  let toSeconds = 0;

  beforeAll(async () => {
    every = await EveryEnd.start();
    fromSeconds = Math.floor(Date.now() / 1000);
    await every.run();
    // The last end has been scraped, and rules have been evaluated after it.
    await pollUntil('the ends to be scraped', { timeoutMs: 15_000, everyMs: 250 }, async () =>
      (await missingEnds()).length === 0 ? true : undefined,
    ).catch(async () => expect(await missingEnds()).toEqual([]));
    await pollUntil('the rules to be evaluated', { timeoutMs: 10_000, everyMs: 250 }, async () =>
      (await every.prometheus.query('holdfast:session_failure:ratio_rate1h > 0')).length > 0
        ? true
        : undefined,
    );
    toSeconds = Math.ceil(Date.now() / 1000);
  });
  afterAll(() => every.stop());

  const missingEnds = async (): Promise<string[]> => {
    const seen = await every.prometheus.query('sum by (reason) (holdfast_sessions_ended_total) > 0');
    return ENDS.filter(reason => !seen.some(({ metric }) => metric['reason'] === reason));
  };

  it.each(DASHBOARDS.map(dashboard => [dashboard.title, dashboard] as const))(
    'every panel of %s shows something',
    async (_title, { rows }) => {
      const panels = rows.flatMap(row => row.panels);
      for (const { title, queries } of panels) {
        for (const { expr } of queries) {
          const asked = expr.replaceAll('$__rate_interval', RATE_INTERVAL);
          const series = await every.prometheus.queryRange(asked, fromSeconds, toSeconds);
          expect([title, asked, hasNumber(series)]).toEqual([title, asked, true]);
        }
      }
    },
  );

  it.each(RECORDING_RULES.map(rule => [rule.record, rule] as const))(
    'the rule %s gives a number, and Prometheus stores it',
    async (_record, { record, expr }) => {
      expect(hasNumber(await every.prometheus.query(expr))).toBe(true);
      expect(hasNumber(await every.prometheus.query(record))).toBe(true);
    },
  );

  it.each(ALERTS.map(alert => [alert.name, alert] as const))(
    'the alert %s can be evaluated, and every metric in it exists',
    async (_name, { expr }) => {
      await every.prometheus.query(expr);
      for (const selector of selectorsOf(expr)) {
        expect([selector, hasNumber(await every.prometheus.query(selector))]).toEqual([selector, true]);
      }
    },
  );

  it('Prometheus has loaded every rule', async () => {
    const response = await fetch(`${every.prometheus.url}/api/v1/rules`);
    const { data } = (await response.json()) as {
      data: { groups: { rules: { name: string; health: string }[] }[] };
    };
    const rules = data.groups.flatMap(group => group.rules);
    expect(rules.map(({ name }) => name).sort()).toEqual(
      [...ALERTS.map(({ name }) => name), ...RECORDING_RULES.map(({ record }) => record)].sort(),
    );
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
  });

  it('both pages are up, and pass the linter of Prometheus', async () => {
    const targets = await every.prometheus.query('up == 1');
    expect(targets.map(({ metric }) => metric['job']).sort()).toEqual(['holdfast-api', 'holdfast-worker']);
    for (const { metric } of targets) {
      const page = await (await fetch(`http://${metric['instance']}/metrics`)).text();
      execFileSync('promtool', ['check', 'metrics'], { input: page, stdio: 'pipe', timeout: 10_000 });
    }
  });
});
