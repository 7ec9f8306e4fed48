import { Browser } from '../client/browser';
import { hostInUrl } from '../config/address';
import type { TerminalEnv } from '../config/env';
import type { Clock } from '../core/clock';
import { UsageError } from './exit-codes';
import type { ConnectionOptions } from './options';
import type { Terminal } from './terminal';

/** What every command works with. */
export interface Context {
  /** Data. */
  readonly stdout: Terminal;
  /** Everything else: progress, hints, questions, errors. */
  readonly stderr: Terminal;
  readonly env: TerminalEnv;
  readonly clock: Clock;
  /** Aborted when whoever reads our output has gone. */
  readonly outputGone: AbortSignal;
}

/**
 * A client of the service that the command line names, else the environment.
 *
 * @throws UsageError if that is no HTTP URL.
 */
export function connect({ env }: Pick<Context, 'env'>, options: ConnectionOptions): Browser {
  const { url = env.url ?? localUrl(env), apiKey, requestTimeout, retries } = options;
  try {
    return new Browser({ baseUrl: url, apiKey, timeoutMs: requestTimeout, maxRetries: retries });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message.replace('baseUrl', '--url'));
    throw error;
  }
}

/* Where a service listens that was started with these settings; undefined, and so the client's default, if none says where. */
function localUrl({ host = '127.0.0.1', port = '3000' }: TerminalEnv): string | undefined {
  // 0 takes any port that is free: nobody can tell which.
  const isKnown = /^\d{1,5}$/.test(port) && Number(port) > 0;
  return isKnown ? `http://${hostInUrl(host)}:${port}` : undefined;
}
