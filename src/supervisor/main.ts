import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostInUrl } from '../config/address';
import { adminKeys } from '../config/api-keys';
import { ConfigError, type Config } from '../config/config';
import { caFile } from '../config/data-dir';
import { executableSearchPath } from '../config/env';
import { messageOf } from '../core/errors';
import type { Logger } from '../core/logger';
import { systemProcesses } from '../core/process-identity';
import { runProcess, type Program } from '../core/run-process';
import { checkRedisServer } from '../redis/server-check';
import { AlreadyRunningError } from './data-lock';
import { findRedisBinary } from './redis-binary';
import { PATIENCE, type Mode } from './roles';
import { StartError } from './start-error';
import { Supervisor, type SupervisorOptions } from './supervisor';

type Entries = SupervisorOptions['entries'];
type Patience = SupervisorOptions['patience'];

/** The programs, relative to this compiled file. */
const ENTRIES: Entries = {
  api: join(__dirname, '../api/main.js'),
  worker: join(__dirname, '../../workers/main.js'),
  keeper: join(__dirname, '../../workers/keeper/main.js'),
};

/**
 * Runs a mode until a signal to stop; resolves with the exit code of the process (see `EXIT`).
 *
 * @param entries - the programs to run; tests pass stubs
 * @param patience - for tests: how long a process may be silent
 */
export async function supervise(
  mode: Mode,
  entries: Entries = ENTRIES,
  patience: Patience = PATIENCE,
): Promise<number> {
  // Writes to a closed terminal fail; the drain that its SIGHUP began continues without it.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
  return runProcess({
    name: 'supervisor',
    supervisor: null,
    // Each of its processes has a limit, see DRAIN_ORDER.
    closeLimitMs: null,
    open: async ({ config, log }) => {
      const supervisor = new Supervisor({
        mode,
        config,
        entries,
        redisBinary: await findRedisBinary(executableSearchPath()),
        shortDir: shortDirOf(config.dataDir),
        table: systemProcesses,
        patience,
        log,
      });
      if (config.redisUrl !== null) void logRedisWarnings(config.redisUrl, log);
      return programOf(supervisor, mode, config, log);
    },
    reportFailure: error => process.stderr.write(`${explain(error)}\n`),
  });
}

/* Drains at the first signal, hurries at the second. */
function programOf(supervisor: Supervisor, mode: Mode, config: Config, log: Logger): Program {
  let isDraining = false;
  return {
    start: async () => {
      try {
        const url = await supervisor.start();
        warnWithoutAdmin(config, log);
        if (url !== null) announceReady(url, config);
        else if (mode === 'worker' && !isDraining) process.stdout.write('Holdfast worker is ready\n');
      } catch (error) {
        await supervisor.drain();
        throw error;
      }
      return {};
    },
    close: signal => {
      isDraining = true;
      log.info({ signal }, 'draining; a second signal ends all processes at once');
      return supervisor.drain();
    },
    hurry: () => supervisor.hurry(),
  };
}

/** Several tenants and no key for the installation: what only such a key may do, nobody can. */
function warnWithoutAdmin({ apiKeys }: Config, log: Logger): void {
  if (apiKeys.length === 0 || adminKeys(apiKeys).length > 0) return;
  log.warn(
    'HOLDFAST_API_KEYS has keys of several tenants, none marked as tenant:admin=key: nobody can drain workers, see ' +
      'the queue board, metrics and the quarantine, or create API keys',
  );
}

/** The line that scripts wait for; logs are JSON lines on the same descriptor. */
function announceReady(url: string, config: Config): void {
  if (config.apiKeys.length === 0) {
    process.stdout.write(
      'No API keys are set (HOLDFAST_API_KEYS): every program on this machine can use and end the sessions.\n',
    );
  }
  const { tls, dataDir } = config;
  if (tls !== null) {
    const trust = tls.files === null ? `; its clients have to trust ${caFile(dataDir)}` : '';
    process.stdout.write(`TLS is served at https://${hostInUrl(tls.host)}:${tls.port}${trust}\n`);
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

function shortDirOf(dataDir: string): string {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  return join(tmpdir(), `holdfast-${process.getuid?.() ?? 0}-${hash}`);
}

function explain(error: unknown): string {
  if (error instanceof ConfigError || error instanceof StartError) return error.message;
  if (error instanceof AlreadyRunningError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
