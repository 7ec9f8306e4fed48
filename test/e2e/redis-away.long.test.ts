import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'puppeteer';
import { checkHistory } from '../chaos/checker';
import { connectPuppeteer, leaveMark, readMark } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { callEverything } from '../support/outage';
import { startRedis, type TestRedis } from '../support/redis';
import { RedisProxy } from '../support/redis-proxy';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

/* Redis fails in several ways while sessions are live, and comes back. */

/** The answers to a call while Redis does not answer (I15). */
const ANSWER_WITHIN_MS = 2_500;
const UNREADY_WITHIN_MS = 5_000;
const READY_WITHIN_MS = 3_000;

let redis: TestRedis;
let installation: Installation;
let session: SessionView;
let browser: Browser;
let page: Page;

const untilReadyIs = async (ready: boolean, timeoutMs: number): Promise<true> =>
  pollUntil(`readyz to be ${ready ? 200 : 503}`, { timeoutMs, everyMs: 20 }, async () =>
    (await installation.call('GET', '/readyz')).status === (ready ? 200 : 503) ? true : undefined,
  );

const releaseAll = (): Promise<unknown> => installation.call('POST', '/v1/sessions/release');

async function open(): Promise<void> {
  session = await installation.create();
  browser = await connectPuppeteer(session);
  page = (await browser.pages())[0] ?? (await browser.newPage());
  await page.evaluate('window.name = "the very same"');
}

interface Outage {
  readonly begin: () => Promise<void> | void;
  readonly end: () => Promise<void> | void;
  readonly lastsMs: number;
}

/* Makes one outage and checks every promise about it. */
async function survive({ begin, end, lastsMs }: Outage): Promise<void> {
  const due = await installation.create({ timeout: 1_500 });
  const dueMs = Date.parse(due.expiresAt ?? '');
  await pollUntil('the deadline to be near', { timeoutMs: 2_000, everyMs: 5 }, () =>
    Date.now() > dueMs - 300 ? true : undefined,
  );
  await begin();
  const beganMs = performance.now();
  let backMs: number;
  try {
    const unready = untilReadyIs(false, UNREADY_WITHIN_MS);
    const traffic = drive(() => performance.now() - beganMs < lastsMs);
    await expectRefusals();
    await Promise.all([unready, traffic]);
  } finally {
    backMs = Date.now();
    await end();
  }
  await untilReadyIs(true, READY_WITHIN_MS);

  const over = await installation.until(due.id, ({ endedAt }) => endedAt !== null);
  expect(over).toMatchObject({ status: 'timed_out', endReason: 'session_timeout' });
  expect(Date.parse(over.endedAt ?? '')).toBeGreaterThanOrEqual(dueMs);
  expect(Date.parse(over.endedAt ?? '')).toBeLessThanOrEqual(backMs + scaled(3_000));
}

async function expectRefusals(): Promise<void> {
  for (const { call, status, code, retryAfter, tookMs } of await callEverything(installation, session)) {
    expect({ call, status, retryAfter }).toEqual({ call, status: 503, retryAfter: '1' });
    expect(['redis_unavailable', 'outcome_unknown']).toContain(code);
    expect(tookMs).toBeLessThan(scaled(ANSWER_WITHIN_MS));
  }
}

/* A client that makes one round trip after the other; none of them may wait for Redis. */
async function drive(goesOn: () => boolean): Promise<void> {
  let slowestMs = 0;
  while (goesOn()) {
    const beganMs = performance.now();
    expect(await page.evaluate('window.name')).toBe('the very same');
    slowestMs = Math.max(slowestMs, performance.now() - beganMs);
    await page.evaluate(() => new Promise(resolve => setTimeout(resolve, 50)));
  }
  expect(slowestMs).toBeLessThan(scaled(1_000));
}

/* A command that was answered with 503 may still take effect once Redis is back: its outcome was unknown. */
async function expectUnharmed(): Promise<void> {
  expect(await page.evaluate('window.name')).toBe('the very same');
  expect(browser.connected).toBe(true);
  expect(await installation.read(session.id)).toMatchObject({ status: 'live' });
  expect(await readMark(await installation.read(session.id))).toBe('the very same');
}

describe('Redis on this machine', () => {
  beforeAll(async () => {
    redis = await startRedis({ appendonly: true, appendfsync: 'always' });
    installation = await Installation.start({ browser: 'shell', env: { REDIS_URL: redis.url } });
  });
  afterAll(async () => {
    await installation.stop();
    await redis.stop();
  });
  beforeEach(open);
  afterEach(async () => {
    await browser.disconnect();
    await releaseAll();
  });

  it('killed for longer than a lease costs no session', async () => {
    const outage = { begin: () => redis.kill('SIGKILL'), end: () => redis.restart(), lastsMs: 12_000 };
    await survive(outage);
    await expectUnharmed();
  });

  it('frozen for four seconds costs nothing but waiting', async () => {
    const outage = { begin: () => redis.kill('SIGSTOP'), end: () => redis.kill('SIGCONT'), lastsMs: 4_000 };
    await survive(outage);
  });

  it('rolled back to an earlier moment ends what it has forgotten, and keeps what it knows', async () => {
    const forgotten = join(redis.dir, 'earlier');
    await leaveMark(session, 'known');
    const released = await installation.create();
    await cp(join(redis.dir, 'appendonlydir'), forgotten, { recursive: true });
    await installation.call('DELETE', `/v1/sessions/${released.id}`);
    const lost = await installation.create();
    const client = await connectPuppeteer(lost);
    await redis.kill('SIGKILL');
    await rm(join(redis.dir, 'appendonlydir'), { recursive: true });
    await cp(forgotten, join(redis.dir, 'appendonlydir'), { recursive: true });
    await redis.restart();

    const answer = await pollUntil('an answer', { timeoutMs: READY_WITHIN_MS, everyMs: 20 }, async () => {
      const { status } = await installation.call('GET', `/v1/sessions/${lost.id}`);
      return status === 503 ? undefined : status;
    });
    expect(answer).toBe(404);
    await pollUntil('the forgotten browser to be ended', { timeoutMs: 15_000, everyMs: 50 }, async () =>
      (await installation.browsers()).length === 1 ? true : undefined,
    );
    expect(client.connected).toBe(false);
    const again = await installation.until(released.id, ({ endedAt }) => endedAt !== null);
    expect(again).toMatchObject({ status: 'failed', endReason: 'browser_crashed' });
    expect(await readMark(await installation.read(session.id))).toBe('known');
    for (const { id } of [session, released]) {
      const [view, history] = [await installation.read(id), await installation.history(id)];
      expect(checkHistory({ id, view, history })).toEqual([]);
    }
  });
});

describe('Redis behind a network', () => {
  let proxy: RedisProxy;

  beforeAll(async () => {
    redis = await startRedis();
    proxy = await RedisProxy.start(redis.socketPath);
    installation = await Installation.start({ browser: 'shell', env: { REDIS_URL: proxy.url } });
  });
  afterAll(async () => {
    proxy.heal();
    await installation.stop();
    await proxy.stop();
    await redis.stop();
  });
  beforeEach(open);
  afterEach(async () => {
    await browser.disconnect();
    await releaseAll();
  });

  it('that swallows everything for six seconds costs nothing but waiting', async () => {
    await survive({ begin: () => proxy.blackHole(), end: () => proxy.heal(), lastsMs: 6_000 });
  });

  it('that has forgotten every connection is back in use before a lease lapses', async () => {
    const due = await installation.create({ timeout: 2_000 });
    proxy.forget();
    const beganMs = performance.now();
    await pollUntil('an answer', { timeoutMs: 5_000, everyMs: 20 }, async () =>
      (await installation.call('GET', `/v1/sessions/${session.id}`)).status === 200 ? true : undefined,
    );
    expect(await installation.until(due.id, ({ endedAt }) => endedAt !== null)).toMatchObject({
      endReason: 'session_timeout',
    });
    const another = await settle(() => installation.call('POST', '/v1/sessions', {}));
    expect(another.body.status).toBe('live');
    expect(performance.now() - beganMs).toBeLessThan(scaled(10_000));
    await expectUnharmed();
  });

  it('that resets every connection again and again loses no transition', async () => {
    const storm = setInterval(() => proxy.cut(), 250);
    try {
      for (let i = 0; i < 8; i += 1) expect(await page.evaluate('window.name')).toBe('the very same');
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          settle(() =>
            installation.call('POST', '/v1/sessions', {}, { 'idempotency-key': `storm-${i % 5}` }),
          ),
        ),
      );
      expect(new Set(answers.map(({ body }) => body.id)).size).toBe(5);
      for (const { body } of answers)
        await settle(() => installation.call('DELETE', `/v1/sessions/${body.id}`));
      for (const { body } of answers) {
        const history = (
          await settle(() => installation.call<{ events: [] }>('GET', `/v1/sessions/${body.id}/events`))
        ).body.events;
        const { body: view } = await settle(() => installation.call('GET', `/v1/sessions/${body.id}`));
        expect(view).toMatchObject({ status: 'released', endReason: 'released_by_client' });
        expect(checkHistory({ id: body.id, view, history })).toEqual([]);
      }
    } finally {
      clearInterval(storm);
    }
    await untilReadyIs(true, READY_WITHIN_MS);
    await expectUnharmed();
  });

  /* Repeats a call after a 503, as a client should. */
  const settle = <T>(
    call: () => Promise<{ status: number; body: T }>,
  ): Promise<{ status: number; body: T }> =>
    pollUntil('an answer', { timeoutMs: 20_000, everyMs: 20 }, async () => {
      const answer = await call();
      return answer.status === 503 ? undefined : answer;
    });
});
