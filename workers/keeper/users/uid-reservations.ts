import { lstat, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../../../src/core/errors';
import { makeOwnFolder } from './machine-folder';

/** A user id that some keeper of this machine uses. */
export interface Reservation {
  readonly uid: number;
  /** The run directory that it is used for. */
  readonly directory: string;
}

/** A reservation without its run directory is not old enough to be removed: its keeper may be about to make it. */
const FRESH_MS = 60_000;

/**
 * Which user ids are in use on this machine, by whichever keeper: a file for each in a folder of root's, named after
 * the id, made exclusively. Nobody takes over the file of another; one whose run directory is gone is removed by the
 * next keeper that starts.
 */
export class UidReservations {
  private constructor(private readonly folder: string) {}

  /**
   * @param folder - is made if it is not there
   * @throws if it belongs to another user; what the file system throws.
   */
  static async in(folder: string): Promise<UidReservations> {
    await makeOwnFolder(folder);
    return new UidReservations(folder);
  }

  /** False if the id is reserved already. @throws what the file system throws. */
  async add({ uid, directory }: Reservation): Promise<boolean> {
    try {
      await writeFile(join(this.folder, String(uid)), directory, { flag: 'wx', mode: 0o600 });
      return true;
    } catch (error) {
      if (systemCodeOf(error) === 'EEXIST') return false;
      throw error;
    }
  }

  async remove(uid: number): Promise<void> {
    await rm(join(this.folder, String(uid)), { force: true });
  }

  /**
   * What is reserved. Reservations that have outlived their run directory are removed, unless `isInUse` says otherwise.
   */
  async sweep(nowMs: number, isInUse: (uid: number) => boolean): Promise<Reservation[]> {
    const found = await Promise.all((await readdir(this.folder)).map(name => this.#read(name)));
    const kept = await Promise.all(
      found.flat().map(async ({ uid, directory, madeAtMs }) => {
        const isThere = (await lstat(directory).catch(() => null)) !== null;
        if (isThere || nowMs - madeAtMs < FRESH_MS || isInUse(uid)) return [{ uid, directory }];
        await this.remove(uid);
        return [];
      }),
    );
    return kept.flat();
  }

  async #read(name: string): Promise<(Reservation & { readonly madeAtMs: number })[]> {
    if (!/^\d+$/.test(name)) return [];
    const path = join(this.folder, name);
    try {
      const [directory, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
      return [{ uid: Number(name), directory, madeAtMs: mtimeMs }];
    } catch {
      return []; // removed meanwhile
    }
  }
}
