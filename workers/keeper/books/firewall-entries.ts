import type { FirewallEntry } from '../firewall/ruleset';
import { RunDirectory } from '../process/run-directory';
import { hasOneBrowser } from '../users/browser-users';
import type { StoredBrowser } from './records';

/**
 * What a keeper's firewall begins with: the users of all run directories, because their processes are gone only after
 * that. A browser without a record is about to be removed, and reaches nothing until then.
 *
 * @param directories - the names of all run directories
 * @param stored - the records, by the same names
 */
export async function firewallEntries(
  runRoot: string,
  directories: readonly string[],
  stored: ReadonlyMap<string, StoredBrowser>,
): Promise<FirewallEntry[]> {
  const found = await Promise.all(
    directories.map(async name => {
      const facts = stored.get(name)?.facts;
      const user = facts?.user ?? (await RunDirectory.at(runRoot, name).user());
      if (user === null || !hasOneBrowser(user)) return [];
      const port = facts?.devTools.port ?? 0;
      return [{ uid: user.uid, reach: facts?.reach ?? [], devToolsPort: port === 0 ? null : port }];
    }),
  );
  return found.flat();
}
