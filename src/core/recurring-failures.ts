import { messageOf, systemCodeOf } from './errors';
import type { Logger } from './logger';

/**
 * Logs failures of work that is retried: once when it begins to fail, not at every try, and once when it works again.
 * The work is named by a key; the same key with another reason is logged again.
 */
export class RecurringFailures {
  readonly #reasons = new Map<string, string>();

  /**
   * @param message - the log message, logged with the error
   * @param over - the log message when it works again
   */
  constructor(
    private readonly log: Logger,
    private readonly message: string,
    private readonly over: string,
  ) {}

  /** The work failed. */
  failed(key: string, error: unknown): void {
    const reason = reasonOf(error);
    if (this.#reasons.get(key) === reason) return;
    this.#reasons.set(key, reason);
    this.log.warn({ what: key, err: error }, this.message);
  }

  /** The work succeeded. */
  worked(key: string): void {
    if (this.#reasons.delete(key)) this.log.info({ what: key }, this.over);
  }

  /** Takes all failures of one complete round: a key that is not among them works again, or is gone. */
  settle(failed: ReadonlyMap<string, unknown>): void {
    for (const [key, error] of failed) this.failed(key, error);
    for (const key of [...this.#reasons.keys()]) if (!failed.has(key)) this.worked(key);
  }
}

/* Messages may differ at every try; a code stays the same. */
const reasonOf = (error: unknown): string => systemCodeOf(error) ?? messageOf(error);
