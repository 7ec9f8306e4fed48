import { Browser } from '../client/browser';
import { hostInUrl } from '../config/address';
import type { TerminalEnv } from '../config/env';
import type { Clock } from '../core/clock';
import { UsageError } from './exit-codes';
import type { ConnectionOptions } from './options';
import type { Terminal } from './terminal';

/** Dependencies of every command. */
export interface Context {
  /** For results only. */
  readonly stdout: Terminal;
  /** For everything else: progress, hints, questions, errors. */
  readonly stderr: Terminal;
  readonly env: TerminalEnv;
  readonly clock: Clock;
  /** Aborted when the reader of the output has gone. */
  readonly outputGone: AbortSignal;
}

/**
 * A client of the service that the command line names, else the environment.
 *
 * @throws UsageError if that is not an HTTP URL.
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

/*
 * The URL of a service that was started with these settings; undefined, and so the client's default, if neither is set.
 */
function localUrl({ host = '127.0.0.1', port = '3000' }: TerminalEnv): string | undefined {
  // With 0 the service takes any free port, which is unknown here.
  const isKnown = /^\d{1,5}$/.test(port) && Number(port) > 0;
  return isKnown ? `http://${hostInUrl(host)}:${port}` : undefined;
}
