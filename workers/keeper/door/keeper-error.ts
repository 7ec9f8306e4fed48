import type { KeeperErrorCode } from './protocol';

/** Why a request failed; with `connection_lost` it may have been carried out. */
export class KeeperError extends Error {
  constructor(
    readonly code: KeeperErrorCode | 'connection_lost',
    message: string,
  ) {
    super(message);
    this.name = 'KeeperError';
  }
}
