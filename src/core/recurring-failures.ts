import { messageOf } from './errors';
import type { Logger } from './logger';

/**
 * Failures of work that is tried again and again: each is told once, not at every try, and once more when it is over. What
 * fails is named by a key; the same key with another reason is told again.
 */
export class RecurringFailures {
  readonly #reasons = new Map<string, string>();

  /**
   * @param message - what is told with the error
   * @param over - what is told when it works again
   */
  constructor(
    private readonly log: Logger,
    private readonly message: string,
    private readonly over: string,
  ) {}

  /** It did not work. */
  failed(key: string, error: unknown): void {
    const reason = reasonOf(error);
    if (this.#reasons.get(key) === reason) return;
    this.#reasons.set(key, reason);
    this.log.warn({ what: key, err: error }, this.message);
  }

  /** It worked. */
  worked(key: string): void {
    if (this.#reasons.delete(key)) this.log.info({ what: key }, this.over);
  }

  /** All that failed when everything was tried: what is not among it works, or is not there any more. */
  settle(failed: ReadonlyMap<string, unknown>): void {
    for (const [key, error] of failed) this.failed(key, error);
    for (const key of [...this.#reasons.keys()]) if (!failed.has(key)) this.worked(key);
  }
}

/* Messages may name what differs at each try; a code says the same of all of them. */
function reasonOf(error: unknown): string {
  // SAFETY: Object() makes an object of anything; whether it has a code is what is asked.
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'string' ? code : messageOf(error);
}
