import { DEFAULT_BROWSER_OPTIONS, type SessionInput } from '../machines/session/session.types';
import { firstStep } from '../machines/step';
import { NO_QUOTAS } from '../src/config/quotas';
import { randomId, refOf, uuidv7, type SessionRef } from '../src/core/ids';
import { effectsToCarryOut } from '../src/engine/timer-jobs';
import { keys } from '../src/redis/keys';
import { RENEW_EVERY_MS } from '../src/store/lease-store';
import type { SessionRecord } from '../src/store/session-record';
import { EngineFixture, PLAIN_LIMITS } from '../test/support/engine-fixture';
import { ENDPOINT } from '../test/support/session-samples';
import { cpuUsOf } from './process-cpu';

/** How many sessions are made at a time. */
const PARALLEL = 50;

/** A day: no session of a population falls due while it is measured. */
const FOR_A_DAY = { ...PLAIN_LIMITS, timeoutMs: 24 * 3_600_000 };

/** Out of a hundred sessions one carries both labels. */
export const ONE_OF_A_HUNDRED = 'app=app-3,team=team-7';

/** A session that waits for a worker. */
interface Made {
  readonly ref: SessionRef;
  readonly nowMs: number;
  readonly effects: ReturnType<typeof effectsToCarryOut>;
  /** Its place in the population, from 0. */
  readonly number: number;
}

/**
 * Sessions without browsers, as many as a machine of that size would never hold: rows, indexes, histories and delayed
 * jobs are made the way the engine makes them. They belong to workers that are leases and nothing else.
 */
export class Population {
  readonly #workerIds: string[] = [];
  #made = 0;
  #renewals: NodeJS.Timeout | null = null;

  private constructor(
    readonly fixture: EngineFixture,
    private readonly sessionsPerWorker: number,
  ) {}

  static async open(sessionsPerWorker = 1_000): Promise<Population> {
    const population = new Population(await EngineFixture.open(), sessionsPerWorker);
    population.#renewals = setInterval(() => void population.#renew(), RENEW_EVERY_MS);
    return population;
  }

  /** The workers, in the order in which they got sessions. */
  get workerIds(): readonly string[] {
    return this.#workerIds;
  }

  /** Lets a worker die: its lease is renewed for the last time. */
  async kill(workerId: string): Promise<void> {
    await this.#renew();
    this.#workerIds.splice(this.#workerIds.indexOf(workerId), 1);
  }

  /** Makes live sessions. */
  async live(count: number, limits = FOR_A_DAY): Promise<SessionRef[]> {
    const refs: SessionRef[] = [];
    await this.#inLanes(count, async () => void refs.push((await this.#makeLive(limits)).ref));
    return refs;
  }

  /** Makes sessions that have lived and ended, with their histories. */
  async lived(count: number): Promise<void> {
    const { deps } = this.fixture;
    await this.#inLanes(count, async () => {
      const { ref, snapshot } = await this.#makeLive(FOR_A_DAY);
      await this.#release(ref);
      await deps.closing.acknowledge(ref, snapshot.context.owner?.fence.claimId ?? '');
    });
  }

  /** Packs those that have ended, as the service does an hour after their end. */
  async packed(): Promise<void> {
    const { maintenance, packing } = this.fixture.deps;
    while ((await packing.pack(await maintenance.nowMs(), 0, () => false)) > 0);
  }

  /** Makes sessions that have ended without a browser: the quickest way to many rows. */
  async ended(count: number): Promise<void> {
    await this.#inLanes(count, async () => {
      const { ref } = await this.#accept(FOR_A_DAY);
      await this.#release(ref);
    });
    // Their effects were not carried out: no process that comes later is to make up for that.
    await this.fixture.server.cli('DEL', keys.effects);
  }

  /** What Redis uses, bytes. */
  async memoryBytes(): Promise<number> {
    return Number(/used_memory:(\d+)/.exec(await this.fixture.server.cli('INFO', 'memory'))?.[1]);
  }

  /** How much processor time Redis has used, µs. */
  redisCpuUs(): Promise<number> {
    return cpuUsOf(this.fixture.server.pid);
  }

  async close(): Promise<void> {
    if (this.#renewals !== null) clearInterval(this.#renewals);
    await this.fixture.deps.lifecycle.close();
    await this.fixture.server.stop();
  }

  async #makeLive(limits: SessionInput['limits']): Promise<SessionRecord> {
    const { deps } = this.fixture;
    const { ref, nowMs, effects, number } = await this.#accept(limits);
    await deps.relay.afterCommit(ref, 1, effects, nowMs);
    await this.fixture.claim(ref, this.#workerOf(number));
    // As if a worker had taken the job.
    await deps.producer.carryOut(ref, { kind: 'launch.cancel', attempt: 1 }, nowMs);
    const outcome = await deps.stepper.apply({
      ...{ ref, cause: 'bench', actor: 'bench' },
      event: (_record, atMs) => ({ type: 'BROWSER_READY', nowMs: atMs, endpoint: ENDPOINT }),
    });
    if (outcome.kind !== 'committed') throw new Error(`ready was ${outcome.kind}`);
    return outcome.record;
  }

  async #accept(limits: SessionInput['limits']): Promise<Made> {
    const { deps } = this.fixture;
    const nowMs = await deps.maintenance.nowMs();
    const number = this.#made++;
    const input: SessionInput = {
      ...{ tenant: 'default', id: uuidv7(nowMs), name: null, limits, nowMs },
      labels: { app: `app-${number % 10}`, team: `team-${Math.floor(number / 10) % 10}` },
      ...{ options: DEFAULT_BROWSER_OPTIONS, sealed: null, contextUse: null },
    };
    const { snapshot, ...first } = firstStep(input);
    const effects = effectsToCarryOut(first.effects, nowMs);
    const { answer } = await deps.sessions.create({
      ...{ input, first: { ...first, snapshot, effects }, fingerprint: randomId(), opId: randomId() },
      ...{ actor: 'bench', idempotency: null },
      quotas: NO_QUOTAS,
    });
    if (answer !== 'OK') throw new Error(`create answered ${answer}`);
    return { ref: refOf(input.tenant, input.id), nowMs, effects, number };
  }

  async #release(ref: SessionRef): Promise<void> {
    const outcome = await this.fixture.deps.stepper.apply({
      ...{ ref, cause: 'bench', actor: 'bench' },
      event: (_record, nowMs) => ({ type: 'RELEASE', reason: 'released_by_client', nowMs }),
    });
    if (outcome.kind !== 'committed') throw new Error(`release was ${outcome.kind}`);
  }

  #workerOf(number: number): string {
    const workerId = `w-${Math.floor(number / this.sessionsPerWorker)}`;
    if (!this.#workerIds.includes(workerId)) {
      this.#workerIds.push(workerId);
      void this.#renew();
    }
    return workerId;
  }

  async #renew(): Promise<void> {
    const slots = this.sessionsPerWorker;
    const info = { hostname: 'bench', slots, used: slots, draining: false };
    await Promise.all(this.#workerIds.map(workerId => this.fixture.deps.leases.renew(workerId, info)));
  }

  async #inLanes(count: number, make: () => Promise<void>): Promise<void> {
    let left = count;
    const lane = async (): Promise<void> => {
      while (left-- > 0) await make();
    };
    await Promise.all(Array.from({ length: PARALLEL }, lane));
  }
}
