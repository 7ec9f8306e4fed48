import { ConfigError, envToConfig, type Config } from '../src/config/config';
import { readEnv } from '../src/config/env';
import { beatToSupervisor } from '../src/core/beat';
import { systemClock } from '../src/core/clock';
import { createLogger, type Logger } from '../src/core/logger';
import { systemProcesses } from '../src/core/process-identity';
import { startWorker, type WorkerApp } from './app';
import { KeeperClient, type Registration } from './keeper-client';
import { keeperSocketOf } from './keeper/host';

/** The supervisor gives a worker 4.5 s before it is killed; see DRAIN_ORDER there. */
const DRAIN_TIMEOUT_MS = 4_000;

async function main(config: Config, log: Logger): Promise<void> {
  const exit = (code: number): never => process.exit(code);
  process.title = 'holdfast: worker';
  beatToSupervisor();
  process.on('uncaughtException', error => {
    log.fatal({ err: error }, 'worker failed');
    exit(1);
  });
  // The supervisor is gone: release nothing, the next worker adopts the sessions.
  process.on('disconnect', () => exit(1));
  if (config.redisUrl === null) throw new ConfigError(['REDIS_URL: a worker needs it']);

  const self = await systemProcesses.identify(process.pid);
  if (self === null) throw new Error('this process is not in the process table');
  const socketPath = await keeperSocketOf(config.dataDir);
  const keeper = new KeeperClient({ socketPath, self, processes: systemProcesses, clock: systemClock, log });
  // Before Redis: an outage of Redis must not make the keeper believe that its worker is gone.
  const { hostId } = await firstRegistration(keeper);
  let app: WorkerApp | null = null;
  let stopping = false;
  const shutDown = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info('draining');
    if (app !== null) {
      await app.drain(DRAIN_TIMEOUT_MS);
      await app.close();
    }
    await keeper.close();
  };
  const onSignal = (): void =>
    void shutDown().then(
      () => exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'shutdown failed');
        exit(1);
      },
    );
  process.on('SIGTERM', onSignal);
  // Ctrl-C reaches the whole process group; under a supervisor, the supervisor decides, with SIGTERM.
  process.on('SIGINT', process.send === undefined ? onSignal : () => undefined);

  app = await startWorker({
    config,
    redisUrl: config.redisUrl,
    keeper,
    workerId: hostId,
    onFenced: () => exit(1),
    log,
  });
  process.send?.({ ready: true, workerId: app.workerId });
  log.info({ worker: app.workerId }, 'worker is ready');
}

async function firstRegistration(keeper: KeeperClient): Promise<Registration> {
  return new Promise(resolve => {
    keeper.onRegistered(resolve);
    keeper.connect();
  });
}

const log = createLogger('worker', 'info');
try {
  const config = envToConfig(readEnv());
  log.level = config.logLevel;
  main(config, log).catch((error: unknown) => {
    log.fatal({ err: error }, 'worker could not start');
    process.exit(1);
  });
} catch (error) {
  log.fatal({ err: error }, 'worker could not start');
  process.exit(2);
}
