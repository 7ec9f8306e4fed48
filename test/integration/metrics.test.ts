import { execFileSync } from 'node:child_process';
import { Queue } from 'bullmq';
import WebSocket from 'ws';
import { once } from 'node:events';
import { refOf } from '../../src/core/ids';
import { firstStep } from '../../machines/step';
import { QueueDepths } from '../../src/queue/queue-depths';
import { startTestApi, type TestApi } from '../support/api';
import { isInstalled } from '../support/prometheus';
import { sendRaw } from '../support/raw-http';
import { INPUT } from '../support/session-samples';
import { pollUntil } from '../support/poll-until';

/** A page of metrics: the value of each time series by its name with labels. */
type Page = ReadonlyMap<string, number>;

function parse(text: string): Page {
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'));
  return new Map(lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

describe('/metrics of an API', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi({ apiKeys: [{ tenant: 'acme', key: 'acme-key-1' }] });
  });
  afterAll(() => api.stop());

  const KEY = { 'x-api-key': 'acme-key-1' };
  const text = async (): Promise<string> => {
    const { status, body } = await api.call('GET', '/metrics', { headers: KEY });
    expect(status).toBe(200);
    return String(body['text']);
  };
  const page = async (): Promise<Page> => parse(await text());

  /** The page once it satisfies a condition; what comes from Redis is up to a second old. */
  const pageWith = (condition: (page: Page) => boolean): Promise<Page> =>
    pollUntil('the page to change', { timeoutMs: 5_000, everyMs: 50 }, async () => {
      const now = await page();
      return condition(now) ? now : undefined;
    });

  (isInstalled('promtool') ? it : it.skip)("passes Prometheus' linter", async () => {
    await api.createLive({}, KEY);
    execFileSync('promtool', ['check', 'metrics'], { input: await text(), stdio: 'pipe', timeout: 10_000 });
  });

  it('counts how a session was created, started and ended', async () => {
    const before = await page();
    const { id } = await api.createLive({}, KEY);
    await api.call('DELETE', `/v1/sessions/${id}`, { headers: KEY });
    const after = await pageWith(
      now =>
        (now.get('holdfast_sessions{status="released"}') ?? 0) >
        (before.get('holdfast_sessions{status="released"}') ?? 0),
    );
    const risen = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    expect(risen('holdfast_sessions_created_total{source="api"}')).toBe(1);
    // The release is a job, so this process or the other one has committed it. Each exports its own commits.
    const committed = parse(await api.deps.metrics.registry.text());
    const released = 'holdfast_sessions_ended_total{outcome="released",reason="released_by_client"}';
    expect((after.get(released) ?? 0) + (committed.get(released) ?? 0)).toBeGreaterThanOrEqual(1);
    const started = 'holdfast_session_start_duration_seconds_count{outcome="live"}';
    expect(committed.get(started)).toBeGreaterThanOrEqual(1);
    expect(after.get('holdfast_redis_up')).toBe(1);
    expect(after.get('holdfast_redis_memory_used_bytes')).toBeGreaterThan(500_000);
  });

  it('counts a job of another service as one from a queue', () => {
    const { snapshot } = firstStep(INPUT);
    const step = { ref: refOf('acme', 'x'), revision: 1, event: 'created', cause: 'requested' };
    api.deps.report.transition({
      ...step,
      actor: 'job:7',
      before: null,
      after: snapshot,
      nowMs: INPUT.nowMs,
    });
    return expect(api.deps.metrics.registry.text()).resolves.toContain(
      'holdfast_sessions_created_total{source="queue"} 1',
    );
  });

  it('shows how many jobs are in quarantine, until they are discarded', async () => {
    const job = { queue: 'ingress', jobId: '1', name: 'x', reason: 'malformed', detail: 'x' } as const;
    const { id } = await api.deps.quarantine.put({ ...job, data: '{}' });
    await pageWith(now => now.get('holdfast_quarantined_jobs') === 1);
    await api.deps.quarantine.remove(id);
    await pageWith(now => now.get('holdfast_quarantined_jobs') === 0);
  });

  it('counts clients of a browser, and their bytes', async () => {
    const { websocketUrl } = await api.createLive({}, KEY);
    const before = await page();
    const socket = new WebSocket(websocketUrl ?? '', { perMessageDeflate: false });
    await once(socket, 'open');
    const answered = once(socket, 'message');
    socket.send('x'.repeat(100_000));
    await answered;
    const during = await page();
    expect(during.get('holdfast_cdp_connections')).toBe(1);
    socket.terminate();
    const after = await pageWith(now => now.get('holdfast_cdp_connections') === 0);
    for (const direction of ['from_client', 'to_client']) {
      const name = `holdfast_cdp_bytes_total{direction="${direction}"}`;
      const [was, is] = [before.get(name) ?? 0, after.get(name) ?? 0];
      expect(is - was).toBeGreaterThan(100_000);
      expect(is - was).toBeLessThan(101_000);
      expect(during.get(name)).toBe(is);
    }
  });

  it('counts the streams of events that are open', async () => {
    const reading = new AbortController();
    await fetch(`${api.url}/v1/events`, { headers: KEY, signal: reading.signal });
    expect((await page()).get('holdfast_event_streams')).toBe(1);
    reading.abort();
    await pageWith(now => now.get('holdfast_event_streams') === 0);
  });

  it('has no label value that a caller could choose', async () => {
    const marks: string[] = [];
    const mark = (): string => {
      marks.push(`mark${marks.length}x`);
      return marks.at(-1) ?? '';
    };
    const seriesAfterMore = async (): Promise<string[]> => {
      await beHostile(mark);
      const pages = [await text(), await api.deps.metrics.registry.text()];
      // What the process has open at this moment comes and goes, such as a file that is being read.
      const isSteady = (name: string): boolean => !name.startsWith('holdfast_nodejs_active_');
      return pages.flatMap(page => [...parse(page).keys()].filter(isSteady)).sort();
    };
    const series = await seriesAfterMore();
    for (const one of [...marks, '__proto__']) expect(series.filter(name => name.includes(one))).toEqual([]);
    // All unknown methods share one series, and so do all unknown routes.
    expect(series.filter(name => /PURGE|SEARCH|REPORT/.test(name))).toEqual([]);
    expect(series.some(name => name.includes('route="unmatched",method="other"'))).toBe(true);
    expect(await seriesAfterMore()).toEqual(series);
  });

  /* Every value that a caller can choose, with new words each time. */
  const beHostile = async (mark: () => string): Promise<void> => {
    const paths = [
      `/v1/sessions/${mark()}`,
      `/${mark()}/../${mark()}`,
      `/v1/sessions/${mark()}/cdp?token=${mark()}`,
      `/v1/sessions?labelSelector=${mark()}`,
      `/metrics?${mark()}`,
      `/%00${mark()}`,
    ];
    for (const path of paths) {
      for (const method of ['GET', 'DELETE', 'PURGE', 'M-SEARCH', 'REPORT']) {
        await sendRaw(api.url, { method, path, headers: [['x-api-key', 'acme-key-1']] });
        await sendRaw(api.url, { method, path, headers: [['host', `${mark()}.example`]] });
      }
    }
    const body = { sessionId: mark(), name: mark(), labels: { [mark()]: mark() } };
    await api.createLive(body, { ...KEY, 'x-request-id': mark(), 'user-agent': mark() });
    for (const one of ['__proto__', 'constructor', mark()]) {
      api.deps.report.jobHandled(one, one, 'done', 1);
      api.deps.report.jobStalled(one, one);
    }
  };
});

describe('the depths of queues', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
  });
  afterAll(() => api.stop());

  it('are those that BullMQ counts, with the age of the job that waits longest', async () => {
    const connection = { path: api.redis.socketPath };
    const queue = new Queue('launch', { connection, prefix: '{hf}' });
    // No worker may take the jobs while they are counted.
    await queue.pause();
    await queue.add('launch', {}, { timestamp: 2_000 });
    await queue.add('launch', {}, { timestamp: 1_000, priority: 5 });
    await queue.add('launch', {}, { delay: 60_000 });
    const counts = await queue.getJobCounts('wait', 'prioritized', 'active', 'delayed');
    const found = (await new QueueDepths(api.deps.redis).read()).find(depth => depth.queue === 'launch');
    expect(counts).toMatchObject({ prioritized: 1, delayed: 1 });
    expect(found?.jobs).toMatchObject({ waiting: 2, active: 0, delayed: 1 });
    expect(found?.oldestWaitingAtMs).toBe(1_000);
    await queue.obliterate({ force: true });
    await queue.close();
  });

  it('are those of all other queues while a producer has damaged one', async () => {
    const depths = new QueueDepths(api.deps.redis);
    const { redis } = api.deps;
    const names = async (): Promise<string[]> => (await depths.read()).map(({ queue }) => queue);
    for (const key of ['failed', 'prioritized', 'wait']) {
      await redis.set(`{hf-in}:ingress:${key}`, 'x');
      expect(await names()).toEqual(['launch', 'sessions', 'timers', 'accepted']);
      await redis.del(`{hf-in}:ingress:${key}`);
    }
    await redis.set('{hf-in}:ingress:odd', 'no job');
    await redis.rpush('{hf-in}:ingress:paused', 'odd');
    const ofIngress = (await depths.read()).find(({ queue }) => queue === 'ingress');
    expect(ofIngress).toMatchObject({ jobs: { waiting: 1 }, oldestWaitingAtMs: null });
    await redis.del('{hf-in}:ingress:paused', '{hf-in}:ingress:odd');
  });

  it('are zero for empty queues, and give no age when a job has no time', async () => {
    const depths = new QueueDepths(api.deps.redis);
    const { redis } = api.deps;
    const ofIngress = async () => (await depths.read()).find(({ queue }) => queue === 'ingress');
    expect(await ofIngress()).toMatchObject({ jobs: { waiting: 0, active: 0 }, oldestWaitingAtMs: null });
    await redis.hset('{hf-in}:ingress:odd', 'timestamp', 'yesterday');
    await redis.rpush('{hf-in}:ingress:paused', 'odd', 'gone');
    expect(await ofIngress()).toMatchObject({ jobs: { waiting: 2 }, oldestWaitingAtMs: null });
    await redis.del('{hf-in}:ingress:paused', '{hf-in}:ingress:odd');
  });
});
