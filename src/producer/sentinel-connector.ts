import { SentinelConnector, type RedisOptions, type SentinelConnectionOptions } from 'ioredis';
import type { RedisAddress } from './redis-address';

/**
 * Asks sentinels for the primary as ioredis does, and does not listen for failovers meanwhile.
 *
 * When a sentinel reports a failover, ioredis (6.0.0) breaks its connection to make another. If it has none, because
 * the primary was killed and it is asking for the next one, it takes the report for the order to close and never
 * connects again.
 */
class LastingSentinelConnector extends SentinelConnector {
  constructor(options: unknown) {
    // SAFETY: ioredis passes the options of its client, which name sentinels: see connectorOf.
    super(options as SentinelConnectionOptions);
  }

  override connect(
    ...args: Parameters<SentinelConnector['connect']>
  ): ReturnType<SentinelConnector['connect']> {
    // SAFETY: a private field of ioredis; it is missing before the first connection.
    const { failoverDetector } = this as unknown as { failoverDetector?: { cleanup(): void } | null };
    failoverDetector?.cleanup();
    return super.connect(...args);
  }
}

/** How a client connects to this address, as an option of ioredis. */
export function connectorOf({ sentinels }: RedisAddress): Pick<RedisOptions, 'Connector'> {
  return sentinels === undefined ? {} : { Connector: LastingSentinelConnector };
}
