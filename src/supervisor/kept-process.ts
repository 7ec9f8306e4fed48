import type { ChildProcess } from 'node:child_process';
import { backoffMs, pause } from '../core/abort';
import { systemClock } from '../core/clock';
import { messageOf } from '../core/errors';
import type { Logger } from '../core/logger';
import type { ProcessIdentity, ProcessTable } from '../core/process-identity';
import type { ChildrenFile } from './children-file';
import type { Role } from './roles';
import { AdoptedProcess, SpawnedProcess, type RunningProcess } from './running-process';

/** What a process says of itself once it serves. */
export interface ReadyInfo {
  /** Only the API: where it can be reached. */
  readonly url?: string | undefined;
}

/** How one role is found, started and known to be ready. */
export interface ProcessPlan {
  readonly role: Role;
  /** Where the process writes if it does not write where we do. */
  readonly logFile?: string;
  /** A living process of an earlier supervisor that can be taken over, or null. */
  find(): Promise<ProcessIdentity | null>;
  spawn(): ChildProcess;
  /**
   * Resolves when the process serves.
   *
   * @param child - null when it was adopted
   * @param ended - aborted when the process ended; the promise may then reject or stay open
   */
  ready(child: ChildProcess | null, ended: AbortSignal): Promise<ReadyInfo>;
}

/** Everything that kept processes share. */
export interface KeepingContext {
  readonly table: ProcessTable;
  readonly children: ChildrenFile;
  readonly log: Logger;
}

/** How long a stop may take. */
export interface StopPatience {
  readonly graceMs: number;
  /** Aborted when the user has lost patience. */
  readonly hurry: AbortSignal;
  /** What remains of the grace from then on. */
  readonly hurriedMs: number;
}

const FIRST_RESTART_MS = 1_000;
const LONGEST_RESTART_MS = 30_000;
/** Whoever lived this long counts as healthy: its next restart is immediate again. */
const HEALTHY_AFTER_MS = 10_000;

/** Keeps one role alive: adopts or starts its process and starts it again after 0, 1, 2, 4 … 30 s, until stopped. */
export class KeptProcess {
  /** Resolves when the role serves for the first time. */
  readonly firstReady: Promise<ReadyInfo>;
  readonly #stopping = new AbortController();
  readonly #log: Logger;
  #running: RunningProcess | null = null;
  #resolveReady: (info: ReadyInfo) => void = () => undefined;
  #loop: Promise<void> | null = null;

  /** @param onReady - called at every start, the first and later ones */
  constructor(
    readonly plan: ProcessPlan,
    private readonly context: KeepingContext,
    private readonly onReady: (info: ReadyInfo) => void = () => undefined,
  ) {
    const { role, logFile } = plan;
    this.#log = context.log.child({ role, ...(logFile === undefined ? {} : { logFile }) });
    this.firstReady = new Promise(resolve => (this.#resolveReady = resolve));
  }

  /** Of the process that runs now, if any. */
  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /** Begins to keep the role alive. */
  start(): void {
    this.#loop ??= this.#keep();
  }

  /** SIGTERM, then SIGKILL when the grace is over. Resolves when the process is gone; it is not started again. */
  async stop({ graceMs, hurry, hurriedMs }: StopPatience): Promise<void> {
    this.#stopping.abort();
    if (this.#loop === null) return;
    await this.#running?.signal('SIGTERM');
    if (await this.#endsWithin(graceMs, hurry)) return;
    if (hurry.aborted && (await this.#endsWithin(hurriedMs))) return;
    this.#log.warn({ childPid: this.pid }, 'did not end in time, killing it');
    await this.#running?.signal('SIGKILL');
    await this.#loop;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted;) {
      const startedMs = systemClock.monotonicMs();
      await this.#runOnce();
      if (signal.aborted) return;
      const aliveMs = systemClock.monotonicMs() - startedMs;
      if (aliveMs >= HEALTHY_AFTER_MS) failures = 0;
      const restartInMs = backoffMs(failures++, FIRST_RESTART_MS, LONGEST_RESTART_MS);
      this.#log.warn({ aliveMs: Math.round(aliveMs), restartInMs }, 'starting it again');
      await pause(restartInMs, signal);
    }
  }

  /** One life of the process; never rejects, because nobody but the log could be told. */
  async #runOnce(): Promise<void> {
    const ended = new AbortController();
    try {
      const { running, child } = await this.#adoptOrSpawn();
      this.#running = running;
      if (this.#stopping.signal.aborted) await running.signal('SIGTERM');
      void this.#awaitReady(child, ended.signal);
      const exit = await running.exited;
      const level = this.#stopping.signal.aborted ? 'info' : 'error';
      this.#log[level]({ childPid: running.pid, exitCode: exit.code, signal: exit.signal }, 'process ended');
    } catch (error) {
      this.#log.error({ err: error }, 'process could not be started');
    } finally {
      ended.abort();
      this.#running = null;
    }
  }

  async #adoptOrSpawn(): Promise<{ running: RunningProcess; child: ChildProcess | null }> {
    const { table, children } = this.context;
    const living = await this.plan.find();
    if (living !== null) {
      children.record(this.plan.role, living);
      this.#log.info({ childPid: living.pid }, 'found it alive, taking it over');
      return { running: new AdoptedProcess(living, table), child: null };
    }
    const child = this.plan.spawn();
    const running = new SpawnedProcess(child, error => this.#log.error({ err: error }, 'process failed'));
    if (child.pid !== undefined) {
      const identity = await table.identify(child.pid);
      if (identity !== null) children.record(this.plan.role, identity);
      this.#log.info({ childPid: child.pid }, 'process started');
    }
    return { running, child };
  }

  async #awaitReady(child: ChildProcess | null, ended: AbortSignal): Promise<void> {
    try {
      const info = await this.plan.ready(child, ended);
      if (ended.aborted) return;
      this.#log.info({ ...info }, 'process is ready');
      this.#resolveReady(info);
      this.onReady(info);
    } catch (error) {
      if (!ended.aborted)
        this.#log.error({ reason: messageOf(error) }, 'cannot tell whether the process is ready');
    }
  }

  /** Whether the process ends within a time, or before `hurry`. */
  async #endsWithin(ms: number, hurry?: AbortSignal): Promise<boolean> {
    const timer = new AbortController();
    const cut = hurry === undefined ? timer.signal : AbortSignal.any([timer.signal, hurry]);
    const ended = await new Promise<boolean>(resolve => {
      void this.#loop?.then(() => resolve(true));
      void pause(ms, cut).then(() => resolve(false));
    });
    timer.abort();
    return ended;
  }
}
