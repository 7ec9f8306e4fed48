/**
 * Writes the generated documents from the compiled code: `npm run docs`.
 * With `--check` it writes nothing, and exits 1 if one of them is not what it would write.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as prettier from 'prettier';
import { renderCli } from './docs/cli.mjs';
import { renderMetrics } from './docs/metrics.mjs';
import { migrationPages } from './docs/migrate.mjs';
import { renderSessionMachine } from './docs/session-machine.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const compiled = path => require(join(root, 'dist', path));

// The description of dashboards and alerts is not part of the product, so it is loaded from source and not built.
require(join(root, 'test/support/typescript-hook.cjs'));
const observability = path => require(join(root, 'observability', path));

/** The data of jobs, with the limits of an installation whose operator has set none. */
function jobSchemas() {
  const limits = compiled('src/config/config.js').envToConfig({});
  return compiled('src/ingress/json-schemas.js').jobSchemas({
    session: compiled('src/contract/schemas.js').createBodySchema(limits),
    change: compiled('src/contract/update-body.js').updateBodySchema(limits),
  });
}

/** Each generated document: its path and the function that makes it. Add a line here and a file in scripts/docs. */
const DOCUMENTS = [
  {
    path: 'docs/session-machine.md',
    render: () =>
      renderSessionMachine({
        ...compiled('machines/session/session.machine.js'),
        ...compiled('machines/session/session.events.js'),
        ...compiled('machines/session/session.labels.js'),
        ...compiled('machines/step.js'),
      }),
  },
  {
    path: 'docs/cli.md',
    render: () =>
      renderCli({
        ...compiled('src/cli/program.js'),
        ...compiled('src/cli/options.js'),
        ...compiled('src/cli/exit-codes.js'),
      }),
  },
  {
    path: 'docs/openapi.json',
    render: () => {
      const { openApiDocument } = compiled('src/http/openapi/document.js');
      // The limits of an installation whose operator has set none; a running one serves its own.
      return JSON.stringify(openApiDocument(compiled('src/config/config.js').envToConfig({})));
    },
  },
  ...Object.entries(jobSchemas()).map(([name, schema]) => ({
    path: `docs/jobs/${name}.schema.json`,
    render: () => JSON.stringify(schema),
  })),
  {
    path: 'docs/metrics.md',
    render: () =>
      renderMetrics({
        ...compiled('src/metrics/metrics.js'),
        ...compiled('src/metrics/api-metrics.js'),
        ...compiled('src/metrics/cluster-metrics.js'),
        ...compiled('src/metrics/redis-metrics.js'),
        ...compiled('src/metrics/worker-metrics.js'),
        ...compiled('src/http/mount.js'),
      }),
  },
  ...migrationPages(root, compiled),
  ...observability('description/dashboards.ts').DASHBOARDS.map(dashboard => ({
    path: `observability/grafana/dashboards/${dashboard.uid}.json`,
    render: () => observability('render/grafana.ts').renderDashboard(dashboard),
  })),
  { path: 'observability/prometheus/rules.yml', render: observability('render/prometheus.ts').renderRules },
  {
    path: 'observability/prometheus/rules.test.yml',
    render: observability('render/prometheus.ts').renderRulesTest,
  },
];

/** Line and text of the first difference, to show what changed. */
function firstDifference(is, shouldBe) {
  const [found, wanted] = [is.split('\n'), shouldBe.split('\n')];
  const line = wanted.findIndex((text, index) => text !== found[index]);
  const at = line === -1 ? wanted.length : line;
  return `line ${at + 1}\n  - ${found[at] ?? '(end)'}\n  + ${wanted[at] ?? '(end)'}`;
}

const isCheck = process.argv.includes('--check');
let stale = 0;
for (const { path, render } of DOCUMENTS) {
  const file = join(root, path);
  const options = await prettier.resolveConfig(file);
  const text = await prettier.format(await render(), { ...options, filepath: file });
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (before === text) continue;
  stale += 1;
  if (isCheck) console.error(`${path} is stale, run "npm run docs": ${firstDifference(before, text)}`);
  else writeFileSync(file, text);
}
if (isCheck && stale > 0) process.exitCode = 1;
else
  console.log(isCheck ? 'all generated documents are up to date' : `${stale} of ${DOCUMENTS.length} written`);
