import { startStepping } from '../../workers/stepping';
import { EngineFixture } from '../support/engine-fixture';
import { Installation, type SessionView } from '../support/installation';
import { startRedis, type TestRedis } from '../support/redis';
import { HAS_COMPILER, makeSettableClock, type SettableClock } from '../support/settable-clock';
import { FAKETIME_LIBRARY, skewedClock } from '../support/skewed-clock';
import { makeTempDir, type TempDir } from '../support/temp-dir';
import { scaled } from '../support/slowdown';

/* Clocks that are a minute wrong: session time is Redis' own, so nothing ends early or a second late (I8, I9). */

const LATE_AT_MOST_MS = 1_000;

/* Without libfaketime these tests are reported as skipped; the tests below still cover jobs and sweeps. */
const withLibrary = FAKETIME_LIBRARY === null ? describe.skip : describe;

withLibrary.each([
  ['fast API, a slow worker', 60, -60],
  ['slow API, a fast worker', -60, 60],
])('with a minute too %s', (_name, apiSeconds, workerSeconds) => {
  let redis: TestRedis;
  let api: Installation;
  let worker: Installation;

  beforeAll(async () => {
    redis = await startRedis();
    const started = (mode: 'api' | 'worker', seconds: number): Promise<Installation> =>
      Installation.start({
        mode,
        env: { REDIS_URL: redis.url, HOLDFAST_SLOTS: '4', ...skewedClock(seconds) },
      });
    [api, worker] = await Promise.all([started('api', apiSeconds), started('worker', workerSeconds)]);
  });
  afterAll(async () => {
    await worker.stop();
    await api.stop();
    await redis.stop();
  });

  const expectOnTime = async (session: SessionView, reason: string, dueMs: number): Promise<void> => {
    const { endReason, endedAt } = await api.until(session.id, view => view.endedAt !== null);
    expect(endReason).toBe(reason);
    const lateMs = Date.parse(endedAt ?? '') - dueMs;
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThanOrEqual(scaled(LATE_AT_MOST_MS));
  };

  it('time-outs of every kind are on time', async () => {
    expect(await secondsAhead(api)).toBeCloseTo(apiSeconds, -1);
    const create = (wish: Record<string, unknown>): Promise<SessionView> => api.create(wish);
    const [session, idle, unused] = await Promise.all([
      create({ timeout: 2_000 }),
      create({ idleTimeout: 1_500 }),
      create({ connectTimeout: 1_500 }),
      create({ timeout: 30_000 }),
    ]);
    const full = await api.call('POST', '/v1/sessions', { queueTimeout: 1_000 }, { prefer: 'respond-async' });
    await expectOnTime(full.body, 'queue_timeout', Date.parse(full.body.createdAt) + 1_000);
    await expectOnTime(session, 'session_timeout', Date.parse(session.expiresAt ?? ''));
    await expectOnTime(idle, 'idle_timeout', Date.parse(idle.liveAt ?? '') + 1_500);
    await expectOnTime(unused, 'connect_timeout', Date.parse(unused.liveAt ?? '') + 1_500);
  });

  it('time-outs of a dead machine, which only the API can commit, are on time', async () => {
    const sessions = await Promise.all([api.create({ timeout: 3_000 }), api.create({ timeout: 3_500 })]);
    await worker.cutPower();
    for (const session of sessions) {
      await expectOnTime(session, 'session_timeout', Date.parse(session.expiresAt ?? ''));
    }
    await worker.restart();
  });
});

/** How far the clock of the API is ahead of this process, by the Date of its answers. */
async function secondsAhead(api: Installation): Promise<number> {
  const { headers } = await api.call('GET', '/livez');
  return (Date.parse(headers.get('date') ?? '') - Date.now()) / 1_000;
}

/* Without a C compiler these tests are reported as skipped. */
(HAS_COMPILER ? describe : describe.skip)('when the clock of Redis is set under a service that runs', () => {
  let dir: TempDir;
  let clock: SettableClock;
  let redis: TestRedis;
  let service: Installation;

  beforeAll(async () => {
    dir = await makeTempDir();
    clock = await makeSettableClock(dir.path);
    redis = await startRedis({ env: clock.env });
    service = await Installation.start({ env: { REDIS_URL: redis.url } });
  });
  afterAll(async () => {
    await service.stop();
    await redis.stop();
    await clock.close();
    await dir.remove();
  });

  const expectService = async (held: SessionView): Promise<void> => {
    const brief = await service.create({ timeout: 1_500 });
    const { endReason, endedAt } = await service.until(brief.id, view => view.endedAt !== null);
    expect(endReason).toBe('session_timeout');
    const lateMs = Date.parse(endedAt ?? '') - Date.parse(brief.expiresAt ?? '');
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThanOrEqual(scaled(LATE_AT_MOST_MS));
    expect((await service.read(held.id)).status).toBe('live');
  };

  it.each([
    ['a minute back', -60],
    ['a minute forward again', 0],
    ['a minute forward', 60],
  ])('%s: sessions go on, time-outs are on time, no history falls', async (_how, seconds) => {
    const [held, released] = [
      await service.create({ timeout: 600_000 }),
      await service.create({ timeout: 600_000 }),
    ];
    await clock.set(seconds);
    const sinceMs = performance.now();
    expect((await service.call('DELETE', `/v1/sessions/${released.id}`)).body.status).toBe('released');
    expect(performance.now() - sinceMs).toBeLessThan(scaled(2_500));
    const times = (await service.history(released.id)).map(({ at }) => Date.parse(at));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    await expectService(held);
  });
});

describe.each([60, -60])('in a process whose clock is %d seconds wrong', seconds => {
  let fixture: EngineFixture;

  beforeEach(async () => {
    const honest = Date.now.bind(Date);
    jest.spyOn(Date, 'now').mockImplementation(() => honest() + seconds * 1_000);
    fixture = await EngineFixture.open();
    await startStepping(fixture.deps);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await fixture.close();
  });

  it('delayed jobs and sweeps fire on time', async () => {
    const { record } = await fixture.live({ timeoutMs: 1_500 });
    const dueMs = record.snapshot.context.deadlines.session ?? NaN;
    const { endedAtMs, endReason } = (await fixture.ended(record.ref)).snapshot.context;
    expect(endReason).toBe('session_timeout');
    expect((endedAtMs ?? 0) - dueMs).toBeGreaterThanOrEqual(0);
    expect((endedAtMs ?? 0) - dueMs).toBeLessThanOrEqual(scaled(LATE_AT_MOST_MS));
  });
});
