import { ConfigError, envToConfig, type Config } from '../config/config';
import { readEnv } from '../config/env';
import { beatToSupervisor } from '../core/beat';
import { createLogger, type Logger } from '../core/logger';
import { startApi, type Api } from './app';

/** How long an orderly end may take; anything not closed by then ends with the process. */
const CLOSE_TIMEOUT_MS = 4_000;

async function main(config: Config, log: Logger): Promise<void> {
  process.title = 'holdfast: api';
  beatToSupervisor();
  exitOnUncaughtError(log);
  // The supervisor is gone. Nothing is released: the next supervisor starts another API, and sessions do not need this
  // one.
  process.on('disconnect', () => process.exit(1));
  if (config.redisUrl === null) throw new ConfigError(['REDIS_URL: the API needs it']);

  let api: Api | null = null;
  closeOnSignal(log, async () => api?.close());
  api = await startApi(config, config.redisUrl, log);
  process.send?.({ ready: true, url: api.url });
}

function closeOnSignal(log: Logger, close: () => Promise<void>): void {
  let closing = false;
  const onSignal = (): void => {
    if (closing) return;
    closing = true;
    setTimeout(() => process.exit(0), CLOSE_TIMEOUT_MS);
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'closing failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  // Ctrl-C reaches the whole process group; under a supervisor, the supervisor decides, with SIGTERM.
  process.on('SIGINT', process.send === undefined ? onSignal : () => undefined);
}

function exitOnUncaughtError(log: Logger): void {
  const die = (error: unknown): void => {
    log.fatal({ err: error }, 'uncaught error; the API ends');
    process.exit(1);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
}

function start(): void {
  const log = createLogger('api', 'info');
  const fail = (error: unknown): void => {
    log.fatal({ err: error }, 'the API could not start');
    process.exit(1);
  };
  try {
    const config = envToConfig(readEnv());
    log.level = config.logLevel;
    main(config, log).catch(fail);
  } catch (error) {
    fail(error);
  }
}

start();
