import { Installation, type SessionView } from '../support/installation';
import { untilReaperIsActive } from '../support/reaper';
import { startRedis, type TestRedis } from '../support/redis';
import { scaled } from '../support/slowdown';

/*
 * API and worker machine are separate, on one Redis, as in production. Tests what still works when the machine is dead.
 */
describe('with every worker dead', () => {
  let redis: TestRedis;
  let api: Installation;
  let machine: Installation;

  beforeEach(async () => {
    redis = await startRedis();
    const env = { REDIS_URL: redis.url };
    [api, machine] = await Promise.all([
      Installation.start({ mode: 'api', env }),
      Installation.start({ mode: 'worker', env }),
    ]);
  });
  afterEach(async () => {
    await machine.dir.remove();
    await api.stop();
    await redis.stop();
  });

  /* Kills all processes of the machine at once, like a power cut. */
  const cutPower = async (): Promise<void> => {
    await machine.signal('supervisor', 'SIGKILL');
    await Promise.all([machine.signal('worker', 'SIGKILL'), machine.signal('keeper', 'SIGKILL')]);
    for (const pid of await machine.browserProcesses()) process.kill(pid, 'SIGKILL');
  };

  const ended = (session: SessionView, timeoutMs: number): Promise<SessionView> =>
    api.until(session.id, ({ endedAt }) => endedAt !== null, timeoutMs);

  it('a time-out still fires on time, and a release is still carried out', async () => {
    const [short, long] = [await api.create({ timeout: 4_000 }), await api.create()];
    await cutPower();
    const released = await api.call('POST', `/v1/sessions/${long.id}/release`, undefined, {
      prefer: 'respond-async',
    });
    expect(released.status).toBeLessThan(300);
    expect(released.body).toMatchObject({ status: 'released', endReason: 'released_by_client' });
    const after = await ended(short, 8_000);
    expect(after).toMatchObject({ status: 'timed_out', endReason: 'session_timeout' });
    const lateMs = Date.parse(after.endedAt ?? '') - Date.parse(short.expiresAt ?? '');
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThanOrEqual(scaled(1_000));
  });

  it('its sessions fail as worker_lost within 13 seconds', async () => {
    const session = await api.create();
    await untilReaperIsActive(redis);
    const cutAtMs = Date.now();
    await cutPower();
    const after = await ended(session, 20_000);
    expect(after).toMatchObject({ status: 'failed', endReason: 'worker_lost' });
    expect(Date.parse(after.endedAt ?? '') - cutAtMs).toBeLessThan(scaled(13_000));
  });
});
