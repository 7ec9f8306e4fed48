import type { Redis } from '../redis/connection';
import { keys } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';

/** The largest file, bytes. */
export const FILE_MAX_BYTES = 8 * 2 ** 20;

/** The most that all files together may take, bytes; the oldest are removed to make room. */
const FILES_MAX_BYTES = 64 * 2 ** 20;

/** How long a file is kept. */
const FILE_TTL_MS = 3_600_000;

/** A file that a job has made. */
export interface StoredFile {
  readonly tenant: string;
  readonly contentType: string;
  readonly content: Buffer;
}

/** Keeps what is too large for the result of a job. In Redis, so that every API process can serve it. */
export class FileStore {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
  ) {}

  /**
   * Keeps a file for {@link FILE_TTL_MS}, or until later ones need the room. An id that exists already is stored again:
   * a script may be sent twice.
   *
   * @throws RangeError if it is larger than {@link FILE_MAX_BYTES}.
   */
  async keep(id: string, { tenant, contentType, content }: StoredFile): Promise<void> {
    if (content.length > FILE_MAX_BYTES) {
      throw new RangeError(`${content.length} bytes, but a file may have at most ${FILE_MAX_BYTES}`);
    }
    await this.scripts.run(
      'keepFile',
      [keys.file(id), keys.files, keys.filesBytes],
      [content, tenant, contentType, FILE_TTL_MS, FILES_MAX_BYTES],
    );
  }

  /** A file; null if it never existed or was removed. */
  async find(id: string): Promise<StoredFile | null> {
    const [tenant, contentType, content] = await this.redis.hmgetBuffer(
      keys.file(id),
      'tenant',
      'type',
      'content',
    );
    if (!tenant || !contentType || !content) return null;
    return { tenant: tenant.toString(), contentType: contentType.toString(), content };
  }
}
