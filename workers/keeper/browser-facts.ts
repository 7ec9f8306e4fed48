import type { Logger } from '../../src/core/logger';
import type { ProcessIdentity, ProcessTable } from '../../src/core/process-identity';
import type { DevToolsAddress } from './devtools';
import type { Leftovers } from './leftovers';
import type { User } from './run-root';

/** What processes need from the machine; the same for all of a keeper's browsers. */
export interface BrowserSurroundings {
  readonly processes: ProcessTable;
  readonly leftovers: Leftovers;
  readonly user: User;
  readonly shimScript: string;
  readonly log: Logger;
}

/** What identifies a running browser; enough for another keeper to take it over. */
export interface BrowserFacts {
  readonly browser: ProcessIdentity;
  readonly shim: ProcessIdentity;
  readonly devTools: DevToolsAddress;
}
