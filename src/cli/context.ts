import { Browser } from '../client/browser';
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
 * A client of the service that the command line names.
 *
 * @throws UsageError if that is no HTTP URL.
 */
export function connect({ url, apiKey, requestTimeout, retries }: ConnectionOptions): Browser {
  try {
    return new Browser({ baseUrl: url, apiKey, timeoutMs: requestTimeout, maxRetries: retries });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message.replace('baseUrl', '--url'));
    throw error;
  }
}
