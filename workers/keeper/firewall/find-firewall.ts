import { messageOf } from '../../../src/core/errors';
import type { Logger } from '../../../src/core/logger';
import { findProgram } from '../isolation/find-program';
import { hostIdOf } from '../process/run-root';
import { machineFolder } from '../users/machine-folder';
import { Firewall, removeTable, tryTable } from './firewall';
import { nftProgram } from './nft';
import { TableNames } from './table-names';

/** Where programs of the administrator are. */
const SEARCH_PATH = '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin';

/** What {@link findFirewall} needs. */
export interface FirewallWish {
  readonly runRoot: string;
  readonly log: Logger;
}

/**
 * A firewall that is not open yet, or why there cannot be one. Root only.
 *
 * @throws what the file system throws.
 */
export async function findFirewall({
  runRoot,
  log,
}: FirewallWish): Promise<{ readonly firewall: Firewall } | { readonly why: string }> {
  const program = await findProgram('nft', SEARCH_PATH);
  if (program === null) return { why: 'nftables is not installed (Debian: apt-get install nftables)' };
  const nft = nftProgram(program);
  const tables = await tablesOf(runRoot);
  try {
    await tryTable(`${tables.own}_trial`, nft);
    return { firewall: new Firewall({ tables, nft, log }) };
  } catch (error) {
    return { why: `a firewall cannot be made: ${messageOf(error)}` };
  }
}

/**
 * Removes the rules of an earlier keeper of this run root, which had a firewall where there is none any more. Root
 * only.
 *
 * @throws NftError if they are there and stay; what the file system throws.
 */
export async function dropEarlierFirewall(runRoot: string): Promise<void> {
  const tables = await tablesOf(runRoot);
  if (!(await tables.isReserved())) return;
  const program = await findProgram('nft', SEARCH_PATH);
  if (program !== null) await removeTable(tables, nftProgram(program));
}

const tablesOf = async (runRoot: string): Promise<TableNames> =>
  TableNames.in(await machineFolder('firewalls'), await hostIdOf(runRoot), runRoot);
