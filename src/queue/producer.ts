import { Queue, type JobsOptions } from 'bullmq';
import type { SessionEffect } from '../../machines/session/session.effects';
import type { SessionRef } from '../core/ids';
import { messageOf } from '../core/errors';
import type { Logger } from '../core/logger';
import type { Redis } from '../redis/connection';
import { INGRESS_PREFIX, keys } from '../redis/keys';
import { AcceptedJobs } from './accepted-jobs';
import { launchPriority } from './launch-priority';
import { launchPayload, type CommandPayload, type LaunchPayload, type TimerPayload } from './payloads';
import {
  INGRESS_QUEUE,
  OWN_QUEUES,
  type OwnQueue,
  type TimerKind,
} from '../../machines/session/session.words';
import { QUEUE_PREFIX } from './queues';

/**
 * Options of all Holdfast's own jobs. Ended jobs are not kept: a kept job with the same id makes a later add a silent
 * no-op. The consumer copies a job that fails for good into quarantine.
 */
const JOB_OPTIONS = {
  removeOnComplete: true,
  removeOnFail: true,
  attempts: 5,
  backoff: { type: 'exponential', delay: 200 },
} as const satisfies JobsOptions;

/** A job with a longer delay than any back-off was not delayed by Holdfast. */
const BACKOFF_MAX_MS = 10_000;

/** A worker claims the session within milliseconds of taking its launch job, and hands it back as quickly. */
const CLAIM_WITHIN_MS = 2_000;

/** Where a worker takes a job from, now or after a back-off, and where it is then. */
const LAUNCHABLE_STATES: ReadonlySet<string> = new Set(['waiting', 'prioritized', 'delayed', 'active']);

/** How many launch jobs one attempt may have, the lost ones included. */
const LAUNCH_COPIES_MAX = 5;

/** Length of BullMQ's own event stream, which has no reader. */
const QUEUE_EVENTS_MAX = 100;

/** A deadline to add a delayed job for. */
export interface ArmedDeadline {
  readonly ref: SessionRef;
  readonly kind: TimerKind;
  readonly deadlineMs: number;
  /** When the job is to be delivered. */
  readonly dueMs: number;
}

/**
 * Adds jobs to the queues. Job ids are derived from the subject of the job, so that a second add does nothing while the
 * first job is still there.
 */
export class Producer {
  readonly #queues: Readonly<Record<OwnQueue, Queue>>;
  /** Opened on demand: most processes never write into it. */
  #ingress: Queue | null = null;

  /**
   * @param redis - the process' connection for commands, which is never idle: a separate connection could be dead for
   *   hours before an add notices
   */
  constructor(
    private readonly redis: Redis,
    private readonly log: Logger,
  ) {
    const open = (name: OwnQueue): Queue => openQueue(name, redis, log);
    this.#queues = {
      launch: open('launch'),
      sessions: open('sessions'),
      timers: open('timers'),
      accepted: open('accepted'),
    };
  }

  /** Resolves when all queues are connected. */
  async ready(): Promise<void> {
    await Promise.all(OWN_QUEUES.map(name => this.#queues[name].waitUntilReady()));
  }

  /**
   * Carries out a committed effect.
   *
   * @param nowMs - Redis `TIME` about now; turns a deadline into a delay without trusting the local clock
   * @param turn - the session's turn to be launched, if the caller knows it; otherwise it is read
   */
  async carryOut(
    ref: SessionRef,
    effect: SessionEffect,
    nowMs: number,
    turn: number | null = null,
  ): Promise<void> {
    switch (effect.kind) {
      case 'launch.enqueue':
        await this.enqueueLaunch(ref, effect.attempt, 0, turn);
        return;
      case 'launch.cancel':
        await this.#queues.launch.remove(launchJobId(ref, effect.attempt, 0));
        return;
      case 'timer.arm': {
        const { timer: kind, deadlineMs } = effect;
        await this.arm([{ ref, kind, deadlineMs, dueMs: deadlineMs }], nowMs);
        return;
      }
      case 'timer.cancel':
        await this.#queues.timers.remove(timerJobId(ref, effect.timer, effect.deadlineMs));
        return;
    }
  }

  /**
   * Adds delayed jobs for deadlines; does nothing for one that has its job.
   *
   * @param nowMs - as above
   */
  async arm(deadlines: readonly ArmedDeadline[], nowMs: number): Promise<void> {
    const jobs = deadlines.map(({ ref, kind, deadlineMs, dueMs }) => ({
      name: kind,
      data: { v: 1, ref, kind, deadlineMs } satisfies TimerPayload,
      // BullMQ counts the delay from the timestamp, which else is when this process comes to it.
      opts: { jobId: timerJobId(ref, kind, deadlineMs), timestamp: nowMs, delay: Math.max(0, dueMs - nowMs) },
    }));
    const [first, ...others] = jobs;
    // One of them, as nearly always, costs no transaction.
    if (first !== undefined && others.length === 0)
      await this.#queues.timers.add(first.name, first.data, first.opts);
    else if (first !== undefined) await this.#queues.timers.addBulk(jobs);
  }

  /**
   * Adds a launch job, which a worker with a free slot takes.
   *
   * @param copy - 0 for the first job of the attempt; several for one attempt are harmless, since one claim wins
   * @param knownTurn - as above
   */
  async enqueueLaunch(
    ref: SessionRef,
    attempt: number,
    copy = 0,
    knownTurn: number | null = null,
  ): Promise<void> {
    const payload: LaunchPayload = { v: 1, ref, attempt };
    const turn = knownTurn ?? (await this.redis.zscore(keys.turns, ref));
    await this.#queues.launch.add('launch', payload, {
      jobId: launchJobId(ref, attempt, copy),
      // Read for each job, so that one that is added again has its turn. Without one it no longer waits, or a version
      // without turns has created it: it comes first then.
      ...(turn === null ? {} : { priority: launchPriority(Number(turn)) }),
    });
  }

  /**
   * Makes sure that a launch job for this attempt is where a worker takes it. Any other job with its id is removed: one
   * that has ended or is delayed, one that is in no list any more, one from another writer. A job that was taken a
   * while ago without a claim is left to BullMQ, which gives it back when its lock has lapsed, and a copy is added
   * beside it: its taker was killed, or never got the answer to its fetch.
   *
   * @param nowMs - Redis `TIME` about now
   * @returns whether there was none
   */
  async ensureLaunchJob(ref: SessionRef, attempt: number, nowMs: number): Promise<boolean> {
    for (let copy = 0; copy < LAUNCH_COPIES_MAX; copy += 1) {
      const state = await this.#launchJobState(ref, attempt, copy, nowMs);
      if (state === 'there') return false;
      if (state === 'lost') continue;
      await this.#removeLaunchJob(launchJobId(ref, attempt, copy));
      await this.enqueueLaunch(ref, attempt, copy);
      return true;
    }
    return false;
  }

  /** Whether a launch job for this attempt is where a worker takes it, or has just been taken. */
  async hasLaunchJob(ref: SessionRef, attempt: number, nowMs: number): Promise<boolean> {
    for (let copy = 0; copy < LAUNCH_COPIES_MAX; copy += 1) {
      const state = await this.#launchJobState(ref, attempt, copy, nowMs);
      if (state !== 'lost') return state === 'there';
    }
    return false;
  }

  /* A job that is being worked on is there also if it is another writer's: it ends, or goes into quarantine. */
  async #launchJobState(
    ref: SessionRef,
    attempt: number,
    copy: number,
    nowMs: number,
  ): Promise<'there' | 'lost' | 'missing'> {
    const { launch } = this.#queues;
    const id = launchJobId(ref, attempt, copy);
    const state = await launch.getJobState(id);
    if (!LAUNCHABLE_STATES.has(state)) return 'missing';
    const job = await launch.getJob(id).catch(() => undefined);
    if (state === 'active') return nowMs - (job?.processedOn ?? nowMs) > CLAIM_WITHIN_MS ? 'lost' : 'there';
    const { success, data } = launchPayload.safeParse(job?.data);
    const isRight = success && data.ref === ref && data.attempt === attempt;
    return isRight && (job?.delay ?? 0) <= BACKOFF_MAX_MS ? 'there' : 'missing';
  }

  async #removeLaunchJob(id: string): Promise<void> {
    const { launch } = this.#queues;
    await launch.remove(id).catch(async (error: unknown) => {
      if (!messageOf(error).includes('WRONGTYPE')) throw error;
      await this.redis.del(launch.toKey(id));
    });
  }

  /** Sends a command; a repeat with the same `commandId` does nothing while the first is under way. */
  async sendCommand(command: CommandPayload): Promise<void> {
    await this.#queues.sessions.add(command.command, command, { jobId: commandJobId(command.commandId) });
  }

  /** Removes a command that no consumer has taken; one that is being worked on stays. */
  async withdrawCommand(commandId: string): Promise<void> {
    await this.#queues.sessions.remove(commandJobId(commandId));
  }

  /**
   * Adds a job again that has left its queue; does nothing while a job with this id is there.
   *
   * @param queue - one of Holdfast's own, or `ingress`
   */
  async addAgain(
    queue: string,
    { jobId, name, data }: { jobId: string; name: string; data: unknown },
  ): Promise<void> {
    const ours = OWN_QUEUES.find(known => known === queue);
    await (ours === undefined ? this.#ingressQueue() : this.#queues[ours]).add(name, data, { jobId });
  }

  /** The jobs of other services. */
  acceptedJobs(): AcceptedJobs {
    return new AcceptedJobs(this.#ingressQueue(), this.#queues.accepted);
  }

  /** The same on another connection: commands on one connection are carried out in their order. */
  acceptedJobsOn(connection: Redis): AcceptedJobs {
    const { log } = this;
    return new AcceptedJobs(
      openQueue(INGRESS_QUEUE, connection, log),
      openQueue('accepted', connection, log),
    );
  }

  /** All queues, for reading only. */
  all(): readonly Queue[] {
    return [...OWN_QUEUES.map(name => this.#queues[name]), this.#ingressQueue()];
  }

  /** Jobs by state, for metrics. */
  async jobCounts(): Promise<Record<OwnQueue, Record<string, number>>> {
    const of = async (name: OwnQueue): Promise<Record<string, number>> => {
      const counts = await this.#queues[name].getJobCounts('waiting', 'prioritized', 'active', 'delayed');
      const { waiting = 0, prioritized = 0, ...others } = counts;
      return { waiting: waiting + prioritized, ...others };
    };
    const [launch, sessions, timers, accepted] = await Promise.all([
      of('launch'),
      of('sessions'),
      of('timers'),
      of('accepted'),
    ]);
    return { launch, sessions, timers, accepted };
  }

  /** Closes the queues; the connection stays open. */
  async close(): Promise<void> {
    await Promise.all([...OWN_QUEUES.map(name => this.#queues[name].close()), this.#ingress?.close()]);
  }

  #ingressQueue(): Queue {
    return (this.#ingress ??= openQueue(INGRESS_QUEUE, this.redis, this.log));
  }
}

/* The length of the event stream of `ingress` is left to its producers. */
function openQueue(name: OwnQueue | typeof INGRESS_QUEUE, connection: Redis, log: Logger): Queue {
  const ours = { streams: { events: { maxLen: QUEUE_EVENTS_MAX } }, defaultJobOptions: JOB_OPTIONS };
  const queue =
    name === INGRESS_QUEUE
      ? new Queue(name, { connection, prefix: INGRESS_PREFIX })
      : new Queue(name, { connection, prefix: QUEUE_PREFIX[name], ...ours });
  queue.on('error', error => log.debug({ err: error, queue: name }, 'queue connection failed'));
  return queue;
}

const commandJobId = (commandId: string): string => `c.${commandId}`;

const launchJobId = (ref: SessionRef, attempt: number, copy: number): string =>
  copy === 0 ? `${ref}.launch.${attempt}` : `${ref}.launch.${attempt}.${copy}`;

const timerJobId = (ref: SessionRef, kind: string, deadlineMs: number): string =>
  `${ref}.${kind}.${deadlineMs}`;
