import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import puppeteer from 'puppeteer';
import { systemClock } from '../../src/core/clock';
import { systemProcesses } from '../../src/core/process-identity';
import { Installation } from '../support/installation';
import { scaled } from '../support/slowdown';

/* `holdfast start` as users run it: from the build, with a Redis of its own and real browsers. */

let installation: Installation;
beforeAll(async () => (installation = await Installation.start({ browser: 'shell' })));
afterAll(() => installation.stop());

/** Evaluates an expression in the first page of a session. */
async function inPage(websocketUrl: string | null, expression: string): Promise<unknown> {
  const browser = await puppeteer.connect({ browserWSEndpoint: websocketUrl ?? '' });
  try {
    const [page] = await browser.pages();
    return await page?.evaluate(expression);
  } finally {
    await browser.disconnect();
  }
}

test('a session and its page outlive kill -9 of the supervisor', async () => {
  const session = await installation.create();
  await inPage(session.websocketUrl, 'window.mark = 42');
  await installation.signal('supervisor', 'SIGKILL');
  await installation.restart();
  const found = await installation.read(session.id);
  expect(found.status).toBe('live');
  expect(await inPage(found.websocketUrl, 'window.mark')).toBe(42);
});

test('Ctrl-C ends sessions as drained, everything within 10 s, with 0 and nothing left', async () => {
  const session = await installation.create();
  const beganMs = systemClock.monotonicMs();
  expect(await installation.interrupt('SIGINT')).toBe(0);
  expect(systemClock.monotonicMs() - beganMs).toBeLessThan(scaled(10_000));
  const left = await systemProcesses.list();
  expect(left.filter(({ commandLine }) => commandLine.includes(installation.dir.path))).toEqual([]);

  await installation.restart();
  expect(await installation.read(session.id)).toMatchObject({ status: 'released', endReason: 'drained' });
});

test('every process shows its full name', async () => {
  const { pid } = await installation.find('supervisor');
  const pids = [
    pid,
    ...(await Promise.all((['api', 'keeper', 'worker'] as const).map(role => installation.find(role)))).map(
      found => found.pid,
    ),
  ];
  const names = (await systemProcesses.list())
    .filter(entry => pids.includes(entry.pid))
    .map(entry => entry.commandLine);
  expect(names.sort()).toEqual([
    'holdfast: api',
    'holdfast: keeper',
    'holdfast: supervisor',
    'holdfast: worker',
  ]);
});

test('the demo shows a session from its creation to its end', async () => {
  const demo = join(__dirname, '../../scripts/demo.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [demo], {
    env: { ...process.env, HOLDFAST_URL: installation.url, HOLDFAST_API_KEY: '' },
  });
  expect(stdout).toMatch(/create +session \S+ is live/);
  expect(stdout).toContain('never forgotten, ended exactly once, gone within five seconds');
  expect(stdout).toMatch(/created → live/);
  expect(stdout).toContain('released (released_by_client)');
});
