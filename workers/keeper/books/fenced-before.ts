import type { Fenced } from '../fence/ruleset';
import { RunDirectory } from '../process/run-directory';
import { hasOneBrowser } from '../users/browser-users';
import type { Records } from './records';

/**
 * Whom a keeper's fence begins with: the users of all run directories, because their processes are gone only after
 * that. A browser without a record is about to be removed, and reaches nothing until then.
 *
 * @throws what the file system throws.
 */
export async function fencedBefore(runRoot: string, records: Records): Promise<Fenced[]> {
  const stored = await records.load();
  const found = await Promise.all(
    (await RunDirectory.list(runRoot)).map(async name => {
      const facts = stored.get(name)?.facts;
      const user = facts?.user ?? (await RunDirectory.at(runRoot, name).user());
      if (user === null || !hasOneBrowser(user)) return [];
      const port = facts?.devTools.port ?? 0;
      return [{ uid: user.uid, reach: facts?.reach ?? [], devToolsPort: port === 0 ? null : port }];
    }),
  );
  return found.flat();
}
