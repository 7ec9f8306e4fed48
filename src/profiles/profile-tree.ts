import { chown, mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../core/errors';
import { BadArchiveError } from './archive-errors';

/** Whom unpacked files belong to. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** Writes files into a new profile that nothing else can write to yet. */
export class ProfileTree {
  readonly #folders = new Set<string>();

  private constructor(
    private readonly dir: string,
    private readonly owner: Owner | null,
  ) {}

  /** @throws if the folder is not empty: something in it might be a link. */
  static async in(dir: string, owner: Owner | null): Promise<ProfileTree> {
    if ((await readdir(dir)).length > 0) throw new Error(`${dir} is not empty`);
    return new ProfileTree(dir, owner);
  }

  /**
   * Writes a file that does not exist yet.
   *
   * @param path - checked by EntryNames; relative to the profile
   * @throws BadArchiveError for a name that the file system takes for another one; and what the file system throws.
   */
  async write(path: string, content: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<void> {
    await this.#makeFolders(path);
    const file = await open(join(this.dir, path), 'wx', FILE_MODE).catch((error: unknown) => {
      if (systemCodeOf(error) !== 'EEXIST') throw error;
      throw new BadArchiveError('duplicate_name', 'a file comes twice', { cause: error });
    });
    try {
      if (this.owner !== null) await file.chown(this.owner.uid, this.owner.gid);
      for await (const chunk of content) await file.writeFile(chunk);
    } finally {
      await file.close();
    }
  }

  async #makeFolders(path: string): Promise<void> {
    const parts = path.split('/').slice(0, -1);
    for (const depth of parts.keys()) {
      const folder = parts.slice(0, depth + 1).join('/');
      if (this.#folders.has(folder)) continue;
      await mkdir(join(this.dir, folder), FOLDER_MODE);
      if (this.owner !== null) await chown(join(this.dir, folder), this.owner.uid, this.owner.gid);
      this.#folders.add(folder);
    }
  }
}
