import type { Endpoint } from '../../machines/session/session.types';
import type { Clock } from '../../src/core/clock';
import type { Logger } from '../../src/core/logger';
import type { Machine } from './admission/machine-stats';
import type { CommandFactory } from './process/browser-command';
import type { BrowserRuntime } from './process/browser-facts';
import type { BrowserProcess } from './process/browser-process';
import type { LivenessRhythm } from './process/liveness';
import type { BreathRhythm } from './sleep/breaths';
import type { Records } from './books/records';
import type { TenantDisk } from './books/tenant-disk';

/** Dependencies of {@link Keeper}. */
export interface KeeperDeps {
  readonly runRoot: string;
  readonly slots: number;
  /** How many browsers are started ahead at most; 0: none. */
  readonly warmBrowsers: number;
  readonly records: Records;
  readonly runtime: BrowserRuntime;
  readonly command: CommandFactory;
  readonly bootId: string;
  /** Network namespace; together with the boot id it shows other processes whether they share this loopback. */
  readonly netns: string;
  /** `host:port` of the gateway for other machines; null when there is none. */
  readonly gateway: () => string | null;
  /** Path of the gateway's Unix socket. */
  readonly gatewaySocket: string;
  readonly machine: Machine;
  readonly liveness: LivenessRhythm;
  readonly breathRhythm: BreathRhythm;
  readonly disk: TenantDisk;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Where the services of all machines reach a browser of this keeper.
 *
 * @param maySleep - then they reach it through the keeper only, which has to see when it is needed
 */
export function endpointOf(
  { bootId, netns, gateway, gatewaySocket }: KeeperDeps,
  { directory, facts }: Pick<BrowserProcess, 'directory' | 'facts'>,
  maySleep: boolean,
): Endpoint {
  const { port, path, socket } = facts.devTools;
  const endpoint = { port, path, bootId, netns, gateway: gateway(), gatewaySocket };
  if (socket === null && !maySleep) return endpoint;
  const apart = { ...endpoint, netns: `${netns}/${directory.name}` };
  return socket === null || maySleep ? apart : { ...apart, devToolsSocket: socket };
}
