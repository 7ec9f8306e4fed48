import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeTempDir } from './temp-dir';
import { pollUntil } from './poll-until';

const run = promisify(execFile);
const READY_TIMEOUT_MS = 10_000;

/** The options of a test's Redis. */
export interface RedisOptions {
  /** Keep an append-only file, so that a restart finds the data again. Default: no. */
  readonly appendonly?: boolean;
  /** Default: `everysec`. */
  readonly appendfsync?: 'always' | 'everysec' | 'no';
  /** Further arguments of `redis-server`, such as `['--maxmemory', '20mb']`. */
  readonly args?: readonly string[];
  /** Added to its environment, for example for a clock that is wrong. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A real redis-server of one test, on a Unix socket in a folder of its own. */
export interface TestRedis {
  /** `unix:///…/redis.sock`: what `REDIS_URL` understands. */
  readonly url: string;
  /** For `new Redis(path)`. */
  readonly socketPath: string;
  readonly dir: string;
  /** Of the server that runs now; changes with {@link restart}. */
  readonly pid: number;
  /** Sends a signal; if the signal ends a process, resolves when it has ended. The folder stays. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Ends the server if it still lives, and starts another one on the same socket and folder. */
  restart(): Promise<void>;
  /** One command through redis-cli; the answer as text. */
  cli(...args: string[]): Promise<string>;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
}

/** Starts a Redis like the one that Holdfast starts itself (`hz 100`, `noeviction`), but without persistence. */
export async function startRedis(options: RedisOptions = {}): Promise<TestRedis> {
  const dir = await makeTempDir();
  const socketPath = join(dir.path, 'redis.sock');
  // Unix socket paths end at 108 bytes, and Node cuts longer ones silently.
  if (Buffer.byteLength(socketPath) > 100) throw new Error(`socket path is too long: ${socketPath}`);
  let server = await spawnServer(dir.path, socketPath, options);

  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    const ended = hasEnded(server) ? Promise.resolve() : once(server, 'exit');
    server.kill(signal);
    if (!NOT_ENDING.has(signal)) await ended;
  };
  return {
    url: `unix://${socketPath}`,
    socketPath,
    dir: dir.path,
    get pid() {
      return pidOf(server);
    },
    kill,
    async restart() {
      await kill('SIGTERM');
      server = await spawnServer(dir.path, socketPath, options);
    },
    cli: async (...args) => (await run('redis-cli', ['-s', socketPath, ...args])).stdout.trimEnd(),
    async stop() {
      await kill('SIGKILL');
      await dir.remove();
    },
  };
}

const NOT_ENDING: ReadonlySet<NodeJS.Signals> = new Set(['SIGSTOP', 'SIGCONT']);

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('redis-server did not start');
  return child.pid;
}

async function spawnServer(dir: string, socketPath: string, options: RedisOptions): Promise<ChildProcess> {
  const settings: Record<string, string> = {
    port: '0',
    unixsocket: socketPath,
    dir,
    logfile: join(dir, 'redis.log'),
    daemonize: 'no',
    save: '',
    appendonly: options.appendonly === true ? 'yes' : 'no',
    appendfsync: options.appendfsync ?? 'everysec',
    'maxmemory-policy': 'noeviction',
    hz: '100',
    'hash-max-listpack-value': '1024',
    'zset-max-listpack-value': '128',
  };
  const argv = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const server = spawn('redis-server', [...argv, ...(options.args ?? [])], {
    stdio: 'ignore',
    env: { ...process.env, ...options.env },
  });
  await once(server, 'spawn');
  await pollUntil('redis-server', { timeoutMs: READY_TIMEOUT_MS, everyMs: 5 }, async () => {
    if (hasEnded(server)) throw new Error(`redis-server ended at once, see ${join(dir, 'redis.log')}`);
    return (await ping(socketPath)) ? true : undefined;
  });
  return server;
}

/** Whether a server answers `+PONG`; it does not while it loads its data. */
async function ping(socketPath: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(socketPath);
    socket.setTimeout(1_000, () => socket.destroy());
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', data => {
      resolve(data.toString().startsWith('+PONG'));
      socket.destroy();
    });
    // The server does not listen yet, or the socket is left from the server before: both mean "not ready".
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
