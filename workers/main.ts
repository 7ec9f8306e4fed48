import { ConfigError, type Config } from '../src/config/config';
import { systemClock } from '../src/core/clock';
import type { Logger } from '../src/core/logger';
import { systemProcesses } from '../src/core/process-identity';
import { EXIT, runProcess, type ProcessContext, type Program } from '../src/core/run-process';
import { startWorker, type WorkerApp } from './app';
import { KeeperClient, type Registration } from './keeper-client';
import { browserLocation, keeperSocketOf } from './keeper/host';

/** The supervisor gives a worker 4.5 s before it is killed; see DRAIN_ORDER there. */
const DRAIN_TIMEOUT_MS = 4_000;
const CLOSE_LIMIT_MS = 4_400;

function open({ config, log }: ProcessContext): Program {
  const { redisUrl } = config;
  if (redisUrl === null) throw new ConfigError(['REDIS_URL: a worker needs it']);
  let keeper: KeeperClient | null = null;
  let app: WorkerApp | null = null;
  return {
    start: async () => {
      keeper = await keeperClient(config, log);
      // Before Redis: an outage of Redis must not make the keeper believe that its worker is gone.
      const { hostId: workerId } = await firstRegistration(keeper);
      const onFenced = (): void => process.exit(EXIT.failed);
      const { runRoot } = await browserLocation(config.dataDir);
      app = await startWorker({ config, redisUrl, keeper, workerId, runRoot, onFenced, log });
      log.info({ worker: workerId }, 'worker is ready');
      return { workerId };
    },
    close: async () => {
      log.info('draining');
      await app?.drain(DRAIN_TIMEOUT_MS);
      await app?.close();
      await keeper?.close();
    },
  };
}

async function keeperClient({ dataDir }: Config, log: Logger): Promise<KeeperClient> {
  const self = await systemProcesses.identify(process.pid);
  if (self === null) throw new Error('this process is not in the process table');
  const socketPath = await keeperSocketOf(dataDir);
  return new KeeperClient({ socketPath, self, processes: systemProcesses, clock: systemClock, log });
}

async function firstRegistration(keeper: KeeperClient): Promise<Registration> {
  return new Promise(resolve => {
    keeper.onRegistered(resolve);
    keeper.connect();
  });
}

void runProcess({ name: 'worker', supervisor: 'ends', closeLimitMs: CLOSE_LIMIT_MS, open }).then(code =>
  process.exit(code),
);
