import type { KeeperErrorCode } from './protocol';

/** A request that was not done, and why; `connection_lost` leaves open whether it was. */
export class KeeperError extends Error {
  constructor(
    readonly code: KeeperErrorCode | 'connection_lost',
    message: string,
  ) {
    super(message);
    this.name = 'KeeperError';
  }
}
