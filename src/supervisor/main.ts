import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, envToConfig, type Config } from '../config/config';
import { readEnv, executableSearchPath } from '../config/env';
import { systemClock } from '../core/clock';
import { messageOf } from '../core/errors';
import { createLogger, type Logger } from '../core/logger';
import { systemProcesses } from '../core/process-identity';
import { checkRedisServer } from '../redis/server-check';
import { AlreadyRunningError } from './data-lock';
import { findRedisBinary } from './redis-binary';
import { PATIENCE, type Mode } from './roles';
import { StartError, Supervisor, type SupervisorOptions } from './supervisor';

/** Exit codes of `holdfast start`, `worker` and `api`. */
export const EXIT = {
  /** Drained after SIGINT, SIGTERM or SIGHUP. */
  ok: 0,
  /** Could not start (already running, port taken, no Redis), got a second signal to stop, or crashed. */
  failed: 1,
  /** The command line or the configuration is not usable. */
  usage: 2,
} as const;

/**
 * A second signal means "at once", but not directly after the first: npm forwards Ctrl-C to a process that has received
 * it from the terminal already.
 */
const SAME_SIGNAL_MS = 500;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

type Entries = SupervisorOptions['entries'];
type Patience = SupervisorOptions['patience'];
type RunOptions = Pick<SupervisorOptions, 'mode' | 'config' | 'entries' | 'patience' | 'log'>;

/** The programs, relative to this compiled file. */
const ENTRIES: Entries = {
  api: join(__dirname, '../api/main.js'),
  worker: join(__dirname, '../../workers/main.js'),
  keeper: join(__dirname, '../../workers/keeper/main.js'),
};

/**
 * Runs a mode until a signal to stop; resolves with the exit code of the process.
 *
 * @param entries - the programs to run; tests pass stubs
 * @param patience - for tests: how long a process may be silent
 */
export async function supervise(
  mode: Mode,
  entries: Entries = ENTRIES,
  patience: Patience = PATIENCE,
): Promise<number> {
  process.title = 'holdfast: supervisor';
  // Writes to a closed terminal fail; the drain that its SIGHUP began continues without it.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
  try {
    const config = envToConfig(readEnv());
    const log = createLogger('supervisor', config.logLevel);
    exitOnUncaughtError(log);
    return await run({ mode, config, entries, patience, log });
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    return error instanceof ConfigError ? EXIT.usage : EXIT.failed;
  }
}

async function run(options: RunOptions): Promise<number> {
  const { mode, config, log } = options;
  const supervisor = new Supervisor({
    ...options,
    redisBinary: await findRedisBinary(executableSearchPath()),
    shortDir: shortDirOf(config.dataDir),
    table: systemProcesses,
  });
  const drained = drainOnSignal(supervisor, log);
  if (config.redisUrl !== null) void logRedisWarnings(config.redisUrl, log);
  try {
    const url = await supervisor.start();
    if (url !== null) announceReady(url, config);
    else if (mode === 'worker' && !drained.begun) process.stdout.write('Holdfast worker is ready\n');
  } catch (error) {
    await supervisor.drain();
    throw error;
  }
  return drained.done;
}

/** Drains at the first signal, hurries at the second. */
function drainOnSignal(
  supervisor: Supervisor,
  log: Logger,
): { readonly done: Promise<number>; begun: boolean } {
  let firstMs: number | null = null;
  let hurried = false;
  let resolve: (code: number | PromiseLike<number>) => void = () => undefined;
  const drained = { done: new Promise<number>(settle => (resolve = settle)), begun: false };
  const onSignal = (signal: NodeJS.Signals): void => {
    const nowMs = systemClock.monotonicMs();
    if (firstMs === null) {
      firstMs = nowMs;
      drained.begun = true;
      log.info({ signal }, 'draining; a second signal ends all processes at once');
      resolve(supervisor.drain().then(() => (hurried ? EXIT.failed : EXIT.ok)));
    } else if (nowMs - firstMs > SAME_SIGNAL_MS && !hurried) {
      hurried = true;
      log.warn({ signal }, 'second signal; ending all processes at once');
      supervisor.hurry();
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return drained;
}

/** The line that scripts wait for; logs are JSON lines on the same descriptor. */
function announceReady(url: string, config: Config): void {
  if (config.apiKeys.length === 0) {
    process.stdout.write(
      'No API keys are set (HOLDFAST_API_KEYS): every program on this machine can use and end the sessions.\n',
    );
  }
  process.stdout.write(`Holdfast is ready at ${url}\n`);
}

/** Never delays a start: the processes that need Redis report an unreachable one. */
async function logRedisWarnings(url: string, log: Logger): Promise<void> {
  try {
    const { version, warnings } = await checkRedisServer(url);
    for (const warning of warnings) log.warn({ redisVersion: version }, warning);
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'Redis could not be checked');
  }
}

/**
 * The children then act as if the supervisor was killed: API and worker exit, the keeper waits for the next supervisor.
 */
function exitOnUncaughtError(log: Logger): void {
  const die = (error: unknown): void => {
    log.fatal({ err: error }, 'uncaught error; the supervisor ends');
    process.exit(EXIT.failed);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
}

function shortDirOf(dataDir: string): string {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  return join(tmpdir(), `holdfast-${process.getuid?.() ?? 0}-${hash}`);
}

function explain(error: unknown): string {
  if (error instanceof ConfigError || error instanceof StartError) return error.message;
  if (error instanceof AlreadyRunningError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
