import { lstat, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeOwnFolder } from '../users/machine-folder';

/** Only such names are tables of keepers; nothing else in the folder becomes part of a rule. */
const FORM = /^holdfast_[0-9a-f]{12}$/;

/**
 * Whose tables there are on this machine: a file for each in a folder of root's, named after the table, with the run
 * root of its keeper. A keeper that was killed leaves its table; one whose run root is gone, too, has no successor.
 * Keepers of other containers in the same network have another folder, so nobody takes their tables for abandoned.
 */
export class TableNames {
  private constructor(
    private readonly folder: string,
    /** This keeper's own. */
    readonly own: string,
    private readonly runRoot: string,
  ) {}

  /**
   * @param folder - is made if it is not there
   * @param hostId - random, of the keeper's run root
   * @throws what the file system throws.
   */
  static async in(folder: string, hostId: string, runRoot: string): Promise<TableNames> {
    await makeOwnFolder(folder);
    return new TableNames(folder, `holdfast_${hostId.replaceAll('-', '').slice(0, 12)}`, runRoot);
  }

  /** To be called before the own table is made. */
  async reserve(): Promise<void> {
    await writeFile(join(this.folder, this.own), this.runRoot, { mode: 0o600 });
  }

  /** Whether a keeper of this run root has made the own table, and not removed it. */
  async isReserved(): Promise<boolean> {
    return (await lstat(join(this.folder, this.own)).catch(() => null)) !== null;
  }

  /** Tables that nobody will remove any more. */
  async abandoned(): Promise<string[]> {
    const names = (await readdir(this.folder)).filter(name => FORM.test(name) && name !== this.own);
    const found = await Promise.all(
      names.map(async name => {
        const runRoot = await readFile(join(this.folder, name), 'utf8').catch(() => null); // freed meanwhile
        // An empty one is just being written.
        if (runRoot === null || runRoot === '') return [];
        return (await lstat(runRoot).catch(() => null)) === null ? [name] : [];
      }),
    );
    return found.flat();
  }

  /** The table is gone. */
  async free(table: string): Promise<void> {
    await rm(join(this.folder, table), { force: true });
  }
}
