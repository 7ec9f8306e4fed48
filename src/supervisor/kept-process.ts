import type { ChildProcess } from 'node:child_process';
import { pause } from '../core/abort';
import { systemClock } from '../core/clock';
import { messageOf } from '../core/errors';
import type { Logger } from '../core/logger';
import type { ProcessIdentity, ProcessTable } from '../core/process-identity';
import type { ChildrenFile } from './children-file';
import { RestartLadder } from './restart-ladder';
import type { Patience, Role } from './roles';
import { AdoptedProcess, SpawnedProcess, type RunningProcess } from './running-process';
import { VitalSigns } from './vital-signs';

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
  /**
   * Begins to tell every sign that the process not only exists but runs.
   *
   * @param child - null when it was adopted
   */
  listen(child: ChildProcess | null, listener: SignsListener): void;
}

/** Who hears of a process' signs of life. */
export interface SignsListener {
  readonly heard: () => void;
  /** How long an answer may take. */
  readonly silentMs: number;
  /** Aborted when nobody listens any more. */
  readonly over: AbortSignal;
}

/** Everything that kept processes share. */
export interface KeepingContext {
  readonly table: ProcessTable;
  readonly children: ChildrenFile;
  readonly patience: Readonly<Record<Role, Patience>>;
  readonly log: Logger;
}

/** Who else wants to know. Both are called in every life of the process. */
export interface KeptProcessHooks {
  readonly onReady?: (info: ReadyInfo) => void;
  /** It has ended, or could not be started. */
  readonly onEnded?: () => void;
}

/** How long a stop may take. */
export interface StopPatience {
  readonly graceMs: number;
  /** Aborted when the user has lost patience. */
  readonly hurry: AbortSignal;
  /** What remains of the grace from then on. */
  readonly hurriedMs: number;
}

/**
 * Keeps one role alive: adopts or starts its process, kills it when it gives no sign of life, and starts it again when it
 * has ended (see {@link RestartLadder}), until stopped.
 */
export class KeptProcess {
  /** Resolves when the role serves for the first time. */
  readonly firstReady: Promise<ReadyInfo>;
  readonly #stopping = new AbortController();
  readonly #log: Logger;
  #running: RunningProcess | null = null;
  #resolveReady: (info: ReadyInfo) => void = () => undefined;
  #loop: Promise<void> | null = null;

  constructor(
    readonly plan: ProcessPlan,
    private readonly context: KeepingContext,
    private readonly hooks: KeptProcessHooks = {},
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
    await this.#terminate();
    if (await this.#endsWithin(graceMs, hurry)) return;
    if (hurry.aborted && (await this.#endsWithin(hurriedMs))) return;
    this.#log.warn({ childPid: this.pid }, 'did not end in time, killing it');
    await this.#running?.signal('SIGKILL');
    await this.#loop;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stopping;
    const ladder = new RestartLadder();
    while (!signal.aborted) {
      const startedMs = systemClock.monotonicMs();
      await this.#runOnce();
      if (signal.aborted) return;
      this.hooks.onEnded?.();
      const endedMs = systemClock.monotonicMs();
      const aliveMs = Math.round(endedMs - startedMs);
      const restartInMs = ladder.next(aliveMs, endedMs);
      this.#log.warn({ aliveMs, restartInMs }, 'starting it again');
      await pause(restartInMs, signal);
    }
  }

  /** One life of the process; never rejects, because nobody but the log could be told. */
  async #runOnce(): Promise<void> {
    const ended = new AbortController();
    try {
      const { running, child } = await this.#adoptOrSpawn();
      // From here on nothing may fail that would lose a process that runs.
      this.#running = running;
      if (this.#stopping.signal.aborted) await this.#terminate();
      const signs = this.#watch(running, child, ended.signal);
      void this.#awaitReady(child, signs, ended.signal);
      if (child !== null) void this.#record(child);
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
    if (child.pid !== undefined) this.#log.info({ childPid: child.pid }, 'process started');
    return { running, child };
  }

  async #record({ pid }: ChildProcess): Promise<void> {
    if (pid === undefined) return;
    try {
      const identity = await this.context.table.identify(pid);
      // A process that has ended meanwhile may have a successor in the list already.
      if (identity !== null && this.pid === pid) this.context.children.record(this.plan.role, identity);
    } catch (error) {
      this.#log.error({ err: error, childPid: pid }, 'process could not be put on the list of processes');
    }
  }

  /** Kills a process that has stopped to give signs of life; `exited` then tells its end like any other. */
  #watch(running: RunningProcess, child: ChildProcess | null, ended: AbortSignal): VitalSigns {
    const patience = this.context.patience[this.plan.role];
    const signs = new VitalSigns(systemClock, patience, silentForMs => {
      this.#log.error({ childPid: running.pid, silentForMs }, 'gives no sign of life, killing it');
      running.signal('SIGKILL').catch((error: unknown) => {
        this.#log.error({ err: error, childPid: running.pid }, 'process could not be killed');
      });
    });
    // A drain has limits of its own.
    const over = AbortSignal.any([ended, this.#stopping.signal]);
    if (over.aborted) return signs;
    over.addEventListener('abort', () => signs.stop(), { once: true });
    signs.watch(child !== null);
    this.plan.listen(child, { heard: () => signs.heard(), silentMs: patience.silentMs, over });
    return signs;
  }

  /** Tells it to end; one that was stopped (SIGSTOP) has to go on for that. */
  async #terminate(): Promise<void> {
    await this.#running?.signal('SIGTERM');
    await this.#running?.signal('SIGCONT');
  }

  async #awaitReady(child: ChildProcess | null, signs: VitalSigns, ended: AbortSignal): Promise<void> {
    try {
      const info = await this.plan.ready(child, ended);
      if (ended.aborted) return;
      if (child !== null) signs.heard();
      this.#log.info({ ...info }, 'process is ready');
      this.#resolveReady(info);
      this.hooks.onReady?.(info);
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
