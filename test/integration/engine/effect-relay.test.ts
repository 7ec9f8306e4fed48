import { effectsBetween } from '../../../machines/session/session.effects';
import { EngineFixture } from '../../support/engine-fixture';

/* Effects are carried out after their commit, so those of two commits may be carried out in reverse order. */

let fixture: EngineFixture;
beforeEach(async () => (fixture = await EngineFixture.open()));
afterEach(() => fixture.close());

const inQueue = async (queue: 'launch' | 'timers'): Promise<number> => {
  const counts = (await fixture.deps.producer.jobCounts())[queue];
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
};

test('a timer that is armed after its cancellation is removed', async () => {
  const { deps } = fixture;
  const { record, nowMs } = await fixture.live({ timeoutMs: 3_600_000 });
  const outcome = await deps.stepper.apply({
    ref: record.ref,
    cause: 'test',
    actor: 'test',
    event: (_record, atMs) => ({ type: 'RELEASE', reason: 'released_by_client', nowMs: atMs }),
  });
  expect(outcome.kind).toBe('committed');
  expect(await inQueue('timers')).toBe(0);
  // The worker that made the session live carries out its effects only now.
  const queued = { ...record.snapshot, context: { ...record.snapshot.context, deadlines: {} } };
  const effects = effectsBetween(queued, record.snapshot);
  await deps.relay.afterCommit(record.ref, record.revision, effects, nowMs);
  expect(await inQueue('timers')).toBe(0);
});

test('a launch job that is added after the session had ended is removed', async () => {
  const { deps } = fixture;
  const ref = await fixture.accept();
  const { record, nowMs } = await deps.sessions.load(ref);
  await deps.stepper.apply({
    ref,
    cause: 'test',
    actor: 'test',
    event: (_record, atMs) => ({ type: 'RELEASE', reason: 'released_by_client', nowMs: atMs }),
  });
  expect(await inQueue('launch')).toBe(0);
  if (record === null) throw new Error('the session is unknown');
  await deps.relay.afterCommit(ref, record.revision, effectsBetween(null, record.snapshot), nowMs);
  expect(await inQueue('launch')).toBe(0);
  expect(await inQueue('timers')).toBe(0);
});
