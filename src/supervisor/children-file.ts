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
 * `children.json`: which process has which role. It outlives a supervisor that crashes, so that the next one finds the
 * keeper (and with it every browser) and the Redis that are still running.
 *
 * Writes are synchronous: between the start of a process and its record nothing else may happen. A write that fails (a
 * full disk) must not end a running process: it is repeated when there is room.
 */
export class ChildrenFile {
  readonly #children = new Map<string, ProcessIdentity>();
  #retry: NodeJS.Timeout | null = null;

  /**
   * Reads the file of an earlier supervisor, if it is of this boot; an unreadable file counts as none.
   *
   * @param path - null: nothing is read or written
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

  /** The last process of a role; the caller checks whether it still runs. */
  last(role: string): ProcessIdentity | null {
    return this.#children.get(role) ?? null;
  }

  /** Records the current process of a role. */
  record(role: string, identity: ProcessIdentity): void {
    this.#children.set(role, identity);
    this.#save();
  }

  /** Forgets a role whose process was stopped on purpose. */
  forget(role: string): void {
    if (this.#children.delete(role)) this.#save();
  }

  /** Logs once that the file cannot be written, and once that it can again. */
  #save(): void {
    try {
      this.#write();
      if (this.#retry !== null)
        this.log.info({ path: this.path }, 'the list of processes can be written again');
      this.#retry = null;
    } catch (error) {
      if (this.#retry === null) {
        this.log.error({ err: error }, 'the list of processes cannot be written; it will be tried again');
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
    // A missing file is the normal case; an incomplete or foreign one says nothing about running processes either.
    return {};
  }
}
