import { spawn, type ChildProcess } from 'node:child_process';
import { settlesWithin } from '../../../src/core/abort';
import { messageOf } from '../../../src/core/errors';
import { browserEnv, type BrowserCommand } from './browser-command';
import type { BrowserFacts, BrowserRuntime } from './browser-facts';
import type { Companions } from '../companions/companions';
import { lacksRoom } from '../books/disk-room';
import { waitForAccept } from './devtools';
import type { RunDirectory } from './run-directory';
import { watchUntil } from './watch-until';

/** How long a shim may take to record an exit that is visible already. */
const EXIT_FILE_GRACE_MS = 200;

/** A start has failed; everything that it had started is gone. */
export class LaunchError extends Error {
  constructor(
    readonly code: 'launch_failed' | 'launch_cancelled',
    message: string,
  ) {
    super(message);
    this.name = 'LaunchError';
  }
}

/** The part of a launch that can still be undone: shim and browser exist, but the browser is not in use yet. */
export class BrowserStart {
  readonly shimExited: Promise<void>;
  readonly #directory: RunDirectory;
  readonly #runtime: BrowserRuntime;
  readonly #shim: ChildProcess;
  readonly #companions: Companions;
  #spawnError: Error | null = null;

  constructor(directory: RunDirectory, command: BrowserCommand, runtime: BrowserRuntime) {
    this.#directory = directory;
    this.#runtime = runtime;
    this.#companions = command.companions;
    this.#shim = spawn('/bin/sh', [runtime.shimScript, directory.path, command.program, ...command.args], {
      cwd: directory.path,
      env: { ...browserEnv(directory), ...command.env },
      // A session of its own: no signal of the terminal or supervisor reaches it, and it outlives the keeper.
      detached: true,
      stdio: 'ignore',
      ...(process.getuid?.() === 0 ? runtime.user : {}),
    });
    this.shimExited = new Promise(resolve => {
      this.#shim.once('exit', () => resolve());
      this.#shim.once('error', error => {
        this.#spawnError = error;
        resolve();
      });
    });
  }

  get shimPid(): number | null {
    return this.#shim.pid ?? null;
  }

  /** @param spentMs - how much of `timeoutMs` has passed already */
  async untilReady(timeoutMs: number, spentMs: number, cancelled: AbortSignal): Promise<BrowserFacts> {
    const over = new AbortController();
    const giveUp = (why: string): void => over.abort(new LaunchError('launch_failed', why));
    const timer = setTimeout(
      () => giveUp(`the browser was not ready within ${timeoutMs} ms`),
      timeoutMs - spentMs,
    );
    void this.shimExited.then(() => giveUp('the browser exited before it was ready'));
    try {
      return await this.#steps(AbortSignal.any([cancelled, over.signal]));
    } catch (error) {
      throw await this.#explain(error, cancelled);
    } finally {
      clearTimeout(timer);
    }
  }

  async #steps(signal: AbortSignal): Promise<BrowserFacts> {
    const { processes } = this.#runtime;
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
    if (browser === null || shim === null) throw new BrowserExited('the browser exited before it was ready');
    const devTools = await watchUntil({
      folder: profile,
      names: ['DevToolsActivePort'],
      everyMs: 100,
      signal,
      probe: async () => (await this.#directory.devTools()) ?? this.#requireRoom(),
    });
    if (devTools.port !== 0) await waitForAccept(devTools.port, signal);
    return { browser, shim, devTools, companions: this.#companions.facts };
  }

  /* Throws if the disk is full; else null, so that it can be part of a poll for a file of the browser. */
  async #requireRoom(): Promise<null> {
    const lack = await lacksRoom(this.#directory.path);
    if (lack !== null) throw new LaunchError('launch_failed', lack);
    return null;
  }

  async #explain(error: unknown, cancelled: AbortSignal): Promise<LaunchError> {
    if (cancelled.aborted) return new LaunchError('launch_cancelled', 'the launch was cancelled');
    if (this.#spawnError !== null) return new LaunchError('launch_failed', this.#spawnError.message);
    if (error instanceof BrowserExited) await settlesWithin(this.shimExited, EXIT_FILE_GRACE_MS);
    const status = await this.#directory.exitStatus();
    const what =
      status === null ? messageOf(error) : `the browser exited with status ${status} before it was ready`;
    const lack = await lacksRoom(this.#directory.path);
    const lastLines = await this.#directory.lastLines();
    const words = lastLines === '' ? [] : [`its last output: ${lastLines}`];
    // A full disk is named first: other errors are its consequence.
    const reasons = lack === null ? [what, ...words] : [...new Set([lack, what]), ...words];
    return new LaunchError('launch_failed', reasons.join('; '));
  }
}

/** The browser's own process has ended; its shim will record the status. */
class BrowserExited extends Error {}
