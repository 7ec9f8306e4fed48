import { fork, type ChildProcess } from 'node:child_process';
import { on, once } from 'node:events';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { callApi } from '../support/api';
import { freePort } from '../support/free-port';
import { startRedis, type TestRedis } from '../support/redis';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

const root = resolve(__dirname, '../..');

describe('the API process', () => {
  let redis: TestRedis;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    }
  });

  const start = (
    settings: Record<string, string> = {},
    stdout: 'ignore' | 'pipe' = 'ignore',
  ): ChildProcess => {
    const child = fork(join(root, 'src/api/main.ts'), {
      execArgv: ['-r', join(root, 'test/support/typescript-hook.cjs')],
      env: {
        ...process.env,
        HOLDFAST_PORT: '0',
        HOLDFAST_LOG_LEVEL: 'silent',
        REDIS_URL: redis.url,
        ...settings,
      },
      stdio: ['ignore', stdout, 'ignore', 'ipc'],
    });
    children.push(child);
    return child;
  };
  const startReady = async (
    settings: Record<string, string> = {},
    stdout: 'ignore' | 'pipe' = 'ignore',
  ): Promise<{ child: ChildProcess; url: string }> => {
    const child = start(settings, stdout);
    for await (const [message] of on(child, 'message') as AsyncIterable<[{ ready?: boolean; url: string }]>) {
      if (message.ready === undefined) continue; // a beat
      expect(message).toEqual({ ready: true, url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) });
      return { child, url: message.url };
    }
    throw new Error('the API said nothing');
  };
  /** Exit code and how long it took. */
  const exitOf = async (child: ChildProcess): Promise<{ code: number | null; ms: number }> => {
    const startedMs = performance.now();
    const [code] = (await once(child, 'exit')) as [number | null];
    return { code, ms: performance.now() - startedMs };
  };

  it('serves once it has reported that it is ready', async () => {
    const { url } = await startReady();
    expect((await callApi(url, 'GET', '/readyz')).status).toBe(200);
    expect((await callApi(url, 'GET', '/v1/sessions')).status).toBe(200);
  });

  it('answers as fast as usual when its log is not read', async () => {
    const { url, child } = await startReady({ HOLDFAST_LOG_LEVEL: 'info' }, 'pipe');
    const tookMs: number[] = [];
    // More than the system buffers of output that is not read.
    const lane = async (): Promise<void> => {
      for (let n = 0; n < 150; n += 1) {
        const sinceMs = performance.now();
        expect((await callApi(url, 'GET', '/v1/sessions')).status).toBe(200);
        tookMs.push(performance.now() - sinceMs);
      }
    };
    await Promise.all(Array.from({ length: 8 }, lane));
    expect(Math.max(...tookMs)).toBeLessThan(scaled(1_000));
    child.kill('SIGTERM');
    expect((await exitOf(child)).code).toBe(0);
  });

  it('ends in order on SIGTERM, and answers waiting calls with the session as it is', async () => {
    const { child, url } = await startReady();
    const waiting = callApi(url, 'POST', '/v1/sessions', { body: { sessionId: 'waits' } });
    await pollUntil('the session', { timeoutMs: 5_000, everyMs: 10 }, async () => {
      return (await callApi(url, 'GET', '/v1/sessions/waits')).status === 200 ? true : undefined;
    });
    child.kill('SIGTERM');
    const [exit, answer] = await Promise.all([exitOf(child), waiting]);
    expect(answer).toMatchObject({ status: 202, body: { id: 'waits', status: 'created' } });
    expect(exit.code).toBe(0);
    expect(exit.ms).toBeLessThan(scaled(5_000));
  });

  it('ends in time on SIGTERM although Redis is frozen', async () => {
    const { child } = await startReady();
    await redis.kill('SIGSTOP');
    try {
      child.kill('SIGTERM');
      const { code, ms } = await exitOf(child);
      expect(code).toBe(0);
      expect(ms).toBeLessThan(scaled(5_000));
    } finally {
      await redis.kill('SIGCONT');
    }
  });

  it('leaves Ctrl-C to its supervisor, and dies with it without releasing anything', async () => {
    const { child, url } = await startReady();
    const headers = { prefer: 'respond-async' };
    await callApi(url, 'POST', '/v1/sessions', { body: { sessionId: 'outlives' }, headers });
    child.kill('SIGINT');
    expect((await callApi(url, 'GET', '/livez')).status).toBe(200);
    child.disconnect();
    const { code, ms } = await exitOf(child);
    expect(code).toBe(1);
    expect(ms).toBeLessThan(scaled(1_000));
    const next = await startReady();
    expect((await callApi(next.url, 'GET', '/v1/sessions/outlives')).body['status']).toBe('created');
  });

  it('loses no session to kill -9, and keeps the URL of a live one', async () => {
    const port = String(await freePort());
    const { child, url } = await startReady({ HOLDFAST_PORT: port });
    await callApi(url, 'POST', '/v1/sessions', {
      body: { sessionId: 'held' },
      headers: { prefer: 'respond-async' },
    });
    child.kill('SIGKILL');
    await exitOf(child);
    const next = await startReady({ HOLDFAST_PORT: port });
    expect(next.url).toBe(url);
    expect((await callApi(url, 'GET', '/v1/sessions/held')).body['status']).toBe('created');
  });

  it('is alive before there is a Redis, and answers 503 to all other calls', async () => {
    const port = await freePort();
    start({ HOLDFAST_PORT: String(port), REDIS_URL: 'unix:///nonexistent/redis.sock' });
    const url = `http://127.0.0.1:${port}`;
    await pollUntil('the listener', { timeoutMs: 10_000, everyMs: 20 }, () =>
      callApi(url, 'GET', '/livez').then(
        () => true,
        () => undefined,
      ),
    );
    expect((await callApi(url, 'GET', '/livez')).status).toBe(200);
    for (const path of ['/readyz', '/v1/sessions']) {
      expect(await callApi(url, 'GET', path)).toMatchObject({
        status: 503,
        body: { code: 'redis_unavailable' },
      });
    }
  });

  it.each([
    ['no Redis to look for', { REDIS_URL: '' }],
    ['a setting that makes no sense', { HOLDFAST_PORT: 'x' }],
  ])('does not start with %s, and ends as with a wrong command line', async (_what, settings) => {
    expect((await exitOf(start(settings))).code).toBe(2);
  });

  it('does not start with a port that is taken', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    try {
      expect((await exitOf(start({ HOLDFAST_PORT: String(port) }))).code).toBe(1);
    } finally {
      other.close();
    }
  });
});
