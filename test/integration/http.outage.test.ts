import { newContextId } from '../../src/core/ids';
import { startTestApi, type Answer, type TestApi } from '../support/api';
import { scaled, watchSlowdown } from '../support/slowdown';
import { pollUntil } from '../support/poll-until';

/** The longest time that an answer may take while Redis is away (I15). */
const ANSWER_WITHIN_MS = 2_500;

const ROUTES = [
  ['POST', '/v1/sessions'],
  ['GET', '/v1/sessions'],
  ['POST', '/v1/sessions/release'],
  ['GET', '/v1/sessions/s-1'],
  ['DELETE', '/v1/sessions/s-1'],
  ['POST', '/v1/sessions/s-1/release'],
  ['GET', '/v1/sessions/s-1/live'],
  ['GET', '/v1/sessions/s-1/events'],
  ['POST', '/v1/contexts'],
  ['GET', '/v1/contexts?name=n'],
  ['DELETE', `/v1/contexts/${newContextId(0)}`],
  ['GET', `/v1/contexts/${newContextId(0)}/versions`],
  ['POST', `/v1/contexts/${newContextId(0)}/versions/1/restore`],
  ['GET', '/queues/api/queues'],
] as const;

describe('while Redis is away', () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await startTestApi();
  });
  afterEach(() => api.stop());

  const timed = async (method: string, path: string): Promise<Answer & { path: string; ms: number }> => {
    const startedMs = performance.now();
    const answer = await api.call(method, path);
    return { ...answer, path, ms: performance.now() - startedMs };
  };
  const expectUnavailable = async (): Promise<void> => {
    const slowdown = watchSlowdown();
    const answers = await Promise.all(ROUTES.map(([method, path]) => timed(method, path)));
    const boundMs = ANSWER_WITHIN_MS * slowdown();
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'redis_unavailable', retryable: true } });
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    expect(answers.filter(({ ms }) => ms > boundMs)).toEqual([]);
  };
  const untilReady = async (ready: boolean, timeoutMs: number): Promise<number> => {
    const startedMs = performance.now();
    await pollUntil(`readiness to be ${ready}`, { timeoutMs, everyMs: 25 }, async () => {
      const { status } = await api.call('GET', '/readyz');
      return status === (ready ? 200 : 503) ? true : undefined;
    });
    return performance.now() - startedMs;
  };

  it('frozen: every call answers 503 in time, readiness fails, and the service works soon afterwards', async () => {
    const session = await api.createLive({ sessionId: 's-1' });
    await api.redis.kill('SIGSTOP');
    try {
      await Promise.all([untilReady(false, 5_000), expectUnavailable()]);
      expect((await timed('GET', '/livez')).ms).toBeLessThan(scaled(200));
      const slowdown = watchSlowdown();
      const metrics = await timed('GET', '/metrics');
      expect(metrics).toMatchObject({ status: 200 });
      expect(metrics.ms).toBeLessThan(ANSWER_WITHIN_MS * slowdown());
      expect(metrics.body['text']).not.toMatch(/^holdfast_sessions\{/m);
    } finally {
      await api.redis.kill('SIGCONT');
    }
    await untilReady(true, 3_000);
    expect(await api.call('GET', `/v1/sessions/${session.id}`)).toMatchObject({
      status: 200,
      body: { status: 'live' },
    });
    expect(await api.call('DELETE', `/v1/sessions/${session.id}`)).toMatchObject({
      body: { status: 'released' },
    });
  });

  it('frozen for longer than the sockets wait: the service works soon afterwards', async () => {
    await api.redis.kill('SIGSTOP');
    try {
      // Longer than the socket time-out, so that every connection has been given up.
      await pollUntil('the tail to be silent', { timeoutMs: 20_000, everyMs: 250 }, async () => {
        const { body } = await api.call('GET', '/readyz');
        return (body['checks'] as { notices: string }).notices === 'silent' ? true : undefined;
      });
      await expectUnavailable();
    } finally {
      await api.redis.kill('SIGCONT');
    }
    await untilReady(true, 3_000);
    expect(await api.createLive()).toMatchObject({ status: 'live' });
  });

  it('dead: every call answers 503 in time, and the service works soon after another one is there', async () => {
    await api.redis.kill('SIGKILL');
    await Promise.all([untilReady(false, 5_000), expectUnavailable()]);
    await api.redis.restart();
    await untilReady(true, 3_000);
    expect(await api.createLive()).toMatchObject({ status: 'live' });
  });

  it('a create that has been accepted answers with its session, not with an error', async () => {
    api.worker.launches = 'ignored';
    const creating = api.call('POST', '/v1/sessions', {
      body: { sessionId: 's-1' },
      headers: { prefer: 'wait=1' },
    });
    await pollUntil('the session', { timeoutMs: 2_000, everyMs: 5 }, async () => {
      return (await api.call('GET', '/v1/sessions/s-1')).status === 200 ? true : undefined;
    });
    await api.redis.kill('SIGSTOP');
    try {
      expect(await creating).toMatchObject({ status: 202, body: { id: 's-1', status: 'created' } });
    } finally {
      await api.redis.kill('SIGCONT');
    }
  });
});
