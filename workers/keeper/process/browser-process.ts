import { pause, settlesWithin } from '../../../src/core/abort';
import { messageOf } from '../../../src/core/errors';
import { isAlive, signalGroup, signalProcess } from '../../../src/core/process-identity';
import type { BrowserCommand, Prepare } from './browser-command';
import type { BrowserFacts, BrowserRuntime } from './browser-facts';
import { BrowserDownloads } from '../downloads/browser-downloads';
import { BrowserStart, LaunchError } from './browser-start';
import { Companions } from '../companions/companions';
import type { UpstreamProxy } from '../door/protocol';
import { lacksRoom } from '../books/disk-room';
import { closeOverDevTools } from './devtools';
import { letRun } from './let-run';
import { removeTree, UNKNOWN } from './remove-tree';
import { RunDirectory } from './run-directory';
import type { User } from './run-root';
import { watchUntil } from './watch-until';

/** The steps of the ladder; together with the removal that follows, an end takes four seconds at most. */
const CLOSE_PATIENCE_MS = 1_000;
const TERM_PATIENCE_MS = 1_000;
const KILL_PATIENCE_MS = 500;

/** How often the pid of a browser is checked if its shim is not a child of this keeper. */
const ADOPTED_POLL_MS = 500;

/** How long a shim may take to record an exit that is visible already. */
const EXIT_FILE_GRACE_MS = 200;

/** Limits of a launch. */
export interface LaunchLimits {
  readonly timeoutMs: number;
  /** Aborted: the launch is cancelled. */
  readonly signal: AbortSignal;
  readonly isAhead?: boolean;
}

/** How the process ended: the exit status as a shell reports it, null if it was not observed. */
export interface BrowserExit {
  readonly status: number | null;
}

/**
 * The operating system's side of one browser, from its start (or adoption) until its processes and files are gone. Owns
 * the process, its shim, its group and its run directory; knows nothing of sessions.
 */
export class BrowserProcess {
  /** Resolves as soon as the browser's own process is gone, for any reason. Never rejects. */
  readonly exited: Promise<BrowserExit>;
  readonly downloads: BrowserDownloads;
  #directory: RunDirectory;
  #facts: BrowserFacts;
  #hasExited = false;
  #gone: Promise<void> | null = null;
  readonly #runtime: BrowserRuntime;
  readonly #watching = new AbortController();

  private constructor(
    directory: RunDirectory,
    facts: BrowserFacts,
    private readonly companions: Companions,
    runtime: BrowserRuntime,
    shimExited: Promise<void> | null,
  ) {
    this.#directory = directory;
    this.#facts = facts;
    this.#runtime = runtime;
    this.downloads = new BrowserDownloads({
      path: directory.downloads,
      uid: facts.user.uid,
      log: runtime.log,
    });
    this.downloads.watch(facts.devTools);
    this.exited = this.#awaitExit(shimExited).then(exit => {
      this.#hasExited = true;
      return exit;
    });
  }

  get directory(): RunDirectory {
    return this.#directory;
  }

  get facts(): BrowserFacts {
    return this.#facts;
  }

  /** See {@link Companions.lost}. */
  get companionLost(): Promise<void> {
    return this.companions.lost;
  }

  /**
   * Creates the run directory, starts a browser and its companions in it and waits until its DevTools server takes
   * connections.
   *
   * @param limits - isAhead: nobody waits for it, so that it gets little of the processor until it is handed over
   * @throws LaunchError when it exits first, `timeoutMs` passes, or `signal` is aborted (`launch_cancelled`).
   */
  static async launch(
    directory: RunDirectory,
    prepare: Prepare,
    runtime: BrowserRuntime,
    { timeoutMs, signal, isAhead = false }: LaunchLimits,
  ): Promise<BrowserProcess> {
    if (signal.aborted) throw new LaunchError('launch_cancelled', 'the launch was cancelled');
    const beganMs = performance.now();
    let command: BrowserCommand | null = null;
    let user: User | null = null;
    let start: BrowserStart | null = null;
    try {
      await requireRoom(directory.root, runtime.roomNeededBytes);
      user = await runtime.users.take(directory.path);
      await directory.make(user, { isCaged: runtime.cage !== null, isAhead });
      const cgroups = await runtime.cgroups.make(directory.name, isAhead ? 'little' : 'full');
      command = await prepare(user, signal);
      await runtime.firewall?.enclose(user, command.reach);
      start = new BrowserStart(directory, command, { user, cgroups }, runtime);
      const facts = await start.untilReady(timeoutMs, performance.now() - beganMs, signal);
      await command.companions.ready;
      return new BrowserProcess(directory, facts, command.companions, runtime, start.shimExited);
    } catch (error) {
      command?.companions.stop();
      // The profile of an unused browser need not be saved, so no gentle end.
      await removeTree(directory, { ...UNKNOWN, shim: (await start?.shim) ?? null, user }, runtime);
      await start?.shimExited;
      throw error instanceof LaunchError ? error : new LaunchError('launch_failed', messageOf(error));
    }
  }

  /** Takes over a running browser that another keeper started. The caller has verified the facts, and lets it run. */
  static adopt(directory: RunDirectory, facts: BrowserFacts, runtime: BrowserRuntime): BrowserProcess {
    const companions = Companions.adopt(directory, facts.companions, runtime);
    return new BrowserProcess(directory, facts, companions, runtime, null);
  }

  /**
   * Names the session's proxy to a browser that was started ahead; null: the session has none.
   *
   * @throws if that is not acknowledged within `timeoutMs`; then the browser is of no use.
   */
  async assignProxy(upstream: UpstreamProxy | null, timeoutMs: number): Promise<void> {
    await this.companions.assign(upstream, timeoutMs);
    this.#facts = { ...this.#facts, companions: this.companions.facts };
  }

  /**
   * Makes a browser that was started ahead the one of a session. Its whole share of the processor follows: the kernel
   * takes up to some ten milliseconds to change it, and a client waits for the browser.
   *
   * @param isKept - whether its profile stays after its end
   */
  handOver(isKept: boolean): void {
    const { root, name } = this.#directory;
    this.#directory = RunDirectory.at(root, name, { mountedFor: null, isKept });
    const { cgroups, log } = this.#runtime;
    const unlessEnded =
      (what: string) =>
      (error: unknown): void => {
        // The cgroup of one that has ended is gone.
        if (!this.#hasExited) log.warn({ directory: name, reason: messageOf(error) }, what);
      };
    cgroups.weigh(name, 'full').catch(unlessEnded('a browser keeps its small share of the processor'));
    this.#directory.noLongerAhead().catch(unlessEnded('a browser keeps the mark that it was started ahead'));
  }

  /** Stops managing its companions and downloads; all of them keep running. */
  detach(): void {
    this.companions.stop();
    this.downloads.detach();
  }

  /**
   * Stops all processes of the browser, does some work and lets them continue. Clients and pages only see that nothing
   * happens for so long.
   */
  async whileStopped<T>(work: () => Promise<T>): Promise<T> {
    const signal = async (name: NodeJS.Signals): Promise<void> => {
      if (!this.#hasExited) await signalGroup(this.#runtime.processes, this.facts.shim, name);
    };
    await signal('SIGSTOP');
    try {
      return await work();
    } finally {
      await signal('SIGCONT');
    }
  }

  /**
   * Ends the browser: gently if its profile is kept (CDP close, TERM, KILL), else by SIGKILL, since nothing of it is
   * left that Chromium could complete. Then its group, all processes that still name the run directory, and the
   * directory. Also cleans up after a browser that ended by itself. Every call gets the same promise.
   */
  end(): Promise<void> {
    this.#gone ??= this.#end();
    return this.#gone;
  }

  async #end(): Promise<void> {
    this.downloads.detach();
    await letRun(this.facts, this.#runtime);
    if (!this.#hasExited) await (this.directory.profileUse.isKept ? this.#descend() : this.#kill());
    this.#watching.abort();
    await this.companions.end();
    await removeTree(this.directory, this.facts, this.#runtime);
  }

  async #descend(): Promise<void> {
    const { processes } = this.#runtime;
    const { browser, devTools } = this.facts;
    if (devTools.port !== 0) {
      const asked = await closeOverDevTools(devTools, CLOSE_PATIENCE_MS);
      if (asked && (await this.#exitsWithin(CLOSE_PATIENCE_MS))) return;
    }
    await signalProcess(processes, browser, 'SIGTERM');
    if (!(await this.#exitsWithin(TERM_PATIENCE_MS))) await this.#kill();
  }

  async #kill(): Promise<void> {
    await signalProcess(this.#runtime.processes, this.facts.browser, 'SIGKILL');
    await this.#exitsWithin(KILL_PATIENCE_MS);
  }

  async #exitsWithin(timeoutMs: number): Promise<boolean> {
    return settlesWithin(this.exited, timeoutMs);
  }

  /** Waits for the exit of the shim; if the shim is not a child, watches the exit file and the pid. */
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
      return { status: null }; // cancelled: the tree was removed while the exit was still being watched
    }
  }

  async #probeExit(): Promise<BrowserExit | null> {
    // First of all: a status of a browser that is alive is a lie (of an older run directory, whose browser can write
    // it).
    if (await isAlive(this.#runtime.processes, this.facts.browser)) return null;
    const status = await this.directory.exitStatus();
    if (status !== null) return { status };
    await pause(EXIT_FILE_GRACE_MS, this.#watching.signal);
    return { status: await this.directory.exitStatus() };
  }
}

/* A start on a full disk would run until its time-out, with a misleading error. */
async function requireRoom(folder: string, neededBytes: number): Promise<void> {
  const lack = await lacksRoom(folder, neededBytes);
  if (lack !== null) throw new LaunchError('launch_failed', lack);
}
