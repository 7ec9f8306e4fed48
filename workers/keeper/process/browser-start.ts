import { spawn, type ChildProcess } from 'node:child_process';
import { settlesWithin } from '../../../src/core/abort';
import { messageOf } from '../../../src/core/errors';
import { isAlive, type ProcessIdentity } from '../../../src/core/process-identity';
import { browserEnv, type BrowserCommand } from './browser-command';
import type { BrowserFacts, BrowserRuntime } from './browser-facts';
import { lacksRoom } from '../books/disk-room';
import { joinWords } from '../limits/cgroup';
import { waitForAccept } from './devtools';
import { doubtOfPort, doubtOfProcess } from './doubts';
import { findExceeded } from './gone-report';
import { dropPrivileges } from './privileges';
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

/** What holds a browser: whom it runs as, and its cgroups. */
type Holds = Pick<BrowserFacts, 'user' | 'cgroups'>;

/** The part of a launch that can still be undone: shim and browser exist, but the browser is not in use yet. */
export class BrowserStart {
  readonly shimExited: Promise<void>;
  /** Null if it did not start, or has ended at once. */
  readonly shim: Promise<ProcessIdentity | null>;
  readonly #directory: RunDirectory;
  readonly #runtime: BrowserRuntime;
  readonly #shim: ChildProcess;
  readonly #command: BrowserCommand;
  readonly #holds: Holds;
  #spawnError: Error | null = null;

  constructor(directory: RunDirectory, command: BrowserCommand, holds: Holds, runtime: BrowserRuntime) {
    this.#directory = directory;
    this.#runtime = runtime;
    this.#command = command;
    this.#holds = holds;
    const { user, cgroups } = holds;
    const cage = runtime.cage?.words(directory) ?? [];
    const words = [...joinWords(cgroups), ...dropPrivileges(user), ...cage, command.program, ...command.args];
    this.#shim = spawn('/bin/sh', [runtime.shimScript, directory.path, ...words], {
      cwd: directory.path,
      env: { ...browserEnv(directory), ...command.env },
      // A session of its own: no signal of the terminal or supervisor reaches it, and it outlives the keeper.
      detached: true,
      stdio: 'ignore',
    });
    const { pid } = this.#shim;
    this.shim = pid === undefined ? Promise.resolve(null) : runtime.processes.identify(pid);
    this.shimExited = new Promise(resolve => {
      this.#shim.once('exit', () => resolve());
      this.#shim.once('error', error => {
        this.#spawnError = error;
        resolve();
      });
    });
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
    const { processes, cage } = this.#runtime;
    const { path: folder, profile } = this.#directory;
    const isCaged = cage !== null;
    const pid = await watchUntil({
      folder,
      names: [isCaged ? 'cage' : 'pid'],
      everyMs: 50,
      signal,
      probe: () => (isCaged ? this.#directory.cagedPid() : this.#directory.pid()),
    });
    const [browser, shim] = await Promise.all([processes.identify(pid), this.shim]);
    if (browser === null || shim === null) throw new BrowserExited('the browser exited before it was ready');
    const named = await watchUntil({
      folder: profile,
      names: ['DevToolsActivePort'],
      everyMs: 100,
      signal,
      probe: async () => (await this.#directory.devTools()) ?? this.#requireRoom(),
    });
    const devTools = { ...named, socket: cage?.devToolsSocket(this.#directory) ?? null };
    const { companions, reach } = this.#command;
    const facts = { browser, shim, devTools, companions: companions.facts, reach, ...this.#holds };
    if (devTools.port !== 0) {
      await this.#letThrough(facts);
      await waitForAccept(devTools, signal);
    }
    await this.#believe(facts);
    return facts;
  }

  /* Not to the port of another program, which then would be closed to everybody but root. */
  async #letThrough(facts: BrowserFacts): Promise<void> {
    const { firewall, processes } = this.#runtime;
    if (firewall === null) return;
    const doubt = await doubtOfPort(facts, processes);
    if (doubt !== null) throw new LaunchError('launch_failed', doubt);
    await firewall.openDevTools(facts.user, facts.devTools.port);
  }

  /* The program has taken on its user by now, which it had not when its pid was known. */
  async #believe(facts: BrowserFacts): Promise<void> {
    const { processes } = this.#runtime;
    if ((facts.devTools.port !== 0) !== this.#command.hasDevTools)
      throw new LaunchError('launch_failed', `the browser names port ${facts.devTools.port} for DevTools`);
    if (!(await isAlive(processes, facts.browser)))
      throw new BrowserExited('the browser exited before it was ready');
    const doubt = (await doubtOfProcess(facts, processes)) ?? (await doubtOfPort(facts, processes));
    if (doubt !== null) throw new LaunchError('launch_failed', doubt);
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
    const exceeded = await findExceeded(status, this.#holds.cgroups);
    const lack = (await lacksRoom(this.#directory.path)) ?? exceeded?.message ?? null;
    const lastLines = await this.#directory.lastLines();
    const words = lastLines === '' ? [] : [`its last output: ${lastLines}`];
    // A full disk, or a limit, is named first: other errors are its consequence.
    const reasons = lack === null ? [what, ...words] : [...new Set([lack, what]), ...words];
    return new LaunchError('launch_failed', reasons.join('; '));
  }
}

/** The browser's own process has ended; its shim will record the status. */
class BrowserExited extends Error {}
