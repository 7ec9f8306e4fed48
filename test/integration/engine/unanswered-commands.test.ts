import { Worker, type Job } from 'bullmq';
import { releaseSession, type ReleaseSession } from '../../../src/commands/release-session';
import { updateSession, type UpdateRequest } from '../../../src/commands/update-session';
import { commandHandler } from '../../../src/engine/command-handler';
import { CommandSender } from '../../../src/engine/command-sender';
import type { SessionRef } from '../../../src/core/ids';
import type { Deps } from '../../../src/deps';
import { commandPayload } from '../../../src/queue/payloads';
import { blockingOptions } from '../../../src/redis/connection';
import { KEY_PREFIX } from '../../../src/redis/keys';
import { publishNotice, type Notice } from '../../../src/store/notice-stream';
import { EngineFixture } from '../../support/engine-fixture';
import { readHistory } from '../../support/history';
import { pollUntil } from '../../support/poll-until';
import { scaled } from '../../support/slowdown';

/* The queue `sessions` has no consumer here: every command stays unanswered, as if its consumer had been killed. */

const ANSWERS_WITHIN_MS = 2_500;

describe('a command that gets no answer', () => {
  let fixture: EngineFixture;
  let deps: Deps;
  let release: ReleaseSession;

  beforeEach(async () => {
    fixture = await EngineFixture.open();
    ({ deps } = fixture);
    release = releaseSession({ ...deps, commands: new CommandSender(deps) });
  });
  afterEach(() => fixture.close());

  const releaseOf = (ref: SessionRef, requestKey: string | null = null): ReturnType<ReleaseSession> =>
    release({ ref, reason: 'released_by_client', actor: 'key:default', requestKey });
  const updateOf = (ref: SessionRef, changes: Partial<UpdateRequest> = {}): Promise<{ revision: number }> =>
    updateSession({ ...deps, commands: new CommandSender(deps) })({
      ref,
      change: { name: 'changed' },
      expiresAtMs: null,
      timeoutLimitsMs: { min: 1_000, max: 60_000 },
      ifRevision: null,
      actor: 'key:default',
      requestKey: null,
      ...changes,
    });
  const timed = async <T>(work: Promise<T>): Promise<T> => {
    const sinceMs = performance.now();
    const result = await work;
    expect(performance.now() - sinceMs).toBeLessThan(scaled(ANSWERS_WITHIN_MS));
    return result;
  };
  const endsOf = async (ref: SessionRef): Promise<number> =>
    (await readHistory(deps, ref)).filter(({ to }) => to === 'released').length;
  const sessionsQueue = `${KEY_PREFIX}:sessions`;

  /* The job that a killed process leaves: active, locked, and without a process that works on it. */
  const taking = async (work: (take: () => Promise<Job>) => Promise<void>): Promise<void> => {
    const worker = new Worker('sessions', null, {
      connection: blockingOptions(fixture.server.url),
      prefix: KEY_PREFIX,
      autorun: false,
    });
    try {
      await worker.waitUntilReady();
      await work(() =>
        pollUntil('the job', { timeoutMs: 2_000, everyMs: 2 }, async (): Promise<Job | undefined> =>
          worker.getNextJob('token of the dead', { block: false }),
        ),
      );
    } finally {
      await worker.close(true);
    }
  };
  /* Delivers the job again, as after its lock has run out. */
  const deliver = async (job: Job): Promise<Notice | undefined> => {
    const told: Notice[] = [];
    await commandHandler(deps.stepper, notice => Promise.resolve(void told.push(notice)))(
      commandPayload.parse(job.data),
    );
    return told[0];
  };

  it('is carried out by its sender: a release is answered while its job is held by a dead process', async () => {
    const { record } = await fixture.live();
    await taking(async take => {
      const [released, job] = await Promise.all([timed(releaseOf(record.ref)), take()]);
      expect(released.record.snapshot).toMatchObject({
        value: 'released',
        context: { endReason: 'released_by_client' },
      });
      expect(await deliver(job)).toMatchObject({ type: 'outcome', answer: 'replayed' });
      expect(await endsOf(record.ref)).toBe(1);
    });
  });

  it('is applied once when the dead process had applied it and only its answer was lost', async () => {
    const { record } = await fixture.live();
    await taking(async take => {
      const [updated] = await Promise.all([timed(updateOf(record.ref)), take().then(deliver)]);
      expect(updated.revision).toBe(record.revision + 1);
      expect((await readHistory(deps, record.ref)).filter(({ event }) => event === 'update')).toHaveLength(1);
    });
  });

  it('is not applied again, however many others have been applied before its job is delivered', async () => {
    const { record } = await fixture.live();
    await taking(async take => {
      const [, job] = await Promise.all([timed(updateOf(record.ref, { change: { name: 'first' } })), take()]);
      const publish = (notice: Notice): Promise<void> => publishNotice(deps.redis, notice);
      for (let n = 2; n <= 12; n += 1) {
        await commandHandler(
          deps.stepper,
          publish,
        )({
          v: 1,
          command: 'update',
          commandId: `later-${n}`,
          ref: record.ref,
          actor: 'test',
          ifRevision: null,
          change: { name: `name ${n}` },
        });
      }
      const { sent, ...rest } = job.data as { sent: { atMs: number } };
      job.data = { ...rest, sent: { ...sent, atMs: sent.atMs - 10_000 } };
      expect(await deliver(job)).toMatchObject({ type: 'outcome', answer: 'ignored' });
      const { record: now } = await deps.sessions.load(record.ref);
      expect(now?.snapshot.context.name).toBe('name 12');
    });
  });

  it.each<[string, () => Promise<unknown>]>([
    ['paused', () => deps.redis.hset(`${sessionsQueue}:meta`, 'paused', '1')],
    ['of a wrong type', () => deps.redis.set(`${sessionsQueue}:wait`, 'x')],
    ['without its means to count', () => deps.redis.lpush(`${sessionsQueue}:id`, 'x')],
  ])('is carried out when the queue is %s', async (_how, spoil) => {
    const [released, updated] = [await fixture.live(), await fixture.live()];
    await spoil();
    await timed(releaseOf(released.record.ref));
    expect(await endsOf(released.record.ref)).toBe(1);
    expect((await timed(updateOf(updated.record.ref))).revision).toBe(updated.record.revision + 1);
    await fixture.server.cli('DEL', `${sessionsQueue}:wait`, `${sessionsQueue}:id`);
  });

  it('is refused for the same reasons as one that is answered', async () => {
    const { record } = await fixture.live();
    await expect(timed(updateOf(record.ref, { ifRevision: 1 }))).rejects.toMatchObject({
      code: 'precondition_failed',
    });
    await expect(timed(updateOf(record.ref, { change: { timeoutMs: 1 } }))).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  it('ends a session once when many send it at the same moment, and is counted once', async () => {
    const { record } = await fixture.live();
    const all = await Promise.all(
      Array.from({ length: 10 }, (_, n) => timed(releaseOf(record.ref, n < 5 ? 'same key' : null))),
    );
    expect(new Set(all.map(({ record: { revision } }) => revision))).toEqual(new Set([record.revision + 1]));
    expect(await endsOf(record.ref)).toBe(1);
    const metrics = await deps.metrics.registry.text();
    expect(metrics).toMatch(
      /holdfast_sessions_ended_total\{outcome="released",reason="released_by_client"\} 1\n/,
    );
    // Those with the same key are one command: a sender that is late hears that another one has carried it out.
    const unanswered = /holdfast_commands_unanswered_total\{command="release"\} (\d+)\n/.exec(metrics)?.[1];
    expect(Number(unanswered)).toBeGreaterThanOrEqual(6);
    expect(Number(unanswered)).toBeLessThanOrEqual(10);
  });
});
