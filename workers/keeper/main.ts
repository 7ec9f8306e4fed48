import { mkdir } from 'node:fs/promises';
import { envToConfig } from '../../src/config/config';
import { executableSearchPath, readEnv } from '../../src/config/env';
import { settlesWithin } from '../../src/core/abort';
import { systemClock } from '../../src/core/clock';
import { messageOf } from '../../src/core/errors';
import { createLogger, type Logger } from '../../src/core/logger';
import { systemProcesses } from '../../src/core/process-identity';
import { openKeeper, type KeeperApp } from './keeper-app';
import { chooseBrowser } from './options';
import { KeeperRunningError } from './door/socket-server';

/** Exit code of a keeper that found another one running. */
const EXIT_ALREADY_RUNNING = 3;

/** How long a shutdown waits for the browsers: the time of two ladders (close, TERM, KILL). */
const SHUTDOWN_PATIENCE_MS = 7_500;

/**
 * The keeper process. It outlives its supervisor: with a worker it continues, without one it waits for the next as long
 * as a lease lasts, then ends its browsers and exits.
 */
async function main(): Promise<void> {
  process.title = 'holdfast: keeper';
  const config = envToConfig(readEnv());
  const log = createLogger('keeper', config.logLevel);
  if (config.keeper.noSandbox) {
    log.warn(
      'HOLDFAST_NO_SANDBOX is set: a page that breaks out of its renderer has the rights of this user',
    );
  }
  await mkdir(config.dataDir, { recursive: true });
  const supervised = process.send !== undefined;
  let stopping = false;
  const stop = (why: string): void => {
    if (stopping) return;
    stopping = true;
    void shutDown(app, why, log);
  };
  const app = await openKeeper({
    dataDir: config.dataDir,
    slots: config.keeper.slots,
    downloadsMaxBytes: config.keeper.downloadsMaxBytes,
    browser: await chooseBrowser(config.keeper, executableSearchPath()),
    listen: config.keeper.listen,
    advertise: config.keeper.advertise,
    searchPath: executableSearchPath(),
    processes: systemProcesses,
    clock: systemClock,
    log,
    onAbandoned: () => {
      if (supervised && !process.connected) stop('no supervisor and no worker');
    },
  });
  process.on('SIGTERM', () => stop('SIGTERM'));
  // Ctrl-C reaches the whole process group; under a supervisor the order to stop is the supervisor's SIGTERM.
  process.on('SIGINT', () => (supervised ? undefined : stop('SIGINT')));
  // When a terminal closes, no browser must be left running.
  process.on('SIGHUP', () => (supervised ? undefined : stop('SIGHUP')));
  process.on('disconnect', () => log.warn('the supervisor is gone; waiting for a successor'));
  process.send?.({ ready: true, socketPath: app.socketPath });
  log.info({ socketPath: app.socketPath, slots: config.keeper.slots }, 'the keeper is ready');
}

async function shutDown(app: KeeperApp, why: string, log: Logger): Promise<void> {
  log.info({ why }, 'ending all browsers');
  app.keeper.stop();
  try {
    if (
      !(await settlesWithin(app.keeper.endAll(`the keeper is shutting down: ${why}`), SHUTDOWN_PATIENCE_MS))
    ) {
      log.error('not every browser could be ended in time');
    }
    await app.close();
  } catch (error) {
    log.error({ err: error }, 'the shutdown failed');
  }
  process.exit(0);
}

main().catch((error: unknown) => {
  process.stderr.write(`holdfast keeper: ${messageOf(error)}\n`);
  process.exit(error instanceof KeeperRunningError ? EXIT_ALREADY_RUNNING : 1);
});
