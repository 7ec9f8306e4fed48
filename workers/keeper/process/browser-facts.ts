import type { ProcessIdentity } from '../../../src/core/process-identity';
import type { CompanionFacts, CompanionSurroundings } from '../companions/companions';
import type { DevToolsAddress } from './devtools';
import type { Leftovers } from './leftovers';

/** What processes need from the machine; the same for all of a keeper's browsers. */
export interface BrowserSurroundings extends CompanionSurroundings {
  readonly leftovers: Leftovers;
  readonly shimScript: string;
  /** What has to be free on the disk for a browser to start. */
  readonly roomNeededBytes: number;
}

/** What identifies a running browser; enough for another keeper to take it over. */
export interface BrowserFacts {
  readonly browser: ProcessIdentity;
  readonly shim: ProcessIdentity;
  readonly devTools: DevToolsAddress;
  readonly companions: CompanionFacts;
}
