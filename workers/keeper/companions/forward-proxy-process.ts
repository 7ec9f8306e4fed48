import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import { backoffMs, pause, settlesWithin, withDeadline } from '../../../src/core/abort';
import { messageOf } from '../../../src/core/errors';
import type { Logger } from '../../../src/core/logger';
import {
  isAlive,
  sendSignal,
  signalProcess,
  type ProcessIdentity,
  type ProcessTable,
} from '../../../src/core/process-identity';
import { FORWARD_PROXY_OPTION } from '../../../src/core/session-browser';
import type { EgressTally } from './egress-tally';
import { placeFor, type ForwardProxyPlace } from './forward-proxy-place';
import type { ForwardProxyOrder } from './forward-proxy/main';
import { openTrafficFile, readBeat } from './traffic-file';
import { killWhenStuck, type Helper } from './stuck-watch';
import { watchTraffic } from './traffic-watch';
import { LineReader } from '../../../src/core/line-reader';
import type { UpstreamProxy } from '../door/protocol';
import type { EgressRules } from '../egress/egress-policy';
import type { Cage } from '../isolation/cage';
import type { RunDirectory } from '../process/run-directory';
import { browserUser } from '../process/run-root';

/** The program of the build. */
export const FORWARD_PROXY_PROGRAM = join(__dirname, 'forward-proxy', 'main.js');

/** On a machine that is not overloaded Node starts in a tenth of this. */
const START_TIMEOUT_MS = 10_000;

/** How often a process that is not a child is polled. */
const ADOPTED_POLL_MS = 200;

/** How long it may take to write its last report; then it is killed with all others. */
const END_PATIENCE_MS = 300;

const RESTART_FIRST_MS = 100;
const RESTART_CAP_MS = 2_000;

/** What a forward proxy does. Contains a password. */
export interface ForwardProxyTask {
  /** Null: everything goes straight on. */
  readonly upstream: UpstreamProxy | null;
  /** Null: everything may be reached. */
  readonly egress: EgressRules | null;
}

/** What the next keeper cannot find out by itself. */
export type ForwardProxyFacts = ForwardProxyTask & ForwardProxyPlace;

/** Dependencies of forward proxies on the machine. */
export interface ForwardProxyRuntime {
  readonly processes: ProcessTable;
  readonly egressTally: EgressTally;
  /** Arguments of Node: the program, with the options needed to load it. */
  readonly forwardProxyArgs: readonly string[];
  readonly cage: Pick<Cage, 'proxyDoor'> | null;
  readonly log: Logger;
}

const answer = z.union([z.object({ port: z.number().int() }), z.object({ error: z.string() })]);

/** The process to start. */
interface Plan extends ForwardProxyFacts {
  readonly directory: RunDirectory;
}

/** A running process. */
interface Running {
  /** Null: it cannot be identified. */
  readonly identity: ProcessIdentity | null;
  readonly exited: Promise<void>;
  /** Tells it to end. */
  readonly terminate: () => Promise<void>;
}

/** One that was started. */
interface Launched extends Running {
  readonly port: number;
}

/**
 * The process that holds a browser to its rules (ADR 73) and adds the credentials of its session's proxy (ADR 20): one
 * for each browser with either, started before the browser and, if it dies alone, restarted on the same address. It is
 * killed with the leftovers of the browser, by its argument.
 *
 * It never runs as a user that one browser has alone: what that user may reach is up to the browser's own firewall.
 */
export class ForwardProxyProcess {
  readonly #stopped = new AbortController();
  readonly #watched: Promise<void>;
  readonly #found: Promise<void>;
  #isEnding = false;
  #running: Running | null = null;

  private constructor(
    private readonly directory: RunDirectory,
    readonly facts: ForwardProxyFacts,
    private readonly runtime: ForwardProxyRuntime,
    launched: Launched | null,
  ) {
    this.#found = this.#find(launched);
    void this.#found.then(() => this.#keep());
    this.#watched = watchTraffic(directory, runtime.egressTally, this.#stopped.signal);
    void killWhenStuck(this.#helper, runtime, this.#stopped.signal);
  }

  /**
   * @throws if it does not start, or `signal` is aborted meanwhile; a process that is left then names the directory.
   */
  static async start(
    directory: RunDirectory,
    task: ForwardProxyTask,
    runtime: ForwardProxyRuntime,
    signal: AbortSignal,
  ): Promise<ForwardProxyProcess> {
    const at = placeFor(directory, runtime.cage?.proxyDoor ?? null);
    const launched = await launch({ ...task, directory, ...at }, runtime, signal);
    return new ForwardProxyProcess(directory, { ...task, ...at, port: launched.port }, runtime, launched);
  }

  /** Takes over one that an earlier keeper started; if it has died meanwhile it is restarted. */
  static adopt(
    directory: RunDirectory,
    facts: ForwardProxyFacts,
    runtime: ForwardProxyRuntime,
  ): ForwardProxyProcess {
    return new ForwardProxyProcess(directory, facts, runtime, null);
  }

  /** Its address for the browser's command line. */
  get server(): string {
    return `http://${this.facts.host}:${this.facts.port}`;
  }

  /** Stops restarts; the process itself is killed with all others that name the directory. */
  stop(): void {
    this.#stopped.abort();
  }

  /**
   * Has it write its last report, and end. Nothing is wrong if it does not: what it has written until a second before is
   * there, and it is killed with all others.
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

  async #find(launched: Launched | null): Promise<void> {
    this.#running = launched ?? (await this.#adopted());
  }

  async #keep(): Promise<void> {
    const { log } = this.runtime;
    for (;;) {
      await this.#running?.exited;
      if (this.#stopped.signal.aborted || this.#isEnding) return;
      log.warn({ directory: this.directory.name }, 'a forward proxy has ended; starting another');
      this.#running = await this.#restart();
      if (this.#running === null) return;
    }
  }

  async #restart(): Promise<Launched | null> {
    const { signal } = this.#stopped;
    for (let attempt = 0; ; attempt += 1) {
      await pause(backoffMs(attempt, RESTART_FIRST_MS, RESTART_CAP_MS), signal);
      if (signal.aborted) return null;
      try {
        // A process that an earlier keeper started just before its death may hold the port.
        if (attempt > 0) for (const pid of await this.#pids()) sendSignal(pid, 'SIGKILL');
        return await launch({ ...this.facts, directory: this.directory }, this.runtime, signal);
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

/** The argument by which {@link Leftovers} finds it. */
const argumentFor = ({ path }: RunDirectory): string => `${FORWARD_PROXY_OPTION}=${path}/`;

async function launch(
  { directory, host, port, socket, upstream, egress }: Plan,
  runtime: ForwardProxyRuntime,
  signal: AbortSignal,
): Promise<Launched> {
  signal.throwIfAborted();
  const { child, exited } = await spawnProgram(directory, runtime);
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();
  try {
    child.stdin.on('error', () => undefined); // it has exited already and will not answer either
    const order: ForwardProxyOrder = { host, port, socket, upstream, egress, user: browserUser() };
    child.stdin.end(JSON.stringify(order));
    const started = await withDeadline('starting the forward proxy', START_TIMEOUT_MS, answerOf(child));
    if ('error' in started) throw new Error(`the forward proxy does not start: ${started.error}`);
    const identity = await runtime.processes.identify(child.pid ?? 0);
    const terminate = (): Promise<void> => Promise.resolve(void child.kill('SIGTERM'));
    return { port: started.port, identity, exited, terminate };
  } catch (error) {
    kill();
    throw error;
  } finally {
    signal.removeEventListener('abort', kill);
    child.stdout.destroy();
  }
}

async function spawnProgram(
  directory: RunDirectory,
  { forwardProxyArgs }: ForwardProxyRuntime,
): Promise<{ child: ChildProcessByStdio<Writable, Readable, null>; exited: Promise<void> }> {
  const traffic = await openTrafficFile(directory);
  try {
    const child = spawn(process.execPath, [...forwardProxyArgs, argumentFor(directory)], {
      env: {},
      // Outlives the keeper, like its browser.
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore', traffic.fd],
    });
    child.unref();
    const exited = new Promise<void>(resolve => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    // Without this event there are no pipes, and Node 20 would take `kill` for the keeper's whole process group.
    await once(child, 'spawn');
    // SAFETY: the first two descriptors are pipes.
    return { child: child as ChildProcessByStdio<Writable, Readable, null>, exited };
  } finally {
    await traffic.close();
  }
}

async function answerOf(child: ChildProcess): Promise<z.infer<typeof answer>> {
  const line = await new Promise<string>((resolve, reject) => {
    const reader = new LineReader(resolve);
    child.stdout?.on('data', (chunk: Buffer) => reader.push(chunk));
    child.once('error', reject);
    // Not `exit`: its output may not be complete by then.
    child.once('close', code => reject(new Error(`the forward proxy exited with ${code ?? 'a signal'}`)));
  });
  return answer.parse(JSON.parse(line));
}
