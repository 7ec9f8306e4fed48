import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { systemCodeOf } from '../core/errors';
import { randomId } from '../core/ids';
import { isAlive, type ProcessTable } from '../core/process-identity';

const schema = z.object({
  pid: z.number().int().positive(),
  startedAt: z.string(),
  bootId: z.string(),
  /** URL of the holder; null until it is known. */
  url: z.string().nullable(),
});

/** The supervisor that holds a data folder. */
export type LockHolder = z.infer<typeof schema>;

/** Thrown when another supervisor holds the data folder. */
export class AlreadyRunningError extends Error {
  constructor(readonly holder: LockHolder) {
    super(
      holder.url === null
        ? `already starting (pid ${holder.pid})`
        : `already running at ${holder.url} (pid ${holder.pid})`,
    );
    this.name = 'AlreadyRunningError';
  }
}

/**
 * A lock that is a file naming its holder. It is taken with link(2), which is atomic and shows only the complete file.
 * A lock is stale if its holder has died (or was of another boot). Only the process that holds a second lock of the
 * same kind, beside it, may replace a stale lock. So of two processes that find the stale lock at once, neither can
 * remove the lock that the other has just taken.
 */
export class DataLock {
  private constructor(
    private readonly path: string,
    private readonly holder: LockHolder,
  ) {}

  /**
   * Takes the lock.
   *
   * @param url - URL of the holder, if known already
   * @throws AlreadyRunningError if a living process holds it.
   */
  static async acquire(path: string, table: ProcessTable, url: string | null): Promise<DataLock> {
    const [identity, bootId] = await Promise.all([table.identify(process.pid), table.bootId()]);
    if (identity === null) throw new Error(`this process (${process.pid}) is not in the process table`);
    const holder = { ...identity, bootId, url };
    const draft = await writeDraft(path, holder);
    try {
      await take(path, draft, holder, table);
    } finally {
      await rm(draft, { force: true });
    }
    return new DataLock(path, holder);
  }

  /** Writes the holder's URL into the lock, for processes that find the folder taken. */
  async announce(url: string): Promise<void> {
    await rename(await writeDraft(this.path, { ...this.holder, url }), this.path);
  }

  /** Releases the lock. */
  async release(): Promise<void> {
    await rm(this.path, { force: true });
  }
}

/** The current holder of a data folder, or null. */
export async function livingHolder(path: string, table: ProcessTable): Promise<LockHolder | null> {
  const holder = await readHolder(path);
  if (holder === null || holder === 'unreadable' || holder.bootId !== (await table.bootId())) return null;
  return (await isAlive(table, holder)) ? holder : null;
}

async function take(path: string, draft: string, own: LockHolder, table: ProcessTable): Promise<void> {
  for (;;) {
    if (await linked(draft, path)) return;
    const living = await livingHolder(path, table);
    if (living !== null) throw new AlreadyRunningError(living);
    if (await replaceStale(path, draft, own, table)) return;
  }
}

/** False if the lock has another holder meanwhile and must be read again. */
async function replaceStale(
  path: string,
  draft: string,
  own: LockHolder,
  table: ProcessTable,
): Promise<boolean> {
  const guardPath = `${path}.takeover`;
  const guardDraft = await writeDraft(guardPath, own);
  try {
    await take(guardPath, guardDraft, own, table);
  } finally {
    await rm(guardDraft, { force: true });
  }
  try {
    const gone = (await readHolder(path)) === null;
    if (gone || (await livingHolder(path, table)) !== null) return false;
    await rename(draft, path);
    return true;
  } finally {
    await rm(guardPath, { force: true });
  }
}

async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function writeDraft(path: string, holder: LockHolder): Promise<string> {
  const draft = `${path}.${randomId()}`;
  await writeFile(draft, JSON.stringify(holder), { mode: 0o600 });
  return draft;
}

async function readHolder(path: string): Promise<LockHolder | 'unreadable' | null> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    // An unreadable file (power was lost while it was written) names no process that could be alive.
    return systemCodeOf(error) === 'ENOENT' ? null : 'unreadable';
  }
}
