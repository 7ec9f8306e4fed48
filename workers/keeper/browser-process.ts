import { spawn, type ChildProcess } from 'node:child_process';
import { DeadlineExceededError, pause, withDeadline } from '../../src/core/abort';
import { isAlive, sendSignal, signalProcess } from '../../src/core/process-identity';
import type { ProcessIdentity, ProcessTable } from '../../src/core/process-identity';
import { browserEnv, type BrowserCommand } from './browser-command';
import { closeOverDevTools, waitForAccept, type DevToolsAddress } from './devtools';
import type { Leftovers } from './leftovers';
import type { RunDirectory } from './run-directory';
import type { User } from './run-root';
import { watchUntil } from './watch-until';

/** The steps of the ladder; with the sweep that follows an end takes four seconds at most. */
const CLOSE_PATIENCE_MS = 1_000;
const TERM_PATIENCE_MS = 1_000;
const KILL_PATIENCE_MS = 500;

/** How often the pid of a browser is checked whose shim is not our child. */
const ADOPTED_POLL_MS = 500;

/** How long a shim may need to write down an exit that is visible already. */
const EXIT_FILE_GRACE_MS = 200;

/** What processes need from the machine; the same for all of a keeper's browsers. */
export interface BrowserSurroundings {
  readonly processes: ProcessTable;
  readonly leftovers: Leftovers;
  readonly user: User;
  readonly shimScript: string;
}

/** What identifies a running browser; enough for another keeper to take it over. */
export interface BrowserFacts {
  readonly browser: ProcessIdentity;
  readonly shim: ProcessIdentity;
  readonly devTools: DevToolsAddress;
}

/** How the process ended: the exit status as a shell reports it, null if nobody was there to see it. */
export interface BrowserExit {
  readonly status: number | null;
}

/** No browser came of a start; everything that had been started is gone. */
export class LaunchError extends Error {
  constructor(
    readonly code: 'launch_failed' | 'launch_cancelled',
    message: string,
  ) {
    super(message);
    this.name = 'LaunchError';
  }
}

/**
 * One browser of the operating system, from its start (or adoption) until nothing of it is left. Owns the process, its
 * shim, its group and its run directory; knows nothing of sessions.
 */
export class BrowserProcess {
  /** Resolves as soon as the browser's own process is gone, however that came. Never rejects. */
  readonly exited: Promise<BrowserExit>;
  #hasExited = false;
  #gone: Promise<void> | null = null;
  readonly #around: BrowserSurroundings;
  readonly #watching = new AbortController();

  private constructor(
    readonly directory: RunDirectory,
    readonly facts: BrowserFacts,
    around: BrowserSurroundings,
    shimExited: Promise<void> | null,
  ) {
    this.#around = around;
    this.exited = this.#awaitExit(shimExited).then(exit => {
      this.#hasExited = true;
      return exit;
    });
  }

  /**
   * Starts a browser in a fresh run directory and waits until its DevTools server takes connections.
   *
   * @throws LaunchError when it exits first, `timeoutMs` passes, or `signal` is aborted (`launch_cancelled`).
   */
  static async launch(
    directory: RunDirectory,
    command: BrowserCommand,
    around: BrowserSurroundings,
    { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
  ): Promise<BrowserProcess> {
    const start = new Start(directory, command, around);
    try {
      const facts = await start.untilReady(timeoutMs, signal);
      return new BrowserProcess(directory, facts, around, start.shimExited);
    } catch (error) {
      await start.undo();
      throw error;
    }
  }

  /** Takes over a living browser that another keeper started. The caller has verified the facts. */
  static adopt(directory: RunDirectory, facts: BrowserFacts, around: BrowserSurroundings): BrowserProcess {
    return new BrowserProcess(directory, facts, around, null);
  }

  /**
   * Ends the browser, gently first: CDP close, TERM, KILL; then its group, whatever still names the run directory,
   * and the directory. Also the way to clean up after one that went by itself. Calls while one is under way join it.
   *
   * @throws what kept it from being removed; another call tries again.
   */
  end(): Promise<void> {
    this.#gone ??= this.#end().catch((error: unknown) => {
      this.#gone = null;
      throw error;
    });
    return this.#gone;
  }

  async #end(): Promise<void> {
    if (!this.#hasExited) await this.#descend();
    this.#watching.abort();
    await removeTree(this.directory, this.facts.shim.pid, this.#around.leftovers);
  }

  async #descend(): Promise<void> {
    const { processes } = this.#around;
    const { browser, devTools } = this.facts;
    if (devTools.port !== 0) {
      const asked = await closeOverDevTools(devTools, CLOSE_PATIENCE_MS);
      if (asked && (await this.#exitsWithin(CLOSE_PATIENCE_MS))) return;
    }
    await signalProcess(processes, browser, 'SIGTERM');
    if (await this.#exitsWithin(TERM_PATIENCE_MS)) return;
    await signalProcess(processes, browser, 'SIGKILL');
    await this.#exitsWithin(KILL_PATIENCE_MS);
  }

  async #exitsWithin(timeoutMs: number): Promise<boolean> {
    return settlesWithin(this.exited, timeoutMs);
  }

  /** The shim's own end tells at once; without a shim of ours the exit file and the pid are watched. */
  async #awaitExit(shimExited: Promise<void> | null): Promise<BrowserExit> {
    await shimExited;
    try {
      return await watchUntil({
        folder: this.directory.path,
        names: ['exit'],
        everyMs: ADOPTED_POLL_MS,
        signal: this.#watching.signal,
        probe: () => this.#probeExit(),
      });
    } catch {
      return { status: null }; // given up: the tree was removed while the exit was still being watched for
    }
  }

  async #probeExit(): Promise<BrowserExit | null> {
    const status = await this.directory.exitStatus();
    if (status !== null) return { status };
    if (await isAlive(this.#around.processes, this.facts.browser)) return null;
    await pause(EXIT_FILE_GRACE_MS, this.#watching.signal);
    return { status: await this.directory.exitStatus() };
  }
}

/** The part of a launch that can still be undone: shim and browser exist, but nobody has the browser yet. */
class Start {
  readonly shimExited: Promise<void>;
  readonly #directory: RunDirectory;
  readonly #around: BrowserSurroundings;
  readonly #shim: ChildProcess;
  #spawnError: Error | null = null;

  constructor(directory: RunDirectory, command: BrowserCommand, around: BrowserSurroundings) {
    this.#directory = directory;
    this.#around = around;
    this.#shim = spawn('/bin/sh', [around.shimScript, directory.path, command.program, ...command.args], {
      cwd: directory.path,
      env: browserEnv(directory),
      // A session of its own: no signal of our terminal or supervisor reaches it, and it outlives us.
      detached: true,
      stdio: 'ignore',
      ...(process.getuid?.() === 0 ? around.user : {}),
    });
    this.shimExited = new Promise(resolve => {
      this.#shim.once('exit', () => resolve());
      this.#shim.once('error', error => {
        this.#spawnError = error;
        resolve();
      });
    });
  }

  async untilReady(timeoutMs: number, signal: AbortSignal): Promise<BrowserFacts> {
    const over = new AbortController();
    void this.shimExited.then(() => over.abort(new BrowserExited()));
    const giveUp = AbortSignal.any([signal, over.signal, AbortSignal.timeout(timeoutMs)]);
    try {
      return await this.#steps(giveUp);
    } catch (error) {
      throw await this.#explain(error, signal, timeoutMs);
    }
  }

  async undo(): Promise<void> {
    // Nothing in the profile of a browser that nobody has used is worth a gentle end.
    await removeTree(this.#directory, this.#shim.pid ?? null, this.#around.leftovers);
    await this.shimExited;
  }

  async #steps(signal: AbortSignal): Promise<BrowserFacts> {
    const { processes } = this.#around;
    const { path: folder, profile } = this.#directory;
    const pid = await watchUntil({
      folder,
      names: ['pid'],
      everyMs: 50,
      signal,
      probe: () => this.#directory.pid(),
    });
    const [browser, shim] = await Promise.all([
      processes.identify(pid),
      processes.identify(this.#shim.pid ?? pid),
    ]);
    if (browser === null || shim === null) throw new BrowserExited();
    const devTools = await watchUntil({
      folder: profile,
      names: ['DevToolsActivePort'],
      everyMs: 100,
      signal,
      probe: () => this.#directory.devTools(),
    });
    if (devTools.port !== 0) await waitForAccept(devTools.port, signal);
    return { browser, shim, devTools };
  }

  async #explain(error: unknown, cancelled: AbortSignal, timeoutMs: number): Promise<LaunchError> {
    if (cancelled.aborted) return new LaunchError('launch_cancelled', 'the launch was cancelled');
    if (this.#spawnError !== null) return new LaunchError('launch_failed', this.#spawnError.message);
    if (error instanceof BrowserExited) await settlesWithin(this.shimExited, EXIT_FILE_GRACE_MS);
    const status = await this.#directory.exitStatus();
    const what =
      status !== null
        ? `the browser exited with status ${status} before it was ready`
        : error instanceof Error && error.name === 'TimeoutError'
          ? `the browser was not ready within ${timeoutMs} ms`
          : `the browser did not become ready: ${error instanceof Error ? error.message : String(error)}`;
    const lastWords = await this.#directory.lastWords();
    return new LaunchError('launch_failed', lastWords === '' ? what : `${what}; its last words: ${lastWords}`);
  }
}

/** The browser was gone before it was ready. */
class BrowserExited extends Error {
  constructor() {
    super('the browser exited');
  }
}

/** Kills the group and what is outside of it, then removes the directory. */
async function removeTree(directory: RunDirectory, groupId: number | null, leftovers: Leftovers): Promise<void> {
  if (groupId !== null) killGroup(groupId);
  await leftovers.kill(directory.path);
  await directory.remove();
}

function killGroup(groupId: number): void {
  try {
    sendSignal(-groupId, 'SIGKILL');
  } catch (error) {
    // SAFETY: process.kill throws system errors only. macOS says EPERM for a group of nothing but zombies.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
}

async function settlesWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  try {
    await withDeadline('exit', timeoutMs, work);
    return true;
  } catch (error) {
    if (error instanceof DeadlineExceededError) return false;
    throw error;
  }
}
