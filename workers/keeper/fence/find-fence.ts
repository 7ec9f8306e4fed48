import { messageOf } from '../../../src/core/errors';
import type { Logger } from '../../../src/core/logger';
import { findProgram } from '../isolation/find-program';
import { hostIdOf } from '../process/run-root';
import { machineFolder } from '../users/machine-folder';
import { Fence, removeTable, tryTable } from './fence';
import { nftProgram } from './nft';
import { TableNames } from './table-names';

/** Where programs of the administrator are. */
const SEARCH_PATH = '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin';

/** What {@link findFence} needs. */
export interface FenceWish {
  readonly runRoot: string;
  readonly log: Logger;
}

/**
 * A fence that is not open yet, or why there cannot be one. Root only.
 *
 * @throws what the file system throws.
 */
export async function findFence({
  runRoot,
  log,
}: FenceWish): Promise<{ readonly fence: Fence } | { readonly why: string }> {
  const program = await findProgram('nft', SEARCH_PATH);
  if (program === null) return { why: 'nftables is not installed (Debian: apt-get install nftables)' };
  const nft = nftProgram(program);
  const tables = await tablesOf(runRoot);
  try {
    await tryTable(`${tables.own}_trial`, nft);
    return { fence: new Fence({ tables, nft, log }) };
  } catch (error) {
    return { why: `a fence cannot be made: ${messageOf(error)}` };
  }
}

/**
 * Removes the rules of an earlier keeper of this run root, which had a fence where there is none any more. Root only.
 *
 * @throws NftError if they are there and stay; what the file system throws.
 */
export async function dropEarlierFence(runRoot: string): Promise<void> {
  const tables = await tablesOf(runRoot);
  if (!(await tables.isReserved())) return;
  const program = await findProgram('nft', SEARCH_PATH);
  if (program !== null) await removeTable(tables, nftProgram(program));
}

const tablesOf = async (runRoot: string): Promise<TableNames> =>
  TableNames.in(await machineFolder('fences'), await hostIdOf(runRoot), runRoot);
