import { ServiceError } from './errors';

/** The error of an address that has sent too many wrong API keys. */
export class TooManyFailuresError extends ServiceError {
  /** @param retryAfterMs - when one more key of it is looked at */
  constructor(readonly retryAfterMs: number) {
    super(
      'too_many_failures',
      `This address has sent too many wrong API keys. Try again in ${Math.ceil(retryAfterMs / 1_000)} s.`,
    );
    this.name = 'TooManyFailuresError';
  }
}
