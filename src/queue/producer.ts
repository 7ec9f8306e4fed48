import { Queue, type JobsOptions } from 'bullmq';
import type { SessionEffect } from '../../machines/session/session.effects';
import type { SessionRef } from '../core/ids';
import { messageOf } from '../core/errors';
import type { Logger } from '../core/logger';
import type { Redis } from '../redis/connection';
import { INGRESS_PREFIX } from '../redis/keys';
import { AcceptedJobs } from './accepted-jobs';
import { launchPayload, type CommandPayload, type LaunchPayload, type TimerPayload } from './payloads';
import { INGRESS_QUEUE, OWN_QUEUES, type OwnQueue } from '../../machines/session/session.words';
import { QUEUE_PREFIX } from './queues';

/**
 * Options of every job of ours. Nothing is kept: a kept job with the same id makes a later add a silent no-op.
 * What fails for good is copied into quarantine by the consumer.
 */
const JOB_OPTIONS = {
  removeOnComplete: true,
  removeOnFail: true,
  attempts: 5,
  backoff: { type: 'exponential', delay: 200 },
} as const satisfies JobsOptions;

/** A job that is delayed for longer than any back-off of ours was not delayed by us. */
const BACKOFF_MAX_MS = 10_000;

/** Length of BullMQ's own event stream, which nobody reads. */
const QUEUE_EVENTS_MAX = 100;

/**
 * Puts jobs on the queues. Job ids are derived from what the job is about, so
 * that a second add of the same thing does nothing while the first is still there.
 */
export class Producer {
  readonly #queues: Readonly<Record<OwnQueue, Queue>>;
  /** Opened when it is needed: most processes never write into it. */
  #ingress: Queue | null = null;

  /**
   * @param redis - the process' connection for commands, which is never idle: a connection of our own could be dead for
   *   hours before an add finds out
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
   */
  async carryOut(ref: SessionRef, effect: SessionEffect, nowMs: number): Promise<void> {
    switch (effect.kind) {
      case 'launch.enqueue':
        await this.enqueueLaunch(ref, effect.attempt);
        return;
      case 'launch.cancel':
        await this.#queues.launch.remove(launchJobId(ref, effect.attempt));
        return;
      case 'timer.arm': {
        const payload: TimerPayload = { v: 1, ref, kind: effect.timer, deadlineMs: effect.deadlineMs };
        await this.#queues.timers.add(effect.timer, payload, {
          jobId: timerJobId(ref, effect.timer, effect.deadlineMs),
          delay: Math.max(0, effect.deadlineMs - nowMs),
        });
        return;
      }
      case 'timer.cancel':
        await this.#queues.timers.remove(timerJobId(ref, effect.timer, effect.deadlineMs));
        return;
    }
  }

  /** Asks for a worker with a free slot. */
  async enqueueLaunch(ref: SessionRef, attempt: number): Promise<void> {
    const payload: LaunchPayload = { v: 1, ref, attempt };
    await this.#queues.launch.add('launch', payload, { jobId: launchJobId(ref, attempt) });
  }

  /**
   * Has a launch job for this attempt be where a worker takes it. Whatever else stands under its id is removed: one that has
   * ended or is planned for later, one that is in no list any more, one of somebody else.
   *
   * @returns whether there was none
   */
  async ensureLaunchJob(ref: SessionRef, attempt: number): Promise<boolean> {
    if (await this.hasLaunchJob(ref, attempt)) return false;
    const { launch } = this.#queues;
    const id = launchJobId(ref, attempt);
    await launch.remove(id).catch(async (error: unknown) => {
      if (!messageOf(error).includes('WRONGTYPE')) throw error;
      await this.redis.del(launch.toKey(id));
    });
    await this.enqueueLaunch(ref, attempt);
    return true;
  }

  /**
   * Whether a launch job for this attempt is where a worker takes it. One that is being worked on counts, whoever's it is: it
   * ends, or is contained.
   */
  async hasLaunchJob(ref: SessionRef, attempt: number): Promise<boolean> {
    const { launch } = this.#queues;
    const id = launchJobId(ref, attempt);
    const state = await launch.getJobState(id);
    if (state === 'active') return true;
    if (state !== 'waiting' && state !== 'delayed') return false;
    const job = await launch.getJob(id).catch(() => undefined);
    const { success, data } = launchPayload.safeParse(job?.data);
    return success && data.ref === ref && data.attempt === attempt && (job?.delay ?? 0) <= BACKOFF_MAX_MS;
  }

  /** Sends a command; a repeat with the same `commandId` does nothing while the first is under way. */
  async sendCommand(command: CommandPayload): Promise<void> {
    await this.#queues.sessions.add(command.command, command, { jobId: commandJobId(command.commandId) });
  }

  /** Takes a command back that nobody has taken; one that is being worked on stays where it is. */
  async withdrawCommand(commandId: string): Promise<void> {
    await this.#queues.sessions.remove(commandJobId(commandId));
  }

  /**
   * Adds a job once more that has left its queue; does nothing while one with this id is there.
   *
   * @param queue - one of ours, or `ingress`
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

  /** The same by another connection: what is said on it is heard in the order in which it was said. */
  acceptedJobsOn(connection: Redis): AcceptedJobs {
    const { log } = this;
    return new AcceptedJobs(
      openQueue(INGRESS_QUEUE, connection, log),
      openQueue('accepted', connection, log),
    );
  }

  /** All queues, for whoever only looks at them. */
  all(): readonly Queue[] {
    return [...OWN_QUEUES.map(name => this.#queues[name]), this.#ingressQueue()];
  }

  /** Jobs by state, for metrics. */
  async jobCounts(): Promise<Record<OwnQueue, Record<string, number>>> {
    const of = (name: OwnQueue): Promise<Record<string, number>> =>
      this.#queues[name].getJobCounts('waiting', 'active', 'delayed');
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

/* Of `ingress` its producers have a say in how long its events are. */
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

const launchJobId = (ref: SessionRef, attempt: number): string => `${ref}.launch.${attempt}`;

const timerJobId = (ref: SessionRef, kind: string, deadlineMs: number): string =>
  `${ref}.${kind}.${deadlineMs}`;
