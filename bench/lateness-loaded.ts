import { isEnded } from '../machines/session/session.words';
import { pollUntil } from '../src/core/abort';
import type { SessionRef } from '../src/core/ids';
import { RENEW_EVERY_MS } from '../src/store/lease-store';
import type { Notice } from '../src/store/notice-stream';
import type { SessionRecord } from '../src/store/session-record';
import { EngineFixture } from '../test/support/engine-fixture';
import { Installation } from '../test/support/installation';
import { BareQueue } from './bare-queue';
import { sampleCount, type Benchmark } from './harness';
import { latenessClaims } from './lateness';

/** The worker that the fixture claims sessions for. */
const WORKER_ID = 'w-1';

/** One session falls due every millisecond. */
const DUE_EVERY_MS = 1;

/** The first sessions meet processes that have just started. They warm these up and are not counted. */
const WARM_UP = 1_000;

/** How many sessions are accepted and brought to life at a time. */
const PARALLEL = 50;

/** The longest time that accepting one session may take; the deadlines begin after all sessions are accepted. */
const SETUP_MS_EACH = 2.2;
const START_MS = 5_000;

/** How long after the last deadline the last session may end. */
const PATIENCE_MS = 60_000;

/**
 * Thousands of sessions that fall due one a millisecond, ended by two API processes alone. Their browsers would not fit
 * on any machine, so the rows are made the way the engine makes them and belong to a worker without a process.
 */
export const latenessLoaded: Benchmark = {
  name: 'lateness-loaded',
  title: '1 000 sessions due a second, by Redis TIME',
  run: async plan => {
    const count = sampleCount(plan, 10_000, 1_000);
    const fixture = await EngineFixture.open();
    const owner = new StandInOwner(fixture.deps);
    const apis: Installation[] = [];
    try {
      const bare = [...(await bareLateness(fixture, Math.ceil(count / 2)))];
      await owner.start();
      const startMs = (await fixture.deps.maintenance.nowMs()) + START_MS + (WARM_UP + count) * SETUP_MS_EACH;
      const deadlines = await fill(fixture, owner, WARM_UP + count, startMs);
      const api = { mode: 'api', env: { REDIS_URL: fixture.server.url } } as const;
      apis.push(...(await Promise.all([Installation.start(api), Installation.start(api)])));
      const spareMs = Math.min(...deadlines.values()) - (await fixture.deps.maintenance.nowMs());
      if (spareMs < 0)
        throw new Error(`the machine is too slow for this: not ready ${-spareMs} ms after the start`);
      const late = (await latenessMs(fixture, deadlines)).slice(WARM_UP);
      for (const running of apis.splice(0)) await running.stop();
      bare.push(...(await bareLateness(fixture, Math.ceil(count / 2))));
      return {
        series: [
          { name: 'session timed out, late by', unit: 'ms', values: late },
          { name: 'bare BullMQ delayed job, late by', unit: 'ms', values: bare },
        ],
        claims: latenessClaims(late, bare, 100),
        notes: [
          'rows without browsers; two API processes do all the timing',
          `${WARM_UP} more fall due before the counted ones, for processes that have just started`,
          'the bare jobs fall due at the same rate, half before and half after',
        ],
      };
    } finally {
      for (const running of apis) await running.stop();
      owner.stop();
      await fixture.deps.lifecycle.close();
      await fixture.server.stop();
    }
  },
};

async function bareLateness(fixture: EngineFixture, count: number): Promise<readonly number[]> {
  const bare = await BareQueue.open(fixture.server.socketPath);
  const startMs = (await fixture.deps.maintenance.nowMs()) + 1_000 + count / 10;
  await bare.delay(Array.from({ length: count }, (_, i) => startMs + i * DUE_EVERY_MS));
  await bare.processed(count);
  await bare.close();
  return bare.latenessMs;
}

/**
 * Owns sessions, keeps its lease, and reports the browser of each ended session as gone: all that a worker does for a
 * session that another process ends.
 */
class StandInOwner {
  readonly #claims = new Map<SessionRef, string>();
  #renewals: NodeJS.Timeout | null = null;

  constructor(private readonly deps: EngineFixture['deps']) {}

  async start(): Promise<void> {
    const info = { hostname: WORKER_ID, slots: 1, used: 1, draining: false };
    await this.deps.leases.renew(WORKER_ID, info);
    this.#renewals = setInterval(() => void this.deps.leases.renew(WORKER_ID, info), RENEW_EVERY_MS);
    this.deps.notices.on('notice', this.#onNotice);
  }

  own({ ref, snapshot }: SessionRecord): void {
    this.#claims.set(ref, snapshot.context.owner?.fence.claimId ?? '');
  }

  stop(): void {
    if (this.#renewals !== null) clearInterval(this.#renewals);
    this.deps.notices.off('notice', this.#onNotice);
  }

  readonly #onNotice = (notice: Notice): void => {
    if (notice.type !== 'transition' || !isEnded(notice.to)) return;
    void this.deps.closing.acknowledge(notice.ref, this.#claims.get(notice.ref) ?? '');
  };
}

/* Accepts sessions and brings them to life, due one after another from `startMs` on; answers when each is due. */
async function fill(
  fixture: EngineFixture,
  owner: StandInOwner,
  count: number,
  startMs: number,
): Promise<Map<SessionRef, number>> {
  const { maintenance } = fixture.deps;
  const deadlines = new Map<SessionRef, number>();
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      const timeoutMs = Math.round(startMs + i * DUE_EVERY_MS - (await maintenance.nowMs()));
      const { record } = await fixture.live({ timeoutMs });
      owner.own(record);
      deadlines.set(record.ref, record.snapshot.context.deadlines.session ?? Number.NaN);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, lane));
  return deadlines;
}

/* Waits until all have ended; answers how late each was, in the order they were due. */
async function latenessMs(
  { deps }: EngineFixture,
  deadlines: ReadonlyMap<SessionRef, number>,
): Promise<number[]> {
  const lastMs = Math.max(...deadlines.values());
  const timeoutMs = lastMs - (await deps.maintenance.nowMs()) + PATIENCE_MS;
  await pollUntil('every session to have ended', { timeoutMs, everyMs: 250 }, async () =>
    (await deps.index.counts()).timed_out === deadlines.size ? true : undefined,
  );
  const late: number[] = [];
  for (const [ref, deadlineMs] of [...deadlines].sort(([, a], [, b]) => a - b)) {
    const { record } = await deps.sessions.load(ref);
    late.push((record?.snapshot.context.endedAtMs ?? Number.NaN) - deadlineMs);
  }
  return late;
}
