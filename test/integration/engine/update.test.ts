import type { SessionChange } from '../../../machines/session/session.events';
import { commandHandler } from '../../../src/engine/command-handler';
import { randomId, type SessionRef } from '../../../src/core/ids';
import type { Deps } from '../../../src/deps';
import { DONE } from '../../../src/queue/consumer';
import type { Notice } from '../../../src/store/notice-stream';
import type { SessionRecord } from '../../../src/store/session-record';
import { EngineFixture } from '../../support/engine-fixture';
import { readHistory } from '../../support/history';
import { pollUntil } from '../../support/poll-until';
import { scaled } from '../../support/slowdown';

describe('changing a session that goes on', () => {
  let fixture: EngineFixture;
  let deps: Deps;
  const notices: Notice[] = [];

  beforeAll(async () => {
    fixture = await EngineFixture.open();
    ({ deps } = fixture);
  });
  afterAll(() => fixture.close());
  beforeEach(() => notices.splice(0));

  const update = async (
    ref: SessionRef,
    change: SessionChange,
    { commandId = randomId(), ifRevision = null as number | null } = {},
  ): Promise<string> => {
    const handle = commandHandler(deps.stepper, notice => {
      notices.push(notice);
      return Promise.resolve();
    });
    const command = {
      v: 1,
      command: 'update',
      commandId,
      ref,
      actor: 'key:default',
      ifRevision,
      change,
    } as const;
    expect(await handle(command)).toBe(DONE);
    const told = notices.find(notice => notice.type === 'outcome' && notice.opId === commandId);
    return told?.type === 'outcome' ? told.answer : 'committed';
  };
  const read = async (ref: SessionRef): Promise<SessionRecord> => {
    const { record } = await deps.sessions.load(ref);
    if (record === null) throw new Error('no such session');
    return record;
  };

  it('is refused under another revision, with a precise code', async () => {
    const { record } = await fixture.live();
    expect(await update(record.ref, { name: 'a' }, { ifRevision: record.revision })).toBe('committed');
    expect(await update(record.ref, { name: 'b' }, { ifRevision: record.revision })).toBe(
      'precondition_failed',
    );
    expect((await read(record.ref)).snapshot.context.name).toBe('a');
  });

  it('is applied once, also when the job is delivered again after its revision has gone', async () => {
    const { record } = await fixture.live();
    const given = { commandId: randomId(), ifRevision: record.revision };
    expect(await update(record.ref, { timeoutMs: 90_000 }, given)).toBe('committed');
    expect(await update(record.ref, { timeoutMs: 90_000 }, given)).toBe('replayed');
    expect((await read(record.ref)).revision).toBe(record.revision + 1);
  });

  it('is refused when its deadline has passed, when there are too many labels, and after the end', async () => {
    const { record, nowMs } = await fixture.live();
    const { liveAtMs } = record.snapshot.context;
    await pollUntil('a millisecond to pass', { timeoutMs: 1_000, everyMs: 1 }, async () =>
      (await deps.maintenance.nowMs()) > nowMs + 1 ? true : undefined,
    );
    expect(liveAtMs).toBe(nowMs);
    expect(await update(record.ref, { timeoutMs: 1 })).toBe('deadline_passed');
    const labels = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`l${i}`, 'x']));
    expect(await update(record.ref, { labels })).toBe('too_many_labels');
    await deps.stepper.apply({
      ref: record.ref,
      cause: 'test',
      actor: 'test',
      event: (_record, now) => ({ type: 'RELEASE', reason: 'drained', nowMs: now }),
    });
    expect(await update(record.ref, { name: 'a' }, { ifRevision: 1 })).toBe('ended');
    expect(await update('default/nobody' as SessionRef, { name: 'a' })).toBe('missing');
  });

  it('writes into the history what was changed and by whom', async () => {
    const { record } = await fixture.live();
    await update(record.ref, { labels: { a: 'b' }, timeoutMs: 70_000 });
    expect((await readHistory(deps, record.ref)).at(-1)).toMatchObject({
      event: 'update',
      cause: 'labels timeout',
      actor: 'key:default',
      from: 'live',
      to: 'live',
    });
  });

  it('leaves one delayed job for each deadline, also when a deadline comes back', async () => {
    const { record } = await fixture.live({ timeoutMs: 60_000 });
    const before = (await deps.producer.jobCounts()).timers['delayed'];
    for (const timeoutMs of [70_000, 60_000, 80_000, 60_000]) await update(record.ref, { timeoutMs });
    expect((await deps.producer.jobCounts()).timers['delayed']).toBe(before);
  });

  it('wins or loses against a time-out that fires at the same moment: never both, never neither', async () => {
    const won = { update: 0, timeout: 0 };
    const round = async (): Promise<void> => {
      const { record } = await fixture.live({ timeoutMs: 5 });
      const { ref } = record;
      const deadlineMs = record.snapshot.context.deadlines.session ?? 0;
      // No timer runs here: the deadline passes, and no process has committed the time-out yet.
      await pollUntil('the deadline to pass', { timeoutMs: 5_000, everyMs: 1 }, async () =>
        (await deps.maintenance.nowMs()) >= deadlineMs ? true : undefined,
      );
      const extend = (): Promise<string> => update(ref, { timeoutMs: 60_000 });
      const fire = (): Promise<unknown> => deps.timeouts.fire(ref, 'session', deadlineMs, 'job');
      const [answer, fired] =
        Math.random() < 0.5
          ? await Promise.all([extend(), fire()])
          : (await Promise.all([fire(), extend()])).reverse();
      const { snapshot } = await read(ref);
      const ends = (await readHistory(deps, ref)).filter(({ to }) => to === 'timed_out');
      if (answer === 'committed') {
        expect(fired).toMatchObject({
          againInMs: expect.any(Number),
          deadlineMs: snapshot.context.deadlines.session,
        });
        expect(snapshot).toMatchObject({ value: 'live', context: { limits: { timeoutMs: 60_000 } } });
        expect(ends).toHaveLength(0);
        won.update += 1;
      } else {
        expect([answer, fired]).toEqual(['ended', { kind: 'fired' }]);
        expect(snapshot).toMatchObject({ value: 'timed_out', context: { limits: { timeoutMs: 5 } } });
        expect(ends).toHaveLength(1);
        won.timeout += 1;
      }
    };
    for (let i = 0; i < 8; i += 1) await Promise.all(Array.from({ length: 10 }, round));
    expect(won.update + won.timeout).toBe(80);
    // Both outcomes must occur, otherwise this was no race.
    expect(Math.min(won.update, won.timeout)).toBeGreaterThan(0);
  }, 60_000);

  it.each([
    ['shortened', 60_000, 300],
    ['extended', 150, 450],
  ])('ends at the new time, not the old one, when it is %s', async (_change, timeoutMs, changedMs) => {
    await fixture.withTimers(async () => {
      const { record, nowMs } = await fixture.live({ timeoutMs });
      expect(await update(record.ref, { timeoutMs: changedMs })).toBe('committed');
      const { snapshot } = await fixture.ended(record.ref);
      const lateMs = (snapshot.context.endedAtMs ?? 0) - (nowMs + changedMs);
      expect(lateMs).toBeGreaterThanOrEqual(0);
      expect(lateMs).toBeLessThan(scaled(1_000));
    });
  });
});
