import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import puppeteer from 'puppeteer';
import { pause } from '../../src/core/abort';
import { systemClock } from '../../src/core/clock';
import { executableSearchPath } from '../../src/config/env';
import { hostBrowsers } from '../../workers/keeper/host';
import { EveryEnd } from '../../test/support/every-end';
import type { TestPrometheus } from '../../test/support/prometheus';
import { DASHBOARDS } from '../description/dashboards';
import type { Dashboard, Panel } from '../description/panel';
import type { Line } from './chart';
import { drawDashboard } from './page';

/*
 * `npm run docs:pictures`: a real run, its Prometheus, and a picture of each dashboard in docs/images. Needs
 * `prometheus`.
 */

const RATE_INTERVAL = '15s';

/** Long enough for lines that are not flat. */
const ROUNDS = 6;

const FOLDER = resolve(__dirname, '../../docs/images');

async function main(): Promise<void> {
  const every = await EveryEnd.start();
  try {
    const fromSeconds = Math.floor(systemClock.nowMs() / 1000);
    for (let round = 0; round < ROUNDS; round += 1) await every.run();
    // Time for the last scrape, and for the rules after it.
    await pause(3_000);
    const toSeconds = Math.floor(systemClock.nowMs() / 1000);
    for (const dashboard of DASHBOARDS) {
      const lines = await linesOf(dashboard, every.prometheus, fromSeconds, toSeconds);
      await capture(drawDashboard(dashboard, lines), join(FOLDER, `${fileOf(dashboard)}.png`));
    }
  } finally {
    await every.stop();
  }
}

const fileOf = ({ uid }: Dashboard): string => uid.replace('holdfast-', 'dashboard-');

async function linesOf(
  { rows }: Dashboard,
  prometheus: TestPrometheus,
  from: number,
  to: number,
): Promise<ReadonlyMap<Panel, readonly Line[]>> {
  const found = new Map<Panel, readonly Line[]>();
  for (const panel of rows.flatMap(row => row.panels)) {
    const lines: Line[] = [];
    for (const { expr, legend } of panel.queries) {
      const asked = expr.replaceAll('$__rate_interval', RATE_INTERVAL);
      for (const { metric, values } of await prometheus.queryRange(asked, from, to)) {
        const name = legend.replaceAll(/\{\{(\w+)\}\}/g, (_all, label: string) => metric[label] ?? '');
        lines.push({ name, points: values.map(([at, value]) => [at, Number(value)]) });
      }
    }
    found.set(panel, lines);
  }
  return found;
}

async function capture(html: string, file: string): Promise<void> {
  const paths = { chromiumPath: null, headlessShellPath: null };
  const { chromium: executablePath } = await hostBrowsers(paths, executableSearchPath());
  if (executablePath === undefined) throw new Error('no Chromium on this machine');
  // The sandbox is off: this browser loads only our own page, and as root it would not start with the sandbox.
  const browser = await puppeteer.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    await page.setContent(html);
    const drawing = await page.$('svg');
    if (drawing === null) throw new Error('nothing was drawn');
    await writeFile(file, await drawing.screenshot({ type: 'png' }));
    process.stdout.write(`${file}\n`);
  } finally {
    await browser.close();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error instanceof Error ? error.stack : error)}\n`);
  process.exitCode = 1;
});
