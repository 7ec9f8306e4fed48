import type { Clock } from '../../src/core/clock';
import type { Logger } from '../../src/core/logger';
import type { CommandFactory } from './process/browser-command';
import type { BrowserSurroundings } from './process/browser-facts';
import type { BrowserLoad } from './process/browser-load';
import type { LivenessRhythm } from './process/liveness';
import type { Records } from './books/records';

/** What a keeper works with. */
export interface KeeperDeps {
  readonly runRoot: string;
  readonly slots: number;
  readonly records: Records;
  readonly around: BrowserSurroundings;
  readonly command: CommandFactory;
  readonly bootId: string;
  /** Network namespace; with the boot id it tells others whether our loopback is theirs. */
  readonly netns: string;
  /** `host:port` of the gateway as others reach it; null when there is none. */
  readonly gateway: () => string | null;
  /** Path of the gateway's Unix socket. */
  readonly gatewaySocket: string;
  readonly gatewayConnections: () => number;
  readonly load: () => BrowserLoad | null;
  readonly liveness: LivenessRhythm;
  /** What the downloads of one session may take on the disk. */
  readonly downloadsMaxBytes: number;
  readonly clock: Clock;
  readonly log: Logger;
}
