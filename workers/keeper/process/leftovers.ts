import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DeadlineExceededError, pause } from '../../../src/core/abort';
import { systemCodeOf } from '../../../src/core/errors';
import { dropPrivileges } from './privileges';
import type { User } from './run-root';
import { sendSignal, type ProcessEntry, type ProcessTable } from '../../../src/core/process-identity';

/** How long a process may outlive SIGKILL. */
const PATIENCE_MS = 1_000;

const LOOK_EVERY_MS = 10;

/** As many looks find whatever can be found; only processes that start others without end are there after them. */
const MOST_LOOKS = 100;

/** A shell that starts and sends one signal. */
const KILL_ALL_TIMEOUT_MS = 500;

/** How often the processes of a user are killed one by one, before all are killed at once. */
const ROUNDS_ONE_BY_ONE = 2;

/**
 * Kills every process that still names a run directory in an argument (`…=<directory>/…`, or `-auth <directory>/…` as a
 * display may): Chromium's crash handlers leave its process group, and its companions were never in it. The form
 * excludes an operator's `tail <directory>/log`.
 */
export class Leftovers {
  readonly #processes: ProcessTable;
  #running: Promise<ProcessEntry[]> | null = null;
  #next: Promise<ProcessEntry[]> | null = null;

  constructor(processes: ProcessTable) {
    this.#processes = processes;
  }

  /**
   * Kills every process that names a directory, and every process of a user, whatever it is called. Returns when there
   * is none any more.
   *
   * A list of processes is not of one moment: one that starts another and ends while the list is read can be missing
   * from it together with the other. So once processes of the user were found, an empty list is believed only if none
   * can start another any more: because all were killed at once, or because their cgroup is gone. An empty first list
   * is believed as it is: a shell for each of many browsers that end at once would be too much for a busy machine.
   *
   * @param user - who has this browser alone; null: others have browsers, too
   * @param isProven - whether the cgroup of the browser is gone, which only an empty one can be
   * @returns how many had to be killed because they name the directory
   * @throws DeadlineExceededError if one outlives SIGKILL for a second, or new ones come all the time.
   */
  async kill(directory: string, user: User | null = null, isProven = false): Promise<number> {
    const killed = new Set<number>();
    const survivors = new Survivors();
    let rounds = 0;
    let isComplete = isProven;
    for (let looks = 1; looks <= MOST_LOOKS; looks += 1) {
      const list = await this.#freshList();
      const naming = list.filter(({ commandLine }) => names(commandLine, directory));
      const hit = naming.filter(({ pid }) => kill(pid)).map(({ pid }) => pid);
      hit.forEach(pid => killed.add(pid));
      const owned = user === null ? [] : await this.#aliveOf(user, list);
      const isUserDone = user === null || (owned.length === 0 && (isComplete || rounds === 0));
      if (isUserDone && hit.length === 0) return killed.size;
      if (!isUserDone) {
        rounds += 1;
        if (owned.length === 0 || rounds > ROUNDS_ONE_BY_ONE) isComplete = await killAllOf(user);
        else for (const pid of owned) kill(pid);
      }
      if (survivors.longestMs([...hit, ...owned]) >= PATIENCE_MS) break;
      await pause(LOOK_EVERY_MS);
    }
    throw new DeadlineExceededError(`the end of the processes of ${directory}`, PATIENCE_MS);
  }

  /* Zombies have no rights any more, and go when their parent looks after them. */
  async #aliveOf({ uid }: User, list: readonly ProcessEntry[]): Promise<number[]> {
    const alive = await Promise.all(
      list.filter(entry => entry.uid === uid).map(({ pid }) => this.#processes.inspect(pid)),
    );
    return alive.flatMap(process => (process?.uid === uid ? [process.pid] : []));
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

/* Since when processes are alive although they got SIGKILL. */
class Survivors {
  readonly #sinceMs = new Map<number, number>();

  /* How long the longest of these has been alive since it was here first. */
  longestMs(pids: readonly number[]): number {
    const nowMs = performance.now();
    for (const pid of pids) if (!this.#sinceMs.has(pid)) this.#sinceMs.set(pid, nowMs);
    return Math.max(0, ...pids.map(pid => nowMs - (this.#sinceMs.get(pid) ?? nowMs)));
  }
}

const names = (commandLine: string, directory: string): boolean =>
  [`=${directory}/`, `-auth ${directory}/`].some(form => commandLine.includes(form));

/*
 * As that user, whose signal reaches all its processes in one call: one by one, a fork bomb is faster. False if the
 * call may not have been made: the processes that it is for can signal, too.
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
    if (systemCodeOf(error) === 'EPERM') return false;
    throw error;
  }
}
