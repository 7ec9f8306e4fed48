import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pollUntil } from '../../../src/core/abort';
import { dropPrivileges } from './privileges';
import type { User } from './run-root';
import { sendSignal, type ProcessEntry, type ProcessTable } from '../../../src/core/process-identity';

const PATIENCE_MS = 1_000;

/** A shell that starts and sends one signal. */
const KILL_ALL_TIMEOUT_MS = 500;

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
   * A list of processes is not of one moment: one that starts another and ends while the list is read can be missing from
   * it together with the other. So once processes were found, an empty list is believed only if none can start another
   * any more: because all were killed at once, or because their cgroup is gone. An empty first list is believed as it
   * is: a shell for each of many browsers that end at once would be too much for a busy machine.
   *
   * @param isProven - whether the cgroup of the user's browser is gone, which only an empty one can be
   * @throws DeadlineExceededError if some outlive SIGKILL for a second.
   */
  async killUser(user: User, isProven: boolean): Promise<void> {
    const options = { timeoutMs: PATIENCE_MS, everyMs: 10 };
    let rounds = 0;
    let isComplete = isProven;
    await pollUntil(`the processes of uid ${user.uid} to go`, options, async () => {
      const found = (await this.#freshList()).filter(({ uid }) => uid === user.uid);
      // Zombies have no rights any more, and go when their parent looks after them.
      const alive = await Promise.all(found.map(({ pid }) => this.#processes.inspect(pid)));
      const hit = alive.filter(process => process?.uid === user.uid);
      if (hit.length === 0 && (isComplete || rounds === 0)) return true;
      rounds += 1;
      if (hit.length === 0 || rounds > ROUNDS_ONE_BY_ONE) isComplete = await killAllOf(user);
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

/*
 * As that user, whose signal reaches all its processes in one call: one by one, a fork bomb is faster. False if the call
 * may not have been made: the processes that it is for can signal, too.
 */
async function killAllOf(user: User): Promise<boolean> {
  const words = [...dropPrivileges(user), '/bin/sh', '-c', 'kill -KILL -1'];
  try {
    await promisify(execFile)('env', words, {
      cwd: '/',
      timeout: KILL_ALL_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    return true;
  } catch (error) {
    // It is an error that all were gone before.
    // SAFETY: execFile rejects with how the command has ended.
    return (error as { readonly signal?: NodeJS.Signals | null }).signal === null;
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
