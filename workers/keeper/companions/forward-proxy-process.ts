import { backoffMs, pause, settlesWithin, withDeadline } from '../../../src/core/abort';
import { messageOf } from '../../../src/core/errors';
import { isAlive, sendSignal, signalProcess, type ProcessIdentity } from '../../../src/core/process-identity';
import type { UpstreamProxy } from '../door/protocol';
import type { RunDirectory } from '../process/run-directory';
import { placeFor, type ForwardProxyPlace } from './forward-proxy-place';
import {
  argumentFor,
  startForwardProxy,
  type ForwardProxyFacts,
  type ForwardProxyRuntime,
  type ForwardProxyTask,
  type Running,
} from './forward-proxy-start';
import { killWhenStuck, type Helper } from './stuck-watch';
import { readBeat } from './traffic-file';
import { watchTraffic } from './traffic-watch';

/** How often a process that is not a child is polled. */
const ADOPTED_POLL_MS = 200;

/** How long it may take to write its last report; then it is killed with all others. */
const END_PATIENCE_MS = 300;

const RESTART_FIRST_MS = 100;
const RESTART_CAP_MS = 2_000;

/**
 * The process that holds a browser to its rules (ADR 73) and goes on to its session's proxy, with the credentials
 * (ADR 20): one for each browser with either, started together with the browser and, if it dies alone, restarted on the
 * same address. It is killed with the leftovers of the browser, by its argument.
 *
 * One that was started ahead of its session is told its upstream when the session comes (ADR 101). Until then it is not
 * restarted: its browser is not handed over any more.
 *
 * It never runs as a user that one browser has alone: what that user may reach is up to the browser's own firewall.
 */
export class ForwardProxyProcess {
  readonly #stopped = new AbortController();
  readonly #watched: Promise<void>;
  readonly #found: Promise<void>;
  #task: ForwardProxyTask;
  #isEnding = false;
  #isLost = false;
  #running: Running | null = null;
  #onLost: () => void = () => undefined;

  /** Resolves when it listens; rejects if it does not start. The browser may be started before. */
  readonly ready: Promise<void>;

  /** Resolves when one that waits for its upstream has ended. Never rejects. */
  readonly lost: Promise<void>;

  /** @param launching - null: an earlier keeper has started it */
  private constructor(
    private readonly directory: RunDirectory,
    readonly place: ForwardProxyPlace,
    task: ForwardProxyTask,
    private readonly runtime: ForwardProxyRuntime,
    launching: Promise<Running> | null,
  ) {
    this.#task = task;
    this.lost = new Promise(resolve => (this.#onLost = resolve));
    this.#found = this.#find(launching);
    this.ready = launching === null ? Promise.resolve() : launching.then(() => undefined);
    // One that has not started is not started again: its launch fails, and says why.
    void this.ready
      .then(() => this.#found)
      .then(
        () => this.#keep(),
        () => undefined,
      );
    this.#watched = watchTraffic(directory, runtime.egressTally, this.#stopped.signal);
    void killWhenStuck(this.#helper, runtime, this.#stopped.signal);
  }

  /**
   * Starts the process, and does not wait until it listens: see {@link ready}.
   *
   * @throws if there is no process, or `signal` is aborted; one that is left then names the directory.
   */
  static async start(
    directory: RunDirectory,
    task: ForwardProxyTask,
    runtime: ForwardProxyRuntime,
    signal: AbortSignal,
  ): Promise<ForwardProxyProcess> {
    const place = await placeFor(directory, runtime.cage?.proxyDoor ?? null, task.upstream);
    const { launching } = await startForwardProxy({ ...place, ...task, directory }, runtime, signal);
    return new ForwardProxyProcess(directory, place, task, runtime, launching);
  }

  /** Takes over one that an earlier keeper started; if it has died meanwhile it is restarted. */
  static adopt(
    directory: RunDirectory,
    facts: ForwardProxyFacts,
    runtime: ForwardProxyRuntime,
  ): ForwardProxyProcess {
    const { upstream, egress, ...place } = facts;
    return new ForwardProxyProcess(directory, place, { upstream, egress }, runtime, null);
  }

  /** For the next keeper; null while the upstream is not known. */
  get facts(): ForwardProxyFacts | null {
    const { upstream, egress } = this.#task;
    return upstream === 'later' ? null : { ...this.place, upstream, egress };
  }

  /** Its address for the browser's command line. */
  get server(): string {
    const { scheme, host, port } = this.place;
    return `${scheme}://${host}:${port}`;
  }

  /**
   * Names the upstream to one that waits for it. From then on it is restarted with that upstream.
   *
   * @throws if it does not use it within `timeoutMs`, or does not wait for one; then it is of no use.
   */
  async assign(upstream: UpstreamProxy, timeoutMs: number): Promise<void> {
    const assign = this.#running?.assign ?? null;
    if (this.#isLost || this.#task.upstream !== 'later' || assign === null)
      throw new Error('the forward proxy waits for no upstream');
    await withDeadline('naming its upstream to the forward proxy', timeoutMs, assign(upstream));
    // Its end may be noticed before its last answer.
    if (this.#isLost) throw new Error('the forward proxy has ended');
    this.#task = { ...this.#task, upstream };
  }

  /** Stops restarts; the process itself is killed with all others that name the directory. */
  stop(): void {
    this.#stopped.abort();
  }

  /**
   * Has it write its last report, and end. Nothing is wrong if it does not: what it has written until a second before
   * is there, and it is killed with all others.
   */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#found;
    await this.#running?.terminate();
    await settlesWithin(this.#running?.exited ?? Promise.resolve(), END_PATIENCE_MS);
    this.stop();
    await this.#watched;
  }

  /* Nobody stops it for a moment, as a browser is stopped while its profile is copied: it leads a group of its own. */
  get #helper(): Helper {
    return {
      what: `forward proxy of ${this.directory.name}`,
      find: () => Promise.resolve(this.#isEnding ? null : (this.#running?.identity ?? null)),
      mayBeStopped: () => Promise.resolve(false),
      beat: () => readBeat(this.directory),
    };
  }

  async #find(launching: Promise<Running> | null): Promise<void> {
    this.#running = await (launching === null ? this.#adopted() : launching.catch(() => null));
  }

  async #keep(): Promise<void> {
    const { log } = this.runtime;
    for (;;) {
      await this.#running?.exited;
      if (this.#stopped.signal.aborted || this.#isEnding) return;
      if (this.#task.upstream === 'later') {
        this.#isLost = true;
        this.#onLost();
        return;
      }
      log.warn({ directory: this.directory.name }, 'a forward proxy has ended; starting another');
      this.#running = await this.#restart();
      if (this.#running === null) return;
    }
  }

  async #restart(): Promise<Running | null> {
    const { signal } = this.#stopped;
    for (let attempt = 0; ; attempt += 1) {
      await pause(backoffMs(attempt, RESTART_FIRST_MS, RESTART_CAP_MS), signal);
      if (signal.aborted) return null;
      try {
        // A process that an earlier keeper started just before its death may hold the port.
        if (attempt > 0) for (const pid of await this.#pids()) sendSignal(pid, 'SIGKILL');
        const { launching } = await startForwardProxy(
          { ...this.place, ...this.#task, directory: this.directory },
          this.runtime,
          signal,
        );
        return await launching;
      } catch (error) {
        const { log } = this.runtime;
        if (!signal.aborted) log.error({ reason: messageOf(error) }, 'a forward proxy does not start');
      }
    }
  }

  /* The one that an earlier keeper has started; null: it is gone. */
  async #adopted(): Promise<Running | null> {
    const { processes, log } = this.runtime;
    try {
      const [pid] = await this.#pids();
      const identity = pid === undefined ? null : await processes.identify(pid);
      if (identity === null) return null;
      return {
        identity,
        exited: this.#untilGone(identity),
        terminate: async () => {
          await signalProcess(processes, identity, 'SIGTERM').catch(() => false); // it is killed with all others
        },
        assign: null,
      };
    } catch (error) {
      log.error({ err: error }, 'a forward proxy cannot be watched');
      return null;
    }
  }

  async #untilGone(identity: ProcessIdentity): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted && (await isAlive(this.runtime.processes, identity).catch(() => true)))
      await pause(ADOPTED_POLL_MS, signal);
  }

  async #pids(): Promise<number[]> {
    const argument = argumentFor(this.directory);
    const all = await this.runtime.processes.list();
    return all.filter(({ commandLine }) => commandLine.includes(argument)).map(({ pid }) => pid);
  }
}
