import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { browserState, type BrowserState } from '../../src/core/browser-state';
import { writeByRename } from '../../src/core/write-by-rename';

/**
 * The state of a browser that was read before its end, until it is saved: one file for each claim, so that the next
 * worker process has it when this one dies in between.
 */
export class StateFiles {
  /** @param folder - must exist */
  constructor(private readonly folder: string) {}

  /**
   * Removes what no save will ask for any more.
   *
   * @param claimIds - the claims whose sessions are still to be saved
   */
  async removeOthers(claimIds: ReadonlySet<string>): Promise<void> {
    const stale = (await readdir(this.folder)).filter(name => !claimIds.has(name));
    await Promise.all(stale.map(name => rm(join(this.folder, name), { force: true })));
  }

  /** Keeps the state of a browser. */
  async write(claimId: string, state: BrowserState): Promise<void> {
    await writeByRename(join(this.folder, claimId), JSON.stringify(state));
  }

  /** The state of a browser; null if it could not be read before its end. */
  async read(claimId: string): Promise<BrowserState | null> {
    const text = await readFile(join(this.folder, claimId), 'utf8').catch(() => null);
    return text === null ? null : browserState.parse(JSON.parse(text));
  }

  /** Forgets the state of a browser. */
  async remove(claimId: string): Promise<void> {
    await rm(join(this.folder, claimId), { force: true });
  }
}
