import type { ChildProcess } from 'node:child_process';
import { ConfigError } from '../config/config';
import { pause } from '../core/abort';
import { systemClock } from '../core/clock';
import { messageOf } from '../core/errors';
import type { Logger } from '../core/logger';
import type { ProcessIdentity, ProcessTable } from '../core/process-identity';
import { EXIT } from '../core/run-process';
import type { ChildrenFile } from './children-file';
import { RestartLadder } from './restart-ladder';
import type { Patience, Role } from './roles';
import { AdoptedProcess, SpawnedProcess, type RunningProcess } from './running-process';
import { VitalSigns, type SignsListener } from './vital-signs';

/** What a process reports once it serves. */
export interface ReadyInfo {
  /** URL of the API; only the API has one. */
  readonly url?: string | undefined;
}

/** How to find and start the process of a role, and how to know that it is ready. */
export interface ProcessPlan {
  readonly role: Role;
  /** The log file of a process that does not write to the supervisor's output. */
  readonly logFile?: string;
  /**
   * Its end in order is work that nobody else does: a keeper ends the browsers, a worker the sessions. If it is on its
   * way back when it is stopped, it comes back first.
   */
  readonly endsOthers?: boolean;
  /** A running process of an earlier supervisor that can be taken over, or null. */
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
   * Reports from now on every sign that the process is responsive.
   *
   * @param child - null when it was adopted
   */
  listen(child: ChildProcess | null, listener: SignsListener): void;
}

/** Dependencies that all kept processes share. */
export interface KeepingContext {
  readonly table: ProcessTable;
  readonly children: ChildrenFile;
  readonly patience: Readonly<Record<Role, Patience>>;
  readonly log: Logger;
}

/** Callbacks; both are called for every start of the process. */
export interface KeptProcessHooks {
  readonly onReady?: (info: ReadyInfo) => void;
  /** The process has ended, or could not be started. */
  readonly onEnded?: () => void;
}

/** How long a stop may take. */
export interface StopPatience {
  readonly graceMs: number;
  /** Aborted at the user's second signal. */
  readonly hurry: AbortSignal;
  /** The remaining grace from then on. */
  readonly hurriedMs: number;
}

/**
 * Keeps one role alive until it is stopped: adopts or starts its process, kills it when it gives no sign of life, and
 * restarts it when it has ended (see {@link RestartLadder}).
 */
export class KeptProcess {
  /** Resolves when the role serves for the first time; rejects with a ConfigError if it refuses the settings before. */
  readonly firstReady: Promise<ReadyInfo>;
  /** Aborted: the process may be silent for as long as it likes. */
  readonly #unwatched = new AbortController();
  readonly #stopping = new AbortController();
  readonly #log: Logger;
  #running: RunningProcess | null = null;
  #isServing = false;
  /** A stop has not reached a process that serves yet (see `endsOthers`). */
  #owesOrder = false;
  readonly #givenUp = new AbortController();
  #resolveReady: (info: ReadyInfo) => void = () => undefined;
  #rejectReady: (error: ConfigError) => void = () => undefined;
  #hasServed = false;
  #loop: Promise<void> | null = null;

  constructor(
    readonly plan: ProcessPlan,
    private readonly context: KeepingContext,
    private readonly hooks: KeptProcessHooks = {},
  ) {
    const { role, logFile } = plan;
    this.#log = context.log.child({ role, ...(logFile === undefined ? {} : { logFile }) });
    this.firstReady = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    this.firstReady.catch(() => undefined); // a caller that has begun to drain does not wait for it any more
  }

  /** Pid of the current process, if any. */
  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /** Starts to keep the role alive. */
  start(): void {
    this.#loop ??= this.#keep();
  }

  /**
   * No silence ends the process any more. A drain has its own limits, and a keeper that ends a hundred browsers at once
   * must not be killed in the middle of it.
   */
  endWatch(): void {
    this.#unwatched.abort();
  }

  /** SIGTERM, then SIGKILL when the grace is over. Resolves when the process is gone; it is not started again. */
  async stop({ graceMs, hurry, hurriedMs }: StopPatience): Promise<void> {
    // One that never served has nothing that it could end.
    this.#owesOrder = this.plan.endsOthers === true && this.#hasServed && !this.#isServing;
    this.endWatch();
    this.#stopping.abort();
    if (this.#loop === null) return;
    if (!this.#owesOrder) await this.#terminate();
    if (await this.#endsWithin(graceMs, hurry)) return;
    if (hurry.aborted && (await this.#endsWithin(hurriedMs))) return;
    this.#log.warn({ childPid: this.pid }, 'the process did not end in time; killing it');
    this.#owesOrder = false;
    this.#givenUp.abort();
    await this.#running?.signal('SIGKILL');
    await this.#loop;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stopping;
    const ladder = new RestartLadder();
    while (!signal.aborted || this.#owesOrder) {
      const startedMs = systemClock.monotonicMs();
      const code = await this.#runOnce();
      if (signal.aborted && !this.#owesOrder) return;
      // It would refuse them again and again. Once it has served, they were usable, and may be so again.
      if (code === EXIT.usage && !this.#hasServed) {
        this.#rejectReady(new ConfigError([`the ${this.plan.role} refuses it: see its last line of log`]));
        return;
      }
      if (!signal.aborted) this.hooks.onEnded?.();
      const endedMs = systemClock.monotonicMs();
      const aliveMs = Math.round(endedMs - startedMs);
      const restartInMs = ladder.next(aliveMs, endedMs);
      this.#log.warn({ aliveMs, restartInMs }, 'starting the process again');
      // A stop ends the wait.
      await pause(restartInMs, signal.aborted ? this.#givenUp.signal : signal);
    }
  }

  /** One run of the process; answers its exit code if it is known. Never rejects, errors are logged. */
  async #runOnce(): Promise<number | null> {
    const ended = new AbortController();
    try {
      const { running, child } = await this.#adoptOrSpawn();
      // From here on no error may lose the running process.
      this.#running = running;
      if (this.#stopping.signal.aborted && !this.#owesOrder) await this.#terminate();
      const signs = this.#watch(running, child, ended.signal);
      void this.#awaitReady(child, signs, ended.signal);
      if (child !== null) void this.#record(child);
      const exit = await running.exited;
      const level = this.#stopping.signal.aborted ? 'info' : 'error';
      this.#log[level]({ childPid: running.pid, exitCode: exit.code, signal: exit.signal }, 'process ended');
      return exit.code;
    } catch (error) {
      this.#log.error({ err: error }, 'process could not be started');
      return null;
    } finally {
      ended.abort();
      this.#running = null;
      this.#isServing = false;
    }
  }

  async #adoptOrSpawn(): Promise<{ running: RunningProcess; child: ChildProcess | null }> {
    const { table, children } = this.context;
    const living = await this.plan.find();
    if (living !== null) {
      children.record(this.plan.role, living);
      this.#log.info({ childPid: living.pid }, 'the process is running already; taking it over');
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
      // If the process has ended meanwhile, its successor may be recorded already.
      if (identity !== null && this.pid === pid) this.context.children.record(this.plan.role, identity);
    } catch (error) {
      this.#log.error(
        { err: error, childPid: pid },
        'the process could not be added to the list of processes',
      );
    }
  }

  /** Kills a process that gives no more signs of life; `exited` then settles as for any other end. */
  #watch(running: RunningProcess, child: ChildProcess | null, ended: AbortSignal): VitalSigns {
    const patience = this.context.patience[this.plan.role];
    const signs = new VitalSigns(systemClock, patience, silentForMs => {
      this.#log.error({ childPid: running.pid, silentForMs }, 'the process does not respond; killing it');
      running.signal('SIGKILL').catch((error: unknown) => {
        this.#log.error({ err: error, childPid: running.pid }, 'process could not be killed');
      });
    });
    const over = AbortSignal.any([ended, this.#unwatched.signal]);
    if (over.aborted) return signs;
    over.addEventListener('abort', () => signs.stop(), { once: true });
    signs.watch(child !== null);
    this.plan.listen(child, { heard: () => signs.heard(), silentMs: patience.silentMs, over });
    return signs;
  }

  /** Sends SIGTERM; a process that was stopped (SIGSTOP) must be continued to receive it. */
  async #terminate(): Promise<void> {
    await this.#running?.signal('SIGTERM');
    await this.#running?.signal('SIGCONT');
  }

  /* The stop came before this process: only now it can do what a stop asks of it. */
  async #orderLateEnd(): Promise<void> {
    this.#owesOrder = false;
    await this.#terminate();
  }

  async #awaitReady(child: ChildProcess | null, signs: VitalSigns, ended: AbortSignal): Promise<void> {
    try {
      const info = await this.plan.ready(child, ended);
      if (ended.aborted) return;
      if (child !== null) signs.heard();
      this.#log.info({ ...info }, 'process is ready');
      this.#hasServed = true;
      this.#isServing = true;
      if (this.#owesOrder) {
        await this.#orderLateEnd();
        return;
      }
      this.#resolveReady(info);
      this.hooks.onReady?.(info);
    } catch (error) {
      if (!ended.aborted)
        this.#log.error({ reason: messageOf(error) }, 'the process did not report that it is ready');
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
