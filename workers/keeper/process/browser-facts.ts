import type { ProcessIdentity } from '../../../src/core/process-identity';
import type { CompanionFacts, CompanionRuntime } from '../companions/companions';
import type { DevToolsAddress } from './devtools';
import type { Firewall } from '../firewall/firewall';
import type { Reach } from '../firewall/ruleset';
import type { Cage } from '../isolation/cage';
import type { BrowserCgroups } from '../limits/browser-cgroups';
import type { BrowserUsers } from '../users/browser-users';
import type { Leftovers } from './leftovers';
import type { User } from './run-root';

/** Dependencies on the machine, equal for all browsers of a keeper. */
export interface BrowserRuntime extends Omit<CompanionRuntime, 'user' | 'cage'> {
  readonly users: BrowserUsers;
  /** Null: browsers see the whole machine, as their user. */
  readonly cage: Cage | null;
  /** Null: the network does not tell browsers from other programs. */
  readonly firewall: Firewall | null;
  readonly cgroups: BrowserCgroups;
  readonly leftovers: Leftovers;
  readonly shimScript: string;
  /** The free disk space that a start needs, bytes. */
  readonly roomNeededBytes: number;
}

/** What identifies a running browser; enough for another keeper to take it over. */
export interface BrowserFacts {
  readonly browser: ProcessIdentity;
  readonly shim: ProcessIdentity;
  readonly devTools: DevToolsAddress;
  readonly companions: CompanionFacts;
  /** Whom it runs as. */
  readonly user: User;
  /** What it may send to, where there is a firewall. */
  readonly reach: Reach;
  /** The folders of its cgroups; empty: it has no limits. */
  readonly cgroups: readonly string[];
}
