import { mkdir } from 'node:fs/promises';
import type { Config } from '../../src/config/config';
import { executableSearchPath } from '../../src/config/env';
import { quotasOf } from '../../src/config/quotas';
import { countTenants } from '../../src/config/tenants';
import { settlesWithin } from '../../src/core/abort';
import { staleDays } from '../../src/core/browser-age';
import { systemClock } from '../../src/core/clock';
import type { Logger } from '../../src/core/logger';
import { systemProcesses } from '../../src/core/process-identity';
import { runProcess, type ProcessContext, type Program } from '../../src/core/run-process';
import { KeeperRunningError } from './door/socket-server';
import { openKeeper, type KeeperApp, type KeeperOptions } from './keeper-app';
import { chooseBrowser } from './options';
import type { ChromiumChoice } from './process/browser-command';
import {
  openProcessless,
  type ProcesslessApp,
  type ProcesslessOptions,
} from './processless/open-processless';

/** Exit code of a keeper that found another one running. */
const EXIT_ALREADY_RUNNING = 3;

/** How long a shutdown waits for the browsers: the time of two ladders (close, TERM, KILL). */
const SHUTDOWN_PATIENCE_MS = 7_500;

/** The supervisor kills a keeper after 8.2 s; see DRAIN_ORDER there. */
const CLOSE_LIMIT_MS = 8_000;

type ServedKeeper = KeeperApp | ProcesslessApp;

/*
 * It outlives its supervisor: with a worker it continues, without one it waits for the next as long as a lease lasts,
 * then ends its browsers and exits.
 */
function open({ config, log, isSupervised, stop }: ProcessContext): Program {
  let opening: Promise<ServedKeeper> | null = null;
  const openOne = async (): Promise<ServedKeeper> => {
    await mkdir(config.dataDir, { recursive: true });
    const onAbandoned = (): void => {
      if (isSupervised && !process.connected) stop('no supervisor and no worker');
    };
    const { dataDir, keeper } = config;
    const shared = { dataDir, slots: keeper.slots, processes: systemProcesses, clock: systemClock, log };
    const searchPath = executableSearchPath();
    const browser = await chooseBrowser(keeper, searchPath);
    return browser.kind === 'none'
      ? openProcessless({ ...shared, onAbandoned })
      : openBrowsers({ ...shared, onAbandoned, ...keeperOptions(config), searchPath, browser }, config);
  };
  return {
    start: async () => {
      opening = openOne();
      return { socketPath: (await opening).socketPath };
    },
    close: async why => {
      // During the start it waits: the browsers of an earlier keeper have to be found before they can be ended.
      const app = await opening?.catch(() => null);
      if (app) await shutDown(app, why, log);
    },
  };
}

async function openBrowsers(options: KeeperOptions, { keeper }: Config): Promise<KeeperApp> {
  const { log } = options;
  if (keeper.noSandbox) {
    log.warn(
      'HOLDFAST_NO_SANDBOX is set: a page that breaks out of its renderer has the rights of this user',
    );
  }
  const { browser } = options;
  if (browser.kind === 'chromium') await warnOfAge(browser, log);
  const app = await openKeeper(options);
  const { socketPath, isolation, limits } = app;
  const { level, whyNotMore, sealedBy } = isolation;
  log.info(
    {
      ...{ socketPath, slots: keeper.slots, isolation: level, sealedBy, whyNotMore },
      ...{ limits: limits.enforced, whyNotMoreLimits: limits.whyNotMore, whyNotFrozen: limits.whyNotFrozen },
      egress: keeper.egress.mode,
    },
    'the keeper is ready',
  );
  return app;
}

async function warnOfAge({ programs }: Pick<ChromiumChoice, 'programs'>, log: Logger): Promise<void> {
  for (const program of Object.values(programs)) {
    const days = await staleDays(program, systemClock.nowMs());
    if (days !== null) log.warn({ program, days }, 'a browser was built long ago: update it');
  }
}

function keeperOptions({
  apiKeys,
  keeper,
  quotas,
}: Config): Omit<KeeperOptions, keyof ProcesslessOptions | 'browser' | 'searchPath'> {
  return {
    warmBrowsers: keeper.warmBrowsers,
    disk: {
      downloadsMaxBytes: keeper.downloadsMaxBytes,
      uploadsMaxBytes: keeper.uploadsMaxBytes,
      browserMaxBytes: keeper.browserDiskMaxBytes,
      tenantMaxBytes: tenant => quotasOf(quotas, tenant).diskBytes,
    },
    listen: keeper.listen,
    advertise: keeper.advertise,
    isolation: { wanted: keeper.isolation, uids: keeper.browserUids, reads: keeper.browserReads },
    limits: keeper.browserLimits,
    tenants: countTenants(apiKeys),
    allowsWeakIsolation: keeper.allowsWeakIsolation,
    egress: keeper.egress,
  };
}

async function shutDown(app: ServedKeeper, why: string, log: Logger): Promise<void> {
  log.info({ why }, 'ending all browsers');
  app.keeper.stop();
  const ended = app.keeper.endAll(`the keeper is shutting down: ${why}`);
  if (!(await settlesWithin(ended, SHUTDOWN_PATIENCE_MS))) {
    log.error('not every browser could be ended in time');
  }
  await app.close();
}

void runProcess({
  name: 'keeper',
  supervisor: 'outlives',
  closeLimitMs: CLOSE_LIMIT_MS,
  open,
  exitCodeOf: error => (error instanceof KeeperRunningError ? EXIT_ALREADY_RUNNING : null),
}).then(code => process.exit(code));
