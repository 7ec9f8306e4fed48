import { isQueued } from '../../machines/session/session.view';
import { nextAttempt } from '../../machines/session/session.effects';
import type { Clock } from '../../src/core/clock';
import type { SessionRef } from '../../src/core/ids';
import type { Logger } from '../../src/core/logger';
import type { Report, SweepName } from '../../src/metrics/report';
import type { Producer } from '../../src/queue/producer';
import { QUEUE_PLACES } from '../../src/queue/queues';
import type { BlobStore } from '../../src/blobs/blob-store';
import type { DoomedBlobs } from '../../src/store/contexts/doomed-blobs';
import { isRedisAway } from '../../src/redis/errors';
import type { LeftEffect, MaintenanceStore, Overdue } from '../../src/store/maintenance-store';
import type { QuarantineStore } from '../../src/store/quarantine-store';
import type { QueueWatch } from '../../src/store/queue-watch';
import type { SessionStore } from '../../src/store/session-store';
import type { ArmingStore, ComingDeadlines } from '../../src/store/arming-store';
import { PACKED_AFTER_MS, type PackStore } from '../../src/store/pack-store';
import { ARMED_AHEAD_MS } from '../../src/engine/timer-jobs';
import { Backlog, type Settled } from './backlog';
import type { EffectRelay } from '../../src/engine/effect-relay';
import type { Reaper } from './reaper';
import type { Timeouts } from '../../src/engine/timeouts';

/** A deadline this much overdue was missed by its delayed job. */
const OVERDUE_AFTER_MS = 400;

/** An effect that is still not acknowledged after this long was left behind by a crash. */
const EFFECT_LEFT_AFTER_MS = 2_000;

/** A session that waits for longer than this must have a launch job. */
const QUEUED_WITHOUT_JOB_AFTER_MS = 5_000;

/** How many sessions one sweep steps, or checks in the queue, at a time. */
const PARALLEL = 20;

/** All but the last repair something. */
type TurnName = SweepName | 'arming';

interface Sweep {
  readonly name: TurnName;
  readonly everyMs: number;
  /** @param nowMs - Redis `TIME` */
  readonly run: (nowMs: number) => Promise<unknown>;
}

/** Dependencies of {@link Sweeper}. */
export interface SweeperParts {
  readonly maintenance: MaintenanceStore;
  readonly arming: ArmingStore;
  readonly packing: PackStore;
  readonly quarantine: Pick<QuarantineStore, 'prune'>;
  readonly queueWatch: QueueWatch;
  readonly sessions: SessionStore;
  readonly producer: Producer;
  readonly relay: EffectRelay;
  readonly timeouts: Timeouts;
  readonly reaper: Reaper;
  readonly report: Report;
  readonly doomedBlobs: DoomedBlobs;
  readonly blobs: Pick<BlobStore, 'delete'>;
  readonly retentionMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The level-triggered half of the service (I16): looks at rows and indexes only, and repairs what events have missed.
 * Runs in every process on jittered timers; a short lock in Redis lets one of them work at a time. An entry that a
 * sweep cannot process does not block the others.
 */
export class Sweeper {
  readonly #timers = new Map<TurnName, NodeJS.Timeout>();
  readonly #running = new Set<Promise<void>>();
  /** Sweeps whose last turn failed for another reason than Redis being away. */
  readonly #failing = new Set<TurnName>();
  readonly #due: Backlog<Overdue>;
  readonly #left: Backlog<LeftEffect>;
  readonly #waiting: Backlog<SessionRef>;
  #stopped = false;
  readonly #isStopped = (): boolean => this.#stopped;

  constructor(private readonly parts: SweeperParts) {
    this.#due = this.#backlog(
      'overdue',
      PARALLEL,
      ({ member }) => member,
      due => this.#fire(due),
    );
    // One after the other: an effect may undo the one before it.
    this.#left = this.#backlog(
      'effects',
      1,
      ({ member }) => member,
      effect => this.#settleEffect(effect),
    );
    this.#waiting = this.#backlog(
      'queued',
      PARALLEL,
      ref => ref,
      ref => this.#ensureLaunchJob(ref),
    );
  }

  /** Starts all sweeps. */
  start(): void {
    const { reaper } = this.parts;
    const sweeps: Sweep[] = [
      { name: 'overdue', everyMs: 400, run: nowMs => this.#overdue(nowMs) },
      { name: 'arming', everyMs: 2_000, run: () => this.#arm() },
      { name: 'reaper', everyMs: 1_000, run: () => reaper.look(true) },
      { name: 'effects', everyMs: 2_000, run: nowMs => this.#effects(nowMs) },
      { name: 'queued', everyMs: 2_500, run: nowMs => this.#queued(nowMs) },
      { name: 'quarantine', everyMs: 2_500, run: nowMs => this.#quarantine(nowMs) },
      { name: 'retention', everyMs: 5_000, run: nowMs => this.#retire(nowMs) },
      { name: 'blobs', everyMs: 5_000, run: nowMs => this.#deleteBlobs(nowMs) },
      { name: 'clock', everyMs: 1_000, run: () => this.#pullBack() },
    ];
    for (const sweep of sweeps) this.#schedule(sweep);
  }

  /** Stops, and waits for running sweeps. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.all(this.#running);
  }

  #schedule(sweep: Sweep): void {
    if (this.#stopped) return;
    const jitteredMs = sweep.everyMs * (0.75 + Math.random() * 0.5);
    const timer = setTimeout(() => {
      const turn = this.#turn(sweep).finally(() => {
        this.#running.delete(turn);
        this.#schedule(sweep);
      });
      this.#running.add(turn);
    }, jitteredMs);
    this.#timers.set(sweep.name, timer);
  }

  async #turn(sweep: Sweep): Promise<void> {
    try {
      const turnAtMs = await this.parts.maintenance.takeTurn(sweep.name, Math.floor(sweep.everyMs * 0.7));
      if (turnAtMs !== null) await sweep.run(turnAtMs);
      // The reaper of every process watches its own contact with Redis, also without the turn.
      else if (sweep.name === 'reaper') await this.parts.reaper.look(false);
      this.#failing.delete(sweep.name);
    } catch (error) {
      if (sweep.name === 'reaper') this.parts.reaper.contactLost();
      // A failing sweep is logged once, because without it missed events stay unrepaired. That Redis is away is logged
      // elsewhere.
      const isNew = !isRedisAway(error) && !this.#failing.has(sweep.name);
      if (isNew) this.#failing.add(sweep.name);
      this.parts.log[isNew ? 'warn' : 'debug']({ sweep: sweep.name, err: error }, 'sweep failed');
    }
  }

  #backlog<T>(
    sweep: SweepName,
    parallel: number,
    keyOf: (entry: T) => string,
    settle: (entry: T) => Promise<Settled>,
  ): Backlog<T> {
    const { clock, log } = this.parts;
    return new Backlog({
      keyOf,
      settle,
      parallel,
      onFailing: (count, { key, error }) =>
        log.warn(
          { sweep, count, first: key, err: error },
          'a sweep skips entries that it cannot settle; they will be tried again',
        ),
      clock,
    });
  }

  async #overdue(nowMs: number): Promise<void> {
    const { maintenance } = this.parts;
    const beforeMs = nowMs - OVERDUE_AFTER_MS;
    await this.#due.walk((from, count) => maintenance.overdue(beforeMs, from, count), this.#isStopped);
  }

  /* Adds the delayed jobs of deadlines that are due soon. */
  async #arm(): Promise<void> {
    const { arming, producer } = this.parts;
    let next: string | null = null;
    do {
      const coming: ComingDeadlines = await arming.comingDue(ARMED_AHEAD_MS, next);
      await producer.arm(coming.deadlines, coming.nowMs);
      if (coming.next === null) await arming.armedUntil(coming.untilMs);
      next = coming.next;
    } while (next !== null && !this.#stopped);
  }

  async #fire(due: Overdue): Promise<Settled> {
    const { timeouts, report } = this.parts;
    const { ref, kind } = due;
    if (kind === null) return 'stays';
    const outcome = await timeouts.fire(ref, kind, null, 'sweep');
    if (outcome.kind === 'fired') report.repaired('overdue', 1, { session: ref, kind });
    return 'gone';
  }

  async #effects(nowMs: number): Promise<void> {
    const { maintenance, report } = this.parts;
    const beforeMs = nowMs - EFFECT_LEFT_AFTER_MS;
    const carriedOut = await this.#left.walk(
      (from, count) => maintenance.unacknowledgedEffects(beforeMs, from, count),
      this.#isStopped,
    );
    if (carriedOut > 0) report.repaired('effects', carriedOut);
  }

  async #settleEffect(effect: LeftEffect): Promise<Settled> {
    const { maintenance, relay } = this.parts;
    await relay.carryOutLeft(effect, await maintenance.nowMs());
    return 'gone';
  }

  async #queued(nowMs: number): Promise<void> {
    const { maintenance } = this.parts;
    const beforeMs = nowMs - QUEUED_WITHOUT_JOB_AFTER_MS;
    await this.#waiting.walk(
      (from, count) => maintenance.queuedSince(beforeMs, from, count),
      this.#isStopped,
    );
  }

  async #ensureLaunchJob(ref: SessionRef): Promise<Settled> {
    const { sessions, producer, maintenance, report } = this.parts;
    const { record, nowMs } = await sessions.load(ref);
    if (record === null || !isQueued(record.snapshot)) {
      await maintenance.dropQueued(ref);
      return 'gone';
    }
    const attempt = nextAttempt(record.snapshot.context);
    if (await producer.ensureLaunchJob(ref, attempt, nowMs)) report.repaired('queued', 1, { session: ref });
    return 'stays';
  }

  /* Deletes the blobs that no version has any more. One that cannot be deleted is named again. */
  async #deleteBlobs(nowMs: number): Promise<void> {
    const { doomedBlobs, blobs } = this.parts;
    for (const blobKey of await doomedBlobs.takeDueBlobs(nowMs, PARALLEL)) {
      if (this.#stopped) return;
      await blobs.delete(blobKey);
      await doomedBlobs.forgetBlob(blobKey);
    }
  }

  async #retire(nowMs: number): Promise<void> {
    const { maintenance, packing, quarantine, retentionMs } = this.parts;
    await maintenance.retire(retentionMs, this.#isStopped);
    await packing.pack(nowMs, PACKED_AFTER_MS, this.#isStopped);
    await quarantine.prune();
  }

  async #pullBack(): Promise<void> {
    const lowered = await this.parts.maintenance.pullBackScores();
    if (lowered > 0) this.parts.report.repaired('clock', lowered);
  }

  async #quarantine(nowMs: number): Promise<void> {
    const { queueWatch, report } = this.parts;
    for (const queue of QUEUE_PLACES) {
      if (this.#stopped) return;
      for (const entry of await queueWatch.quarantineAll(queue, nowMs)) report.quarantined(entry);
      if (queue.isForeign) await queueWatch.bound(queue);
    }
  }
}
