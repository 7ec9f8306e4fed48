import { nextAttempt } from '../../machines/session/session.effects';
import type { SessionRef } from '../core/ids';
import type { Logger } from '../core/logger';
import type { Report, SweepName } from '../events/report';
import type { Producer } from '../queue/producer';
import { QUEUES } from '../queue/queues';
import { isRedisAway } from '../redis/errors';
import type { MaintenanceStore } from '../store/maintenance-store';
import type { QuarantineStore } from '../store/quarantine-store';
import type { QueueWatch } from '../store/queue-watch';
import type { SessionStore } from '../store/session-store';
import type { EffectRelay } from './effect-relay';
import type { Reaper } from './reaper';
import type { Timeouts } from './timeouts';

/** A deadline this much overdue was missed by both other layers of timers. */
const OVERDUE_AFTER_MS = 400;

/** An effect that is still not acknowledged after this long was left behind by a crash. */
const EFFECT_LEFT_AFTER_MS = 2_000;

/** A session that waits for longer than this must have a launch job. */
const QUEUED_WITHOUT_JOB_AFTER_MS = 5_000;

const BATCH = 200;

interface Sweep {
  readonly name: SweepName;
  readonly everyMs: number;
  readonly run: () => Promise<unknown>;
}

/** What the sweeps work with. */
export interface SweeperParts {
  readonly maintenance: MaintenanceStore;
  readonly quarantine: Pick<QuarantineStore, 'prune'>;
  readonly queueWatch: QueueWatch;
  readonly sessions: SessionStore;
  readonly producer: Producer;
  readonly relay: EffectRelay;
  readonly timeouts: Timeouts;
  readonly reaper: Reaper;
  readonly report: Report;
  readonly retentionMs: number;
  readonly log: Logger;
}

/**
 * The level-triggered half of the service (I16): looks at rows and indexes only, and puts right what events have
 * missed. Runs in every process on jittered timers; a short lock in Redis lets one of them work at a time.
 */
export class Sweeper {
  readonly #timers = new Map<SweepName, NodeJS.Timeout>();
  readonly #running = new Set<Promise<void>>();
  /** Sweeps whose last turn failed for a reason of their own. */
  readonly #failing = new Set<SweepName>();
  #stopped = false;

  constructor(private readonly parts: SweeperParts) {}

  /** Starts all sweeps. */
  start(): void {
    const { reaper, maintenance, quarantine, retentionMs } = this.parts;
    const sweeps: Sweep[] = [
      { name: 'overdue', everyMs: 400, run: () => this.#overdue() },
      { name: 'reaper', everyMs: 1_000, run: () => reaper.look(true) },
      { name: 'effects', everyMs: 2_000, run: () => this.#effects() },
      { name: 'queued', everyMs: 2_500, run: () => this.#queued() },
      { name: 'contain', everyMs: 2_500, run: () => this.#contain() },
      {
        name: 'retention',
        everyMs: 5_000,
        run: async () => {
          while ((await maintenance.retire(retentionMs, BATCH)) === BATCH && !this.#stopped);
          await quarantine.prune();
        },
      },
    ];
    for (const sweep of sweeps) this.#schedule(sweep);
  }

  /** Stops and waits for what is running. */
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
      const mine = await this.parts.maintenance.takeTurn(sweep.name, Math.floor(sweep.everyMs * 0.7));
      if (mine) await sweep.run();
      // The reaper of every process watches its own contact with Redis, also when it is not its turn.
      else if (sweep.name === 'reaper') await this.parts.reaper.look(false);
      this.#failing.delete(sweep.name);
    } catch (error) {
      if (sweep.name === 'reaper') this.parts.reaper.contactLost();
      // A net that is torn has to be heard of, once. That Redis is away is said by whoever speaks to it all the time.
      const isNews = !isRedisAway(error) && !this.#failing.has(sweep.name);
      if (isNews) this.#failing.add(sweep.name);
      this.parts.log[isNews ? 'warn' : 'debug']({ sweep: sweep.name, err: error }, 'sweep failed');
    }
  }

  async #overdue(): Promise<void> {
    const { maintenance, timeouts, sessions, report } = this.parts;
    const nowMs = await maintenance.nowMs();
    for (const overdue of await maintenance.overdue(nowMs - OVERDUE_AFTER_MS, BATCH)) {
      if (this.#stopped) return;
      const outcome = await timeouts.fire(overdue.ref, overdue.kind, null, 'sweep');
      if ('fired' in outcome && outcome.fired) {
        report.repaired('overdue', 1, { session: overdue.ref, kind: overdue.kind });
        continue;
      }
      const { record } = await sessions.load(overdue.ref);
      if (record?.snapshot.context.deadlines[overdue.kind] === undefined) await maintenance.dropDue(overdue);
    }
  }

  async #effects(): Promise<void> {
    const { maintenance, relay, report } = this.parts;
    const nowMs = await maintenance.nowMs();
    const left = await maintenance.unacknowledgedEffects(nowMs - EFFECT_LEFT_AFTER_MS, BATCH);
    if (left.length === 0) return;
    await relay.carryOutLeftOver(left, nowMs);
    report.repaired('effects', left.length);
  }

  async #queued(): Promise<void> {
    const { maintenance } = this.parts;
    const nowMs = await maintenance.nowMs();
    for (const ref of await maintenance.queuedSince(nowMs - QUEUED_WITHOUT_JOB_AFTER_MS, BATCH)) {
      if (this.#stopped) return;
      await this.#ensureLaunchJob(ref);
    }
  }

  async #ensureLaunchJob(ref: SessionRef): Promise<void> {
    const { sessions, producer, maintenance, report } = this.parts;
    const { record } = await sessions.load(ref);
    if (record?.snapshot.context.deadlines.queue === undefined) {
      await maintenance.dropQueued(ref);
      return;
    }
    const attempt = nextAttempt(record.snapshot.context);
    if (await producer.hasLaunchJob(ref, attempt)) return;
    await producer.enqueueLaunch(ref, attempt);
    report.repaired('queued', 1, { session: ref });
  }

  async #contain(): Promise<void> {
    const { maintenance, queueWatch, report } = this.parts;
    const nowMs = await maintenance.nowMs();
    for (const queue of QUEUES) {
      if (this.#stopped) return;
      for (const entry of await queueWatch.contain(queue, nowMs)) report.contained(entry);
      if (queue.isForeign) await queueWatch.bound(queue);
    }
  }
}
