import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import puppeteer from 'puppeteer';
import { pollUntil } from '../../src/core/abort';
import { systemClock } from '../../src/core/clock';
import { systemProcesses } from '../../src/core/process-identity';
import { makeTempDir, type TempDir } from '../support/temp-dir';

/* `holdfast start` as users run it: from the build, with a Redis of its own and real browsers. */

const ROOT = join(__dirname, '../..');
const READY_TIMEOUT_MS = 30_000;

interface SessionView {
  readonly id: string;
  readonly status: string;
  readonly endReason: string | null;
  readonly websocketUrl: string;
}

let dir: TempDir;
let services: Service[];
beforeEach(async () => {
  dir = await makeTempDir();
  services = [];
});
afterEach(async () => {
  for (const service of services) await service.stop();
  await dir.remove();
});

class Service {
  readonly exited: Promise<number | NodeJS.Signals | null>;
  #said = '';

  private constructor(
    readonly process: ChildProcess,
    private readonly dataDir: string,
  ) {
    this.exited = new Promise(resolve => process.once('exit', (code, signal) => resolve(code ?? signal)));
    process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
  }

  static async start(): Promise<Service> {
    const env = { HOLDFAST_PORT: '0', HOLDFAST_DATA_DIR: dir.path, HOLDFAST_API_KEYS: '', REDIS_URL: '' };
    const child = spawn(process.execPath, [join(ROOT, 'bin/holdfast'), 'start'], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const service = new Service(child, dir.path);
    services.push(service);
    await pollUntil(
      'ready line',
      { timeoutMs: READY_TIMEOUT_MS, everyMs: 20 },
      () => service.url ?? undefined,
    );
    return service;
  }

  get url(): string | null {
    return /^Holdfast is ready at (\S+)$/m.exec(this.#said)?.[1] ?? null;
  }

  async call(method: string, path: string, body?: unknown): Promise<SessionView> {
    const response = await fetch(`${this.url ?? ''}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    // SAFETY: every path used here answers with a session.
    return (await response.json()) as SessionView;
  }

  /** Ends the service; one that was killed is started again first, so that its keeper and Redis end too. */
  async stop(): Promise<void> {
    if (this.process.signalCode !== null && (await readdir(this.dataDir)).includes('children.json')) {
      await (await Service.start()).stop();
      return;
    }
    this.process.kill('SIGTERM');
    await this.exited;
  }
}

/** Writes a mark into the page of a session, or reads it. */
async function inPage<T>({ websocketUrl }: SessionView, work: string): Promise<T> {
  const browser = await puppeteer.connect({ browserWSEndpoint: websocketUrl });
  try {
    const [page] = await browser.pages();
    if (page === undefined) throw new Error('the session has no page');
    // SAFETY: what the expression gives is the caller's business.
    return (await page.evaluate(work)) as T;
  } finally {
    await browser.disconnect();
  }
}

test('a session outlives kill -9 of the supervisor, its page and all', async () => {
  const first = await Service.start();
  const session = await first.call('POST', '/v1/sessions', { timeout: 120_000 });
  await inPage(session, 'window.mark = 42');
  first.process.kill('SIGKILL');
  await first.exited;

  const second = await Service.start();
  const found = await second.call('GET', `/v1/sessions/${session.id}`);
  expect(found.status).toBe('live');
  expect(await inPage<number>(found, 'window.mark')).toBe(42);
});

test('Ctrl-C ends sessions as drained, everything within 10 s, with 0 and nothing left', async () => {
  const service = await Service.start();
  const session = await service.call('POST', '/v1/sessions', { timeout: 120_000 });
  const beganMs = systemClock.monotonicMs();
  service.process.kill('SIGINT');
  expect(await service.exited).toBe(0);
  expect(systemClock.monotonicMs() - beganMs).toBeLessThan(10_000);
  const left = (await systemProcesses.list()).filter(({ commandLine }) => commandLine.includes(dir.path));
  expect(left).toEqual([]);

  const next = await Service.start();
  expect(await next.call('GET', `/v1/sessions/${session.id}`)).toMatchObject({
    status: 'released',
    endReason: 'drained',
  });
});

test('every process has its name in full', async () => {
  await Service.start();
  const names = (await systemProcesses.list()).map(({ commandLine }) => commandLine);
  for (const role of ['supervisor', 'api', 'keeper', 'worker']) {
    expect(names).toContainEqual(expect.stringMatching(new RegExp(`^holdfast: ${role}$`)));
  }
});

test('npm run demo shows a session from its creation to its end', async () => {
  const { url } = await Service.start();
  const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, 'scripts/demo.mjs')], {
    env: { ...process.env, HOLDFAST_URL: url ?? '', HOLDFAST_API_KEY: '' },
  });
  expect(stdout).toMatch(/create +session \S+ is live/);
  expect(stdout).toContain('never forgotten, ended exactly once, gone within five seconds');
  expect(stdout).toMatch(/created → live/);
  expect(stdout).toContain('released (released_by_client)');
});
