import { keys } from '../../../src/redis/keys';
import type { Deps } from '../../../src/deps';
import type { SessionRecord } from '../../../src/store/session-record';
import { EngineFixture } from '../../support/engine-fixture';
import { readHistory } from '../../support/history';
import { pollUntil } from '../../support/poll-until';
import { scaled } from '../../support/slowdown';

/* How long after its deadline a session ended, by Redis TIME. Negative would be early. */
function latenessMs({ snapshot }: SessionRecord, deadlineMs: number): number {
  return (snapshot.context.endedAtMs ?? 0) - deadlineMs;
}

describe('a session whose time is up', () => {
  let fixture: EngineFixture;
  let deps: Deps;

  beforeEach(async () => {
    fixture = await EngineFixture.open();
    ({ deps } = fixture);
  });
  afterEach(() => fixture.close());

  it('is ended by the delayed job alone', async () => {
    await fixture.withTimers(async () => {
      const { record, nowMs } = await fixture.live({ timeoutMs: 150 });
      const ended = await fixture.ended(record.ref);
      expect(ended.snapshot).toMatchObject({ value: 'timed_out', context: { endReason: 'session_timeout' } });
      expect(latenessMs(ended, nowMs + 150)).toBeGreaterThanOrEqual(0);
      expect(latenessMs(ended, nowMs + 150)).toBeLessThan(scaled(1_000));
    });
  });

  it('is ended by the sweep alone', async () => {
    await fixture.withSweeper(async () => {
      const { record, nowMs } = await fixture.live({ timeoutMs: 150 });
      const ended = await fixture.ended(record.ref);
      expect(latenessMs(ended, nowMs + 150)).toBeGreaterThanOrEqual(400);
      expect(latenessMs(ended, nowMs + 150)).toBeLessThan(scaled(1_500));
    });
  });

  it('ends once when both layers act at the same time', async () => {
    const { record, nowMs } = await fixture.live({ timeoutMs: 150 });
    await pollUntil('the deadline', { timeoutMs: 1_000, everyMs: 5 }, async () =>
      (await deps.maintenance.nowMs()) >= nowMs + 150 ? true : undefined,
    );
    const both = (['job', 'sweep'] as const).map(layer =>
      deps.timeouts.fire(record.ref, 'session', nowMs + 150, layer),
    );
    const outcomes = await Promise.all(both);
    expect(outcomes.filter(({ kind }) => kind === 'fired')).toHaveLength(1);
    const history = await readHistory(deps, record.ref);
    expect(history.filter(({ to }) => to === 'timed_out')).toHaveLength(1);
  });

  it('is not ended early by a process whose clock runs a minute ahead', async () => {
    const realNow = Date.now;
    const { record, nowMs } = await fixture.live({ timeoutMs: 1_000 });
    // BullMQ promotes delayed jobs by the wall clock of its process: this one asks a minute too early.
    Date.now = () => realNow() + 60_000;
    try {
      await fixture.withTimers(async () => {
        const ended = await fixture.ended(record.ref);
        expect(latenessMs(ended, nowMs + 1_000)).toBeGreaterThanOrEqual(0);
      });
    } finally {
      Date.now = realNow;
    }
  });

  it('stays live while its client is active, and ends at its idle deadline after that', async () => {
    await fixture.withTimers(async () => {
      const { record, nowMs } = await fixture.live({ idleTimeoutMs: 300 });
      await pollUntil('half of the idle time to be over', { timeoutMs: 1_000, everyMs: 5 }, async () =>
        (await deps.maintenance.nowMs()) >= nowMs + 150 ? true : undefined,
      );
      await deps.activity.note(record.ref, true);
      const activeMs = Number(await deps.redis.hget(keys.activity, record.ref));
      const ended = await fixture.ended(record.ref);
      expect(ended.snapshot.context.endReason).toBe('idle_timeout');
      expect(latenessMs(ended, activeMs + 300)).toBeGreaterThanOrEqual(0);
      expect(latenessMs(ended, activeMs + 300)).toBeLessThan(scaled(1_000));
    });
  });

  it('fails when no worker took it from the queue in time', async () => {
    await fixture.withTimers(async () => {
      const ref = await fixture.accept({ queueTimeoutMs: 100 });
      const ended = await fixture.ended(ref);
      expect(ended.snapshot).toMatchObject({ value: 'failed', context: { endReason: 'queue_timeout' } });
    });
  });

  it('ends when no client has connected in time, and not when one has', async () => {
    await fixture.withTimers(async () => {
      const [lonely, visited] = [
        await fixture.live({ connectTimeoutMs: 200 }),
        await fixture.live({ connectTimeoutMs: 200 }),
      ];
      await deps.activity.note(visited.record.ref, true);
      expect(await deps.redis.zscore(keys.due, `${visited.record.ref}|connect`)).toBeNull();
      expect((await fixture.ended(lonely.record.ref)).snapshot.context.endReason).toBe('connect_timeout');
      const { record } = await deps.sessions.load(visited.record.ref);
      expect(record?.snapshot.value).toBe('live');
    });
  });

  it('leaves no job and no deadline behind when it is released', async () => {
    const { record } = await fixture.live({ idleTimeoutMs: 60_000 });
    await deps.stepper.apply({
      ref: record.ref,
      cause: 'test',
      actor: 'test',
      event: (_record, nowMs) => ({ type: 'RELEASE', reason: 'released_by_client', nowMs }),
    });
    expect(await deps.producer.jobCounts()).toMatchObject({ timers: { delayed: 0 } });
    expect(await deps.redis.exists(keys.due, keys.effects)).toBe(0);
  });
});
