import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import puppeteer, { type Browser } from 'puppeteer';
import type { Endpoint } from '../../machines/session/session.types';
import { sendSignal, systemProcesses } from '../../src/core/process-identity';
import { RunDirectory } from '../../workers/keeper/process/run-directory';
import { fence, KeeperFixture, realChromium, type TestWorker } from '../support/keeper-fixture';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

let fixture: KeeperFixture;
let worker: TestWorker;

beforeEach(async () => {
  fixture = await KeeperFixture.open({ browser: await realChromium() });
  worker = await fixture.worker();
});

afterEach(async () => {
  await fixture.close();
});

async function connect({ port, path }: Endpoint): Promise<Browser> {
  return puppeteer.connect({ browserWSEndpoint: `ws://127.0.0.1:${port}${path}`, defaultViewport: null });
}

/** All processes that belong to the browsers of this test. */
async function processes(): Promise<{ pid: number; commandLine: string }[]> {
  return (await systemProcesses.list()).filter(({ commandLine }) =>
    commandLine.includes(`${fixture.dir.path}/run/b-`),
  );
}

/** The browser itself, as its shim recorded it: a fork of a browser has the same command line for a moment. */
async function browserPid(): Promise<number> {
  const root = join(fixture.dir.path, 'run');
  const directories = (await readdir(root)).filter(name => name.startsWith('b-'));
  expect(directories).toHaveLength(1);
  const directory = RunDirectory.at(root, directories[0] ?? '');
  const pid = (await directory.cagedPid()) ?? (await directory.pid());
  if (pid === null) throw new Error('the browser has no pid yet');
  return pid;
}

async function expectNothingLeft(): Promise<void> {
  expect(await processes()).toEqual([]);
  const root = join(fixture.dir.path, 'run');
  expect((await readdir(root)).filter(name => name.startsWith('b-'))).toEqual([]);
}

test('a browser runs sandboxed, as the browser user, with an empty environment, and leaves nothing', async () => {
  const claim = fence();
  const endpoint = await worker.launch('t/a', claim);
  const browser = await connect(endpoint);
  const page = await browser.newPage();
  await page.goto('chrome://sandbox');
  expect(await page.evaluate('document.body.innerText')).toContain('You are adequately sandboxed');
  await browser.disconnect();
  const pid = await browserPid();
  const names = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').map(pair => pair.split('=')[0]);
  expect(names.filter(name => name !== '').sort()).toEqual(['HOME', 'LANG', 'PATH', 'PWD', 'TMPDIR']);
  const { uid } = await stat(`/proc/${pid}`);
  // As root of no other program, not even `nobody`.
  expect(uid === process.getuid?.()).toBe(process.getuid?.() !== 0);
  expect(uid).not.toBe(65_534);

  const closedAt = performance.now();
  expect(await worker.close('t/a', claim)).toBe(true);
  expect(performance.now() - closedAt).toBeLessThan(scaled(2_000));
  await expectNothingLeft();
  expect(worker.gone).toEqual([]);
});

test('a browser that is killed is reported within a second as crashed', async () => {
  await worker.launch('t/a', fence());
  sendSignal(await browserPid(), 'SIGKILL');
  const killedAt = performance.now();
  const { gone } = await worker.untilGone('t/a');
  expect(performance.now() - killedAt).toBeLessThan(scaled(1_000));
  expect(gone?.cause).toBe('browser_crashed');
  expect(gone?.message).toContain('was killed by SIGKILL');
  await worker.untilIdle();
  await expectNothingLeft();
});

test('a browser that its client closes is reported as closed by the client', async () => {
  const browser = await connect(await worker.launch('t/a', fence()));
  await browser.close();
  expect((await worker.untilGone('t/a')).gone).toEqual({
    cause: 'client_closed_browser',
    message: 'the browser was closed by a client',
  });
  await worker.untilIdle();
  await expectNothingLeft();
});

test('a browser that is terminated from outside counts as crashed, although it exits with 0', async () => {
  await worker.launch('t/a', fence());
  sendSignal(await browserPid(), 'SIGTERM');
  expect((await worker.untilGone('t/a')).gone?.cause).toBe('browser_crashed');
});

test('a browser outlives its last page', async () => {
  const claim = fence();
  const browser = await connect(await worker.launch('t/a', claim));
  const page = await browser.newPage();
  await page.close();
  expect(await browser.pages()).toEqual([]);
  await (await browser.newPage()).goto('about:blank');
  await browser.disconnect();
  expect(worker.gone).toEqual([]);
});

test('a browser that is stopped still ends within five seconds', async () => {
  const claim = fence();
  await worker.launch('t/a', claim);
  sendSignal(await browserPid(), 'SIGSTOP');
  const orderedAt = performance.now();
  expect(await worker.close('t/a', claim)).toBe(true);
  expect(performance.now() - orderedAt).toBeLessThan(scaled(5_000));
  await expectNothingLeft();
});

test('a browser that does not answer any more is ended as unresponsive', async () => {
  await fixture.stopKeeper();
  await fixture.startKeeper({
    ...fixture.settings,
    rhythm: { liveness: { everyMs: 100, patienceMs: 200, misses: 3 } },
  });
  await worker.registration(1);
  await worker.launch('t/a', fence());
  sendSignal(await browserPid(), 'SIGSTOP');
  expect((await worker.untilGone('t/a', 8_000)).gone?.cause).toBe('browser_unresponsive');
  await worker.untilIdle();
  await expectNothingLeft();
});

test('a browser that does not start fails its launch with its last output, and leaves nothing', async () => {
  await fixture.stopKeeper();
  await fixture.startKeeper({
    browser: {
      kind: 'chromium',
      programs: { chromium: '/bin/ls' },
      byDefault: 'chromium',
      args: [],
      noSandbox: false,
    },
  });
  await worker.registration(1);
  await expect(worker.launch('t/a', fence())).rejects.toMatchObject({
    code: 'launch_failed',
    message: expect.stringMatching(/exited with status 2 .*unrecognized option/),
  });
  expect(await worker.used()).toBe(0);
  await expectNothingLeft();
});

test('a launch that takes too long is ended', async () => {
  await expect(worker.launch('t/a', fence(), 20)).rejects.toMatchObject({
    code: 'launch_failed',
    message: expect.stringContaining('not ready within 20 ms'),
  });
  await expectNothingLeft();
});

test('a restarted keeper takes over the browsers that it finds', async () => {
  const [first, second] = [fence(1), fence(2)];
  const endpoint = await worker.launch('t/a', first);
  const browser = await connect(endpoint);
  await (await browser.newPage()).evaluate('window.kept = 42');
  await fixture.stopKeeper();
  await fixture.startKeeper();

  const registration = await worker.registration(1);
  expect(registration.browsers).toEqual([
    { ref: 't/a', fence: first, state: 'running', endpoint, gone: null },
  ]);
  const page = (await browser.pages()).at(-1);
  expect(await page?.evaluate('window.kept')).toBe(42);
  await worker.client.call('claim', { ref: 't/a', from: first, to: second }, { timeoutMs: 1_000 });
  await browser.close();
  expect(await worker.untilGone('t/a')).toMatchObject({
    fence: second,
    gone: { cause: 'client_closed_browser' },
  });
  await worker.untilIdle();
  await expectNothingLeft();
});

test('a restarted keeper reports what happened while it was away', async () => {
  const browser = await connect(await worker.launch('t/closed', fence()));
  await fixture.stopKeeper();
  await browser.close();
  await pollUntil('the exit to be written down', { timeoutMs: 15_000, everyMs: 10 }, async () => {
    const names = await readdir(join(fixture.dir.path, 'run'));
    const directory = names.find(name => name.startsWith('b-')) ?? '';
    const exit = await readFile(join(fixture.dir.path, 'run', directory, 'exit'), 'utf8');
    return /^\d+$/m.test(exit) ? true : undefined;
  });
  await fixture.startKeeper();
  const { browsers, stats } = await worker.registration(1);
  expect(browsers).toMatchObject([
    { ref: 't/closed', state: 'gone', gone: { cause: 'client_closed_browser' } },
  ]);
  expect(stats).toMatchObject({ used: 0, orphansReaped: 0 });
  await expectNothingLeft();
});

test('a restarted keeper removes browsers that have no record', async () => {
  await worker.launch('t/a', fence());
  await fixture.stopKeeper();
  await rm(join(fixture.dir.path, 'run', 'records'), { recursive: true });
  await fixture.startKeeper();
  expect(await worker.registration(1)).toMatchObject({ browsers: [], stats: { used: 0, orphansReaped: 1 } });
  await expectNothingLeft();
});
