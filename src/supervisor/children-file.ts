import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { Logger } from '../core/logger';
import type { ProcessIdentity } from '../core/process-identity';

const RETRY_MS = 1_000;

const schema = z.object({
  bootId: z.string(),
  children: z.record(z.string(), z.object({ pid: z.number().int().positive(), startedAt: z.string() })),
});

/**
 * `children.json`: which process plays which role. It outlives a supervisor that crashes, so that the next one finds
 * the keeper (and with it every browser) and the Redis that are still alive.
 *
 * Writes are synchronous: between the start of a process and its record nothing else may happen. A write that fails (a
 * full disk) is no reason to lose a process that runs: it is made up for when there is room.
 */
export class ChildrenFile {
  readonly #children = new Map<string, ProcessIdentity>();
  #retry: NodeJS.Timeout | null = null;

  /**
   * Reads what an earlier supervisor left, if it was of this boot; an unreadable file counts as none.
   *
   * @param path - null: nothing is found and nothing is left to be found
   */
  constructor(
    private readonly path: string | null,
    private readonly bootId: string,
    private readonly log: Logger,
  ) {
    if (path === null) return;
    for (const [role, identity] of Object.entries(readChildren(path, bootId))) {
      this.#children.set(role, identity);
    }
  }

  /** Who played a role last; the caller checks whether it still lives. */
  last(role: string): ProcessIdentity | null {
    return this.#children.get(role) ?? null;
  }

  /** Remembers who plays a role now. */
  record(role: string, identity: ProcessIdentity): void {
    this.#children.set(role, identity);
    this.#save();
  }

  /** The role was told to end and did. */
  forget(role: string): void {
    if (this.#children.delete(role)) this.#save();
  }

  /** Says once that it cannot be written, and once that it can again. */
  #save(): void {
    try {
      this.#write();
      if (this.#retry !== null) this.log.info({ path: this.path }, 'the list of processes is written again');
      this.#retry = null;
    } catch (error) {
      if (this.#retry === null) {
        this.log.error(
          { err: error },
          'the list of processes cannot be written, it will be when that is possible',
        );
      }
      clearTimeout(this.#retry ?? undefined);
      this.#retry = setTimeout(() => this.#save(), RETRY_MS).unref();
    }
  }

  #write(): void {
    if (this.path === null) return;
    if (this.#children.size === 0) {
      rmSync(this.path, { force: true });
      return;
    }
    const content = { bootId: this.bootId, children: Object.fromEntries(this.#children) };
    const draft = `${this.path}.new`;
    writeFileSync(draft, JSON.stringify(content), { mode: 0o600 });
    renameSync(draft, this.path);
  }
}

function readChildren(path: string, bootId: string): Record<string, ProcessIdentity> {
  try {
    const content = schema.parse(JSON.parse(readFileSync(path, 'utf8')));
    return content.bootId === bootId ? content.children : {};
  } catch {
    // No file is the normal case; a torn or foreign one tells us nothing about living processes either.
    return {};
  }
}
