import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectPuppeteer, withPuppeteer } from '../support/clients';
import { findHeadlessShell } from '../support/headless-shell';
import { Installation, type SessionView } from '../support/installation';
import { startRedis, type TestRedis } from '../support/redis';
import { pollUntil } from '../support/poll-until';

/* Five seconds after a session has ended, only its documented records are left (I7). */

const GONE_WITHIN_MS = 5_000;

let redis: TestRedis;
let installation: Installation;

beforeAll(async () => {
  redis = await startRedis();
  installation = await Installation.start({ browser: 'chromium', env: { REDIS_URL: redis.url } });
});
afterAll(async () => {
  await installation.stop();
  await redis.stop();
});

const release = async ({ id }: SessionView): Promise<unknown> =>
  installation.call('POST', `/v1/sessions/${id}/release`, undefined, { prefer: 'respond-async' });

const killBrowser = async (): Promise<void> => {
  const [pid] = await installation.browsers();
  process.kill(pid ?? NaN, 'SIGKILL');
};

/** Costs a third; what the whole Chromium could leave, it leaves at any of the other ends. */
const SHELL = findHeadlessShell() === null ? {} : { browser: 'chromium-headless-shell' };

/** Every way to end, by its end reason; each gets a session that is alone on the machine. */
const ENDS: readonly (readonly [
  reason: string,
  wish: Record<string, unknown>,
  end: (session: SessionView) => Promise<unknown>,
])[] = [
  ['released_by_client', {}, release],
  ['released_by_bulk', SHELL, () => installation.call('POST', '/v1/sessions/release')],
  ['client_closed_browser', {}, session => withPuppeteer(session, (_page, browser) => browser.close())],
  ['browser_crashed', {}, killBrowser],
  // Long enough to be used fully before.
  ['session_timeout', { ...SHELL, timeout: 5_000 }, () => Promise.resolve()],
  ['idle_timeout', { ...SHELL, idleTimeout: 3_000 }, () => Promise.resolve()],
  ['connect_timeout', { ...SHELL, connectTimeout: 1_000 }, () => Promise.resolve()],
];

/** Makes a browser do what could leave something behind: files, a download, storage, a worker, several processes. */
async function useFully(session: SessionView): Promise<void> {
  const browser = await connectPuppeteer(session);
  const page = await browser.newPage();
  await page.goto('data:text/html,<a download="x.txt" href="data:,text">x</a>');
  await page.evaluate('document.querySelector("a").click()');
  await page.evaluate('void window.open("about:blank")');
  const uploads = `${installation.url}/v1/sessions/${session.id}/uploads?name=x`;
  const headers = { 'content-type': 'application/octet-stream' };
  expect((await fetch(uploads, { method: 'POST', body: 'x', headers })).status).toBe(201);
  await browser.disconnect();
}

/**
 * Names on disk that belong to browsers: run directories, records of the keeper, and files that Chromium makes
 * elsewhere.
 */
async function browserFiles(): Promise<string[]> {
  const run = join(installation.dir.path, 'run');
  const dropped = (await Promise.all([tmpdir(), '/tmp', '/dev/shm'].map(list))).flat();
  return [
    ...(await readdir(run)).filter(name => name.startsWith('b-')),
    ...(await readdir(join(run, 'records'))),
    ...dropped.filter(name => /chrom/i.test(name) && !foreign.has(name)),
  ];
}

/** Files that other programs on this machine had left before the test. */
let foreign: ReadonlySet<string>;
beforeAll(async () => {
  foreign = new Set((await Promise.all(['/tmp', '/dev/shm'].map(list))).flat());
});

const list = (path: string): Promise<string[]> => readdir(path).catch(() => []);

/** The keys that may exist while no session lives, apart from those of the ended sessions themselves. */
const KEPT_KEYS: readonly RegExp[] = [
  /^\{hf\}:(ended|ended:until|counts|notices|secret|leases|procs|armed)$/,
  /^\{hf\}:audit$/, // bounded: a release of all is written there
  /^\{hf\}:(w|ctl):[0-9a-f-]+$/, // the worker itself
  /^\{hf\}:usage:default:\d{4}-\d\d-\d\d$/, // a tenant's sums of a day
  /^\{hf\}:proc:/, // processes with clients; expires
  /^\{hf\}:lock:/, // turns of the sweeps; expire
  /^(\{hf\}:(launch|sessions|timers)|\{hf-in\}:(ingress|accepted)):(meta|id|events|marker|stalled-check)$/,
  /^\{hf\}:sessions:(c\.probe\..*|active|wait)$/, // the readiness probe, under way
  /^\{hf\}:ix:default:(all|st:(released|failed|timed_out))$/,
];

async function unexpectedKeys(ids: readonly string[]): Promise<string[]> {
  const keys = (await redis.cli('--scan')).split('\n').filter(key => key !== '');
  const kept = new Set(ids.flatMap(id => [`{hf}:s:default/${id}`, `{hf}:h:default/${id}`]));
  return keys.filter(key => !kept.has(key) && !KEPT_KEYS.some(pattern => pattern.test(key))).sort();
}

const clientCount = async (): Promise<number> => (await redis.cli('client', 'list')).split('\n').length;

test('nothing is left five seconds after an end of any kind', async () => {
  // Connections that are opened at their first use are open after this.
  const first = await installation.create();
  await useFully(first);
  await installation.call('DELETE', `/v1/sessions/${first.id}`);
  const connectionsBefore = await clientCount();

  const ended = [first.id];
  for (const [reason, wish, end] of ENDS) {
    const session = await installation.create(wish);
    if (reason !== 'connect_timeout') await useFully(session);
    await end(session);
    const { status, endReason } = await installation.until(session.id, ({ endedAt }) => endedAt !== null);
    expect({ endReason, status }).toMatchObject({ endReason: reason });
    ended.push(session.id);
    await pollUntil(
      `everything to be gone after ${reason}`,
      { timeoutMs: GONE_WITHIN_MS, everyMs: 50 },
      async () => {
        const left = [
          ...(await installation.browserProcesses()),
          ...(await browserFiles()),
          ...(await unexpectedKeys(ended)),
        ];
        return left.length === 0 ? true : undefined;
      },
    ).catch(async (error: unknown) => {
      const left = {
        files: await browserFiles(),
        processes: await installation.browserProcesses(),
        keys: await unexpectedKeys(ended),
      };
      throw new Error(`after ${reason}: ${JSON.stringify(left)}`, { cause: error });
    });
  }
  expect(await clientCount()).toBe(connectionsBefore);
  const size = async (key: string): Promise<number> => Number(await redis.cli('zcard', key));
  expect(await size('{hf}:ended')).toBe(ended.length);
  expect(await size('{hf}:ix:default:all')).toBe(ended.length);
});

test('nothing is left of twenty sessions that were released while they were being made', async () => {
  const sessions = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const { body } = await installation.call('POST', '/v1/sessions', {}, { prefer: 'respond-async' });
      await pollUntil('a moment', { timeoutMs: 2_000, everyMs: 5 }, startedAfter(i * 25));
      await release(body);
      return body.id;
    }),
  );
  const known = (await redis.cli('zrange', '{hf}:ended', '0', '-1'))
    .split('\n')
    .map(ref => ref.replace('default/', ''));
  expect(known).toEqual(expect.arrayContaining(sessions));
  await pollUntil('everything to be gone', { timeoutMs: GONE_WITHIN_MS, everyMs: 50 }, async () =>
    [...(await installation.browserProcesses()), ...(await browserFiles()), ...(await unexpectedKeys(known))]
      .length === 0
      ? true
      : undefined,
  ).catch(async (error: unknown) => {
    const left = {
      files: await browserFiles(),
      processes: await installation.browserProcesses(),
      keys: await unexpectedKeys(known),
    };
    throw new Error(`left: ${JSON.stringify(left)}`, { cause: error });
  });
});

/** True once `ms` have gone by since the call: spreads the releases over all moments of a launch. */
function startedAfter(ms: number): () => true | undefined {
  const atMs = performance.now() + ms;
  return () => (performance.now() >= atMs ? true : undefined);
}
