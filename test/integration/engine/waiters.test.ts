import { randomId, type SessionRef } from '../../../src/core/ids';
import type { Notice } from '../../../src/store/notice-stream';
import { EngineFixture } from '../../support/engine-fixture';
import { pollUntil } from '../../support/poll-until';

let engine: EngineFixture;
beforeAll(async () => {
  engine = await EngineFixture.open();
});
afterAll(() => engine.close());

const notice = (to: 'created' | 'live', ref: SessionRef): Notice => ({
  ...{ type: 'transition', ref, rev: 2, at: 0, opId: randomId(), event: 'test' },
  ...{ from: 'created', to },
});

/* Reads by somebody who waits until a session is live, and who knows that it was not a moment ago. */
function waitUntilLive(ref: SessionRef, { readAfterMs = 60_000, timeoutMs = 60_000 } = {}) {
  const seen: string[] = [];
  const read = async (): Promise<string> => {
    const { record } = await engine.deps.sessions.read(ref);
    seen.push(JSON.stringify(record?.snapshot.value));
    return seen.at(-1) ?? '';
  };
  const latest = engine.deps.waiters.latest(ref, read, found => found === '"live"', {
    timeoutMs,
    firstReadAfterMs: readAfterMs,
    matters: heard => heard.type !== 'transition' || heard.to !== 'created',
  });
  return { seen, latest };
}

test('who knows how a session was reads it once: after the notice that matters', async () => {
  const { record } = await engine.live();
  const { seen, latest } = waitUntilLive(record.ref);
  engine.deps.notices.emit('notice', notice('created', record.ref), '1-1');
  engine.deps.notices.emit('notice', notice('live', record.ref), '1-2');
  expect(await latest).toBe('"live"');
  expect(seen).toEqual(['"live"']);
});

test('what was missed before the wait began is found by the first reading', async () => {
  const { record } = await engine.live();
  const { seen, latest } = waitUntilLive(record.ref, { readAfterMs: 20 });
  expect(await latest).toBe('"live"');
  expect(seen).toHaveLength(1);
});

test('after a gap it is read at once', async () => {
  const { record } = await engine.live();
  const { latest } = waitUntilLive(record.ref);
  engine.deps.notices.emit('resync');
  expect(await latest).toBe('"live"');
});

test('if nothing was heard, it is read when the time is up', async () => {
  const ref = await engine.accept();
  const { seen, latest } = waitUntilLive(ref, { timeoutMs: 20 });
  expect(await latest).toBe('{"created":"queued"}');
  expect(seen).toHaveLength(1);
});

test('when the time is up, it is read again if it has changed since', async () => {
  const ref = await engine.accept();
  const { seen, latest } = waitUntilLive(ref, { readAfterMs: 1, timeoutMs: 500 });
  await pollUntil('the first reading', { timeoutMs: 400, everyMs: 1 }, () => seen.length > 0 || undefined);
  await engine.claim(ref);
  expect(await latest).toBe('{"created":"launching"}');
  expect(seen).toHaveLength(2);
});

describe('who waits until a browser is gone', () => {
  const traffic = { sentBytes: 1, receivedBytes: 2, refused: 0, refusedHosts: [] };

  async function ended(): Promise<{ ref: SessionRef; claimId: string }> {
    const { record } = await engine.live();
    await engine.deps.stepper.apply({
      ...{ ref: record.ref, cause: 'test', actor: 'test' },
      event: (_record, nowMs) => ({ type: 'RELEASE', reason: 'released_by_client', nowMs }),
    });
    return { ref: record.ref, claimId: record.snapshot.context.owner?.fence.claimId ?? '' };
  }

  it('hears what came of its session', async () => {
    const { ref, claimId } = await ended();
    const closed = engine.deps.waiters.closed(ref, 10_000);
    const used = { traffic, endReason: 'released_by_client' as const, endedAtMs: 0 };
    await engine.deps.closing.acknowledge(ref, claimId, { used });
    expect(await closed).toEqual({ notice: { type: 'closed', ref, traffic } });
  });

  it('looks at the row if the notice was missed', async () => {
    const { ref, claimId } = await ended();
    await engine.deps.closing.acknowledge(ref, claimId);
    expect(await engine.deps.waiters.closed(ref, 10_000)).toMatchObject({});
    expect(await engine.deps.waiters.closed((await ended()).ref, 20)).toBeNull();
  });
});

test('a notice is looked at a few times, however many wait for others', () => {
  const { waiters, notices } = engine.deps;
  const outcomes = Array.from({ length: 100 }, () => waiters.outcome(randomId()));
  let looks = 0;
  const counting: Notice = {
    ...{ type: 'outcome', answer: 'alive' },
    get opId() {
      looks += 1;
      return 'of-nobody';
    },
  };
  notices.emit('notice', counting, '1-1');
  outcomes.forEach(({ stop }) => stop());
  expect(looks).toBeGreaterThan(0);
  expect(looks).toBeLessThan(10);
});
