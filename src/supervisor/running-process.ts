import type { ChildProcess } from 'node:child_process';
import { pause } from '../core/abort';
import { isAlive, signalProcess, type ProcessIdentity, type ProcessTable } from '../core/process-identity';

/** How a process ended; both null for a process that was not a child, whose status is unknown. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One OS process, running or ended. */
export interface RunningProcess {
  /** Undefined when the program could not be started at all. */
  readonly pid: number | undefined;
  /** Settles when the process has ended; never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** Sends a signal if the process is still running. */
  signal(signal: NodeJS.Signals): Promise<void>;
}

/** A child process: the kernel reports how it ended. */
export class SpawnedProcess implements RunningProcess {
  readonly pid: number | undefined;
  readonly exited: Promise<ProcessExit>;
  readonly #child: ChildProcess;

  /** @param onError - called with the reason if the program could not be started */
  constructor(child: ChildProcess, onError: (error: Error) => void) {
    this.#child = child;
    this.pid = child.pid;
    this.exited = new Promise(resolve => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      child.on('error', error => {
        onError(error);
        // Without a pid no process was started; later errors (of a signal, of IPC) do not end the process.
        if (child.pid === undefined) resolve({ code: null, signal: null });
      });
    });
  }

  signal(signal: NodeJS.Signals): Promise<void> {
    // Node reaps its children itself, so the pid cannot belong to another process. Without a pid, Node 20 may signal
    // this process group instead (pid 0).
    if (this.pid !== undefined) this.#child.kill(signal);
    return Promise.resolve();
  }
}

/** A process that an earlier supervisor started: it is not a child, so its identity is polled. */
export class AdoptedProcess implements RunningProcess {
  static readonly POLL_MS = 200;

  readonly pid: number;
  readonly exited: Promise<ProcessExit>;

  constructor(
    readonly identity: ProcessIdentity,
    private readonly table: ProcessTable,
  ) {
    this.pid = identity.pid;
    this.exited = this.#watch();
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    await signalProcess(this.table, this.identity, signal);
  }

  async #watch(): Promise<ProcessExit> {
    while (await this.#mayLive()) await pause(AdoptedProcess.POLL_MS);
    return { code: null, signal: null };
  }

  /** If the process table cannot be read (no descriptors left), the result is unknown; it is read again. */
  async #mayLive(): Promise<boolean> {
    return isAlive(this.table, this.identity).catch(() => true);
  }
}
