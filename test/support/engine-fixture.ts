import { timersConsumer } from '../../workers/consumers/timers';
import { envToConfig } from '../../src/config/config';
import type { SessionLimits } from '../../machines/session/session.types';
import { firstStep } from '../../machines/step';
import { NO_QUOTAS } from '../../src/config/quotas';
import { randomId, refOf, type SessionRef } from '../../src/core/ids';
import { effectsToCarryOut } from '../../src/engine/timer-jobs';
import { openDeps, type Deps } from '../../src/deps';
import { Reaper } from '../../workers/sweeps/reaper';
import { Sweeper } from '../../workers/sweeps/sweeper';
import type { SessionRecord } from '../../src/store/session-record';
import { awaitRecord } from './await-record';
import { startRedis, type RedisOptions, type TestRedis } from './redis';
import { assertNoClients } from './redis-assertions';
import { ENDPOINT, INPUT } from './session-samples';
import { testLog } from './store-fixture';

/** Limits without any of the optional deadlines. */
export const PLAIN_LIMITS: SessionLimits = {
  timeoutMs: 60_000,
  idleTimeoutMs: null,
  queueTimeoutMs: 60_000,
  connectTimeoutMs: null,
  disconnectTimeoutMs: null,
  sleepAfterMs: null,
};

/** Everything that steps machines, on a Redis of its own; a test starts only the parts that it needs. */
export class EngineFixture {
  private constructor(
    readonly server: TestRedis,
    readonly deps: Deps,
  ) {}

  static async open(options: RedisOptions = {}): Promise<EngineFixture> {
    const server = await startRedis(options);
    const deps = await openDeps(envToConfig({}), server.url, testLog);
    await deps.notices.start();
    return new EngineFixture(server, deps);
  }

  /** Closes everything and fails if a connection is left. */
  async close(): Promise<void> {
    try {
      await this.deps.lifecycle.close();
      await assertNoClients(this.server);
    } finally {
      await this.server.stop();
    }
  }

  /** Accepts a session, as the API does. */
  async accept(
    limits: Partial<SessionLimits> = {},
    id = randomId(),
    { tenant = 'default', weight = 1 } = {},
  ): Promise<SessionRef> {
    const ref = refOf(tenant, id);
    const { nowMs } = await this.deps.sessions.load(ref);
    const input = {
      ...INPUT,
      ...{ id, tenant, nowMs },
      sealed: null,
      contextUse: null,
      limits: { ...PLAIN_LIMITS, ...limits },
    };
    const { snapshot, ...first } = firstStep(input);
    const effects = effectsToCarryOut(first.effects, nowMs);
    const created = await this.deps.sessions.create({
      ...{
        input,
        first: { ...first, snapshot, effects },
        fingerprint: '',
        opId: randomId(),
        actor: 'test',
        idempotency: null,
      },
      quotas: { ...NO_QUOTAS, weight },
    });
    if (created.answer !== 'OK') throw new Error(`create answered ${created.answer}`);
    await this.deps.relay.afterCommit(ref, 1, effects, nowMs, created.turn);
    return ref;
  }

  /** Claims a session for a worker. */
  async claim(ref: SessionRef, workerId = 'w-1'): Promise<SessionRecord> {
    const outcome = await this.deps.stepper.apply({
      ref,
      cause: 'test',
      actor: 'test',
      event: (_record, nowMs) => ({ type: 'CLAIM', nowMs, workerId, claimId: randomId() }),
    });
    if (outcome.kind !== 'committed') throw new Error(`claim was ${outcome.kind}`);
    return outcome.record;
  }

  /** Accepts a session and brings it to life under a worker that does not exist. */
  async live(limits: Partial<SessionLimits> = {}): Promise<{ record: SessionRecord; nowMs: number }> {
    const ref = await this.accept(limits);
    await this.claim(ref);
    const outcome = await this.deps.stepper.apply({
      ref,
      cause: 'test',
      actor: 'test',
      event: (_record, nowMs) => ({ type: 'BROWSER_READY', nowMs, endpoint: ENDPOINT }),
    });
    if (outcome.kind !== 'committed') throw new Error(`ready was ${outcome.kind}`);
    return { record: outcome.record, nowMs: outcome.nowMs };
  }

  /** Runs the consumer of delayed jobs, which end sessions, for as long as some work takes. */
  async withTimers(work: () => Promise<unknown>): Promise<void> {
    const consumer = timersConsumer(this.deps.consumerBase, this.deps.timeouts);
    await consumer.start();
    try {
      await work();
    } finally {
      await consumer.close();
    }
  }

  /** Runs all sweeps for as long as some work takes. */
  async withSweeper(work: () => Promise<unknown>, retentionMs = 60_000): Promise<void> {
    const sweeper = new Sweeper({ ...this.deps, reaper: new Reaper(this.deps), retentionMs });
    sweeper.start();
    try {
      await work();
    } finally {
      await sweeper.stop();
    }
  }

  /** Waits until a session has ended; answers how. */
  async ended(ref: SessionRef, timeoutMs = 5_000): Promise<SessionRecord> {
    const isOver = (record: SessionRecord): boolean => record.snapshot.context.endReason !== null;
    const record = await awaitRecord(this.deps, ref, isOver, timeoutMs);
    if (record === null || !isOver(record))
      throw new Error(`${ref} has not ended: ${JSON.stringify(record)}`);
    return record;
  }
}
