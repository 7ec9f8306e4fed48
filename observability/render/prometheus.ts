import type { Alert } from '../description/alert';
import { ALERTS } from '../description/alerts';
import { RECORDING_RULES } from '../description/recording-rules';
import { toYaml, type Yaml } from './yaml';

/** Where the page of an alert is, from the root of the repository. */
export const runbookOf = ({ name }: Pick<Alert, 'name'>): string => `docs/runbooks/${name}.md`;

/** In the unit tests a series has a value this often. More evaluations than values would find nothing else. */
const SAMPLES_EVERY = '1m';

const GENERATED = '# Made by `npm run docs` from observability/description. Change it there.\n';

/** The rules file: recording rules, then alerts. */
export function renderRules(): string {
  const alerts = ALERTS.map(alert => ({
    alert: alert.name,
    expr: alert.expr,
    ...(alert.for === undefined ? {} : { for: alert.for }),
    labels: { severity: alert.severity },
    annotations: annotationsOf(alert, alert.summary),
  }));
  return page({
    groups: [
      { name: 'holdfast-recording', rules: RECORDING_RULES.map(({ record, expr }) => ({ record, expr })) },
      { name: 'holdfast-alerts', rules: alerts },
    ],
  });
}

/** The unit tests of the rules, for `promtool test rules`: each alert fires when it should, and only then. */
export function renderRulesTest(): string {
  const tests = ALERTS.flatMap(alert => {
    const { at, fires, fired, silent } = alert.proof;
    const expected = fired.map(({ labels = {}, summary }) => ({
      exp_labels: { severity: alert.severity, ...labels },
      exp_annotations: annotationsOf(alert, summary),
    }));
    return [testOf(alert, 'fires', at, fires, expected), testOf(alert, 'is silent', at, silent, [])];
  });
  return page({ rule_files: ['rules.yml'], evaluation_interval: SAMPLES_EVERY, tests });
}

const annotationsOf = (alert: Alert, summary: string): { summary: string; runbook_url: string } => ({
  summary,
  runbook_url: runbookOf(alert),
});

const testOf = (
  { name }: Alert,
  what: string,
  at: string,
  series: Alert['proof']['fires'],
  expected: readonly Yaml[],
): Yaml => ({
  name: `${name} ${what}`,
  interval: SAMPLES_EVERY,
  input_series: series.map(input => ({ series: input.series, values: input.values })),
  alert_rule_test: [{ eval_time: at, alertname: name, exp_alerts: expected }],
});

const page = (content: Yaml): string => `${GENERATED}${toYaml(content).trimStart()}\n`;
