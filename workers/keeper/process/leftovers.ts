import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pollUntil } from '../../../src/core/abort';
import { dropPrivileges } from './privileges';
import type { User } from './run-root';
import { sendSignal, type ProcessEntry, type ProcessTable } from '../../../src/core/process-identity';

const PATIENCE_MS = 1_000;

/** How often the processes of a user are killed one by one, before all are killed at once. */
const ROUNDS_ONE_BY_ONE = 2;

/**
 * Kills every process that still names a run directory in an argument (`…=<directory>/…`, or `-auth <directory>/…` as a
 * display may): Chromium's crash handlers leave its process group, and its companions were never in it. The form excludes
 * an operator's `tail <directory>/log`.
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
      const found = (await this.#freshList()).filter(({ commandLine }) => names(commandLine, directory));
      const hit = found.filter(({ pid }) => kill(pid));
      hit.forEach(({ pid }) => killed.add(pid));
      return hit.length === 0 ? true : undefined;
    });
    return killed.size;
  }

  /**
   * Kills every process of a user, whatever it is called. Returns when there is none any more.
   *
   * @throws DeadlineExceededError if some outlive SIGKILL for a second.
   */
  async killUser(user: User): Promise<void> {
    const options = { timeoutMs: PATIENCE_MS, everyMs: 10 };
    let rounds = 0;
    await pollUntil(`the processes of uid ${user.uid} to go`, options, async () => {
      const found = (await this.#freshList()).filter(({ uid }) => uid === user.uid);
      // Zombies have no rights any more, and go when their parent looks after them.
      const alive = await Promise.all(found.map(({ pid }) => this.#processes.inspect(pid)));
      const hit = alive.filter(process => process?.uid === user.uid);
      if (hit.length === 0) return true;
      rounds += 1;
      if (rounds > ROUNDS_ONE_BY_ONE) await killAllOf(user);
      else for (const process of hit) if (process !== null) kill(process.pid);
      return undefined;
    });
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

const names = (commandLine: string, directory: string): boolean =>
  [`=${directory}/`, `-auth ${directory}/`].some(form => commandLine.includes(form));

/* As that user, whose signal reaches all its processes in one call: one by one, a fork bomb is faster. */
async function killAllOf(user: User): Promise<void> {
  const words = [...dropPrivileges(user), '/bin/sh', '-c', 'kill -KILL -1'];
  // It is an error that all were gone before.
  await promisify(execFile)('env', words, { cwd: '/' }).catch(() => undefined);
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
