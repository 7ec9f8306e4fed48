import { pollUntil } from '../../../src/core/abort';
import { sendSignal, type ProcessEntry, type ProcessTable } from '../../../src/core/process-identity';

const PATIENCE_MS = 1_000;

/**
 * Kills every process that still names a run directory in an argument (`…=<directory>/…`): Chromium's crash handlers
 * leave its process group, and its companions were never in it. The form excludes an operator's `tail <directory>/log`.
 */
export class Leftovers {
  readonly #processes: ProcessTable;
  #running: Promise<ProcessEntry[]> | null = null;
  #next: Promise<ProcessEntry[]> | null = null;

  constructor(processes: ProcessTable) {
    this.#processes = processes;
  }

  /**
   * Returns when no process names the directory any more; answers how many had to be killed.
   *
   * @throws DeadlineExceededError if some outlive SIGKILL for a second.
   */
  async kill(directory: string): Promise<number> {
    const killed = new Set<number>();
    const options = { timeoutMs: PATIENCE_MS, everyMs: 10 };
    await pollUntil(`the processes of ${directory} to go`, options, async () => {
      const found = (await this.#freshList()).filter(entry => entry.commandLine.includes(`=${directory}/`));
      const hit = found.filter(({ pid }) => kill(pid));
      hit.forEach(({ pid }) => killed.add(pid));
      return hit.length === 0 ? true : undefined;
    });
    return killed.size;
  }

  /**
   * A process list that was begun after this call. Callers during a read share the next one, so that a thousand
   * browsers ending at once do not read the process table a thousand times.
   */
  #freshList(): Promise<ProcessEntry[]> {
    this.#next ??= (this.#running ?? Promise.resolve([])).then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  #begin(): Promise<ProcessEntry[]> {
    this.#next = null;
    const list = this.#processes.list().finally(() => {
      if (this.#running === list) this.#running = null;
    });
    this.#running = list;
    return list;
  }
}

/** False if it is gone, or belongs to another user: then it is no process of this keeper, despite its arguments. */
function kill(pid: number): boolean {
  try {
    return sendSignal(pid, 'SIGKILL');
  } catch (error) {
    // SAFETY: process.kill throws system errors only.
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return false;
    throw error;
  }
}
