import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import { withDeadline } from '../../../src/core/abort';
import { LineReader } from '../../../src/core/line-reader';
import type { Logger } from '../../../src/core/logger';
import type { ProcessIdentity, ProcessTable } from '../../../src/core/process-identity';
import { FORWARD_PROXY_OPTION } from '../../../src/core/session-browser';
import type { UpstreamProxy } from '../door/protocol';
import type { EgressRules } from '../egress/egress-policy';
import type { Cage } from '../isolation/cage';
import type { RunDirectory } from '../process/run-directory';
import { browserUser } from '../process/run-root';
import type { StartProxy } from '../process/start-options';
import type { EgressTally } from './egress-tally';
import type { ForwardProxyPlace, ForwardProxyScheme } from './forward-proxy-place';
import type { ForwardProxyOrder } from './forward-proxy/program';
import { openTrafficFile } from './traffic-file';

/** Arguments of Node: the programs of the build, for what browsers speak. */
export const FORWARD_PROXY_PROGRAMS: Readonly<Record<ForwardProxyScheme, readonly string[]>> = {
  http: [join(__dirname, 'forward-proxy', 'main.js')],
  socks5: [join(__dirname, 'forward-proxy', 'socks-main.js')],
};

/** On a machine that is not overloaded Node starts in a hundredth of this. */
const START_TIMEOUT_MS = 10_000;

/** What a forward proxy does. Contains a password. */
export interface ForwardProxyTask {
  /** Null: everything goes straight on. `later`: nothing goes anywhere until {@link Running.assign}. */
  readonly upstream: StartProxy;
  /** Null: everything may be reached. */
  readonly egress: EgressRules | null;
}

/** What the next keeper cannot find out by itself. */
export interface ForwardProxyFacts extends ForwardProxyTask, ForwardProxyPlace {
  readonly upstream: UpstreamProxy | null;
}

/** Dependencies of forward proxies on the machine. */
export interface ForwardProxyRuntime {
  readonly processes: ProcessTable;
  readonly egressTally: EgressTally;
  /** Arguments of Node: the program, with the options needed to load it. */
  readonly forwardProxyArgs: Readonly<Record<ForwardProxyScheme, readonly string[]>>;
  readonly cage: Pick<Cage, 'proxyDoor'> | null;
  readonly log: Logger;
}

const answer = z.union([z.object({ port: z.number().int() }), z.object({ error: z.string() })]);

/** The process to start. */
interface Plan extends ForwardProxyTask, ForwardProxyPlace {
  readonly directory: RunDirectory;
}

/** A running forward proxy. */
export interface Running {
  /** Null: it cannot be identified. */
  readonly identity: ProcessIdentity | null;
  readonly exited: Promise<void>;
  /** Tells it to end. */
  readonly terminate: () => Promise<void>;
  /**
   * Names its upstream, once, to one that was started without; resolves when it uses it. Rejects if it refuses it, or
   * ends. Null: it was not started so.
   */
  readonly assign: ((upstream: UpstreamProxy) => Promise<void>) | null;
}

/** The argument by which {@link Leftovers} finds it. */
export const argumentFor = ({ path }: RunDirectory): string => `${FORWARD_PROXY_OPTION}=${path}/`;

/**
 * Starts the process, with its order. In an object, so that this alone can be awaited.
 *
 * @returns launching: resolves when it listens; rejects if it does not, or `signal` is aborted meanwhile
 * @throws if there is no process, or `signal` is aborted; one that is left then names the directory.
 */
export async function startForwardProxy(
  { directory, ...facts }: Plan,
  runtime: ForwardProxyRuntime,
  signal: AbortSignal,
): Promise<{ readonly launching: Promise<Running> }> {
  signal.throwIfAborted();
  const started = await spawnProgram(directory, facts.scheme, runtime);
  const { stdin } = started.child;
  stdin.on('error', () => undefined); // it has exited already and will not answer either
  const { host, port, socket, upstream, egress } = facts;
  const order: ForwardProxyOrder = { host, port, socket, upstream, egress, user: browserUser() };
  stdin.write(`${JSON.stringify(order)}\n`);
  if (upstream !== 'later') stdin.end();
  return { launching: untilListening(started, upstream === 'later', runtime, signal) };
}

async function untilListening(
  { child, exited }: Started,
  isAssignedLater: boolean,
  { processes }: ForwardProxyRuntime,
  signal: AbortSignal,
): Promise<Running> {
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();
  try {
    const started = await withDeadline('starting the forward proxy', START_TIMEOUT_MS, answerOf(child));
    if ('error' in started) throw new Error(`the forward proxy does not start: ${started.error}`);
    const identity = await processes.identify(child.pid ?? 0);
    return {
      identity,
      exited,
      terminate: () => Promise.resolve(void child.kill('SIGTERM')),
      assign: isAssignedLater ? upstream => assignTo(child, upstream) : null,
    };
  } catch (error) {
    kill();
    throw error;
  } finally {
    signal.removeEventListener('abort', kill);
    if (!isAssignedLater) child.stdout.destroy();
  }
}

async function assignTo(child: Started['child'], upstream: UpstreamProxy): Promise<void> {
  child.stdin.end(`${JSON.stringify(upstream)}\n`);
  const taken = await answerOf(child).finally(() => child.stdout.destroy());
  if ('error' in taken) throw new Error(`the forward proxy does not take its upstream: ${taken.error}`);
}

/** A process that was started. */
interface Started {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  readonly exited: Promise<void>;
}

async function spawnProgram(
  directory: RunDirectory,
  scheme: ForwardProxyScheme,
  { forwardProxyArgs }: ForwardProxyRuntime,
): Promise<Started> {
  const traffic = await openTrafficFile(directory);
  try {
    const child = spawn(process.execPath, [...forwardProxyArgs[scheme], argumentFor(directory)], {
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
