import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContextUse } from '../../machines/session/session.types';
import type { BrowserState } from '../../src/core/browser-state';
import type { Waiters } from '../../src/engine/waiters';
import { savesAtEnd } from '../../machines/session/session.view';
import type { ContextWriters } from '../../src/store/contexts/context-writers';
import type { SessionStore } from '../../src/store/session-store';
import { contextRefOf, refOf, type ContextRef } from '../../src/core/ids';
import { damageOf, openVersion, type OpenVersionParts } from '../../src/engine/version-reader';
import type { ArchiveLimits } from '../../src/profiles/archive-limits';
import { unpackProfile } from '../../src/profiles/unpack-profile';
import type { ContextStore } from '../../src/store/contexts/context-store';
import type { ContextVersion } from '../../src/store/contexts/context-record';
import type { ContextVersions } from '../../src/store/contexts/context-versions';

/** For so long a mount waits for the save of a session that has ended, milliseconds. */
const SAVE_WAIT_MS = 10_000;

/** A context that no further attempt could mount. The message is for clients. */
export class MountError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MountError';
  }
}

/** What a browser starts with. */
export interface Mounted {
  /** 0: the context has no version yet. */
  readonly version: number;
  /** Whether there is a profile in the mount folder of the claim. */
  readonly isPrepared: boolean;
  /** What the browser has to be given before its first page; null: the profile is complete. */
  readonly restore: BrowserState | null;
}

/** Dependencies of {@link ContextMounter}. */
export interface ContextMounterParts extends OpenVersionParts {
  readonly contexts: Pick<ContextStore, 'find'>;
  readonly versions: Pick<ContextVersions, 'find'>;
  readonly writers: Pick<ContextWriters, 'all'>;
  readonly sessions: Pick<SessionStore, 'read'>;
  /** As {@link Waiters.closed}. */
  readonly untilClosed: Waiters['closed'];
  readonly limits: ArchiveLimits;
  /** Where the keeper looks for profiles, each in a folder named after the claim. */
  readonly folder: string;
}

/** Prepares the profile of a browser out of the current version of a context. */
export class ContextMounter {
  constructor(private readonly parts: ContextMounterParts) {}

  /**
   * Fetches, decrypts and unpacks the current version into the mount folder of a claim. After a failure nothing is left
   * there.
   *
   * @throws MountError if the context was deleted, or its version is damaged; what Redis and the storage throw while
   *   they are away.
   */
  async mount(tenant: string, { contextId }: ContextUse, claimId: string): Promise<Mounted> {
    const { contexts, versions } = this.parts;
    const ref = contextRefOf(tenant, contextId);
    await this.#untilSaved(ref, tenant);
    const context = await contexts.find(ref);
    if (context === null) throw new MountError(`the context ${contextId} was deleted`);
    const { currentVersion } = context;
    if (currentVersion === 0) return { version: 0, isPrepared: false, restore: null };
    const version = await versions.find(ref, currentVersion);
    // Dropped since the row was read: there is another current one by now.
    if (version === null) throw new Error(`version ${currentVersion} of the context was just replaced`);
    return this.#prepare(tenant, contextId, version, claimId);
  }

  /** Removes the profile of a claim, unless the keeper has taken it for a browser. */
  async discard(claimId: string): Promise<void> {
    await rm(join(this.parts.folder, claimId), { recursive: true, force: true });
  }

  /** Removes all profiles. Before the first mount of this process: no launch will take what an earlier one has left. */
  async discardAll(): Promise<void> {
    await Promise.all((await readdir(this.parts.folder)).map(claimId => this.discard(claimId)));
  }

  /* A session that has just ended may still be saving into the context: what it leaves is what is wanted here. */
  async #untilSaved(ref: ContextRef, tenant: string): Promise<void> {
    const { writers, sessions, untilClosed } = this.parts;
    const all = (await writers.all(ref)).map(({ sessionId }) => refOf(tenant, sessionId));
    const read = await Promise.all(all.map(async writer => (await sessions.read(writer)).record));
    const saving = read.filter(record => record !== null).filter(({ snapshot }) => savesAtEnd(snapshot));
    await Promise.all(saving.map(record => untilClosed(record.ref, SAVE_WAIT_MS)));
  }

  async #prepare(
    tenant: string,
    contextId: string,
    version: ContextVersion,
    claimId: string,
  ): Promise<Mounted> {
    const { limits, folder } = this.parts;
    const dir = join(folder, claimId);
    try {
      await mkdir(dir, { mode: 0o700 });
      const source = await openVersion(this.parts, tenant, version);
      const { manifest, state } = await unpackProfile({ source, dir, limits });
      return { version: version.version, isPrepared: true, restore: manifest.endedCleanly ? null : state };
    } catch (error) {
      await this.discard(claimId);
      const damage = damageOf(error);
      if (damage === null) throw error;
      const message = `version ${version.version} of the context ${contextId} cannot be used: ${damage}`;
      throw new MountError(message, { cause: error });
    }
  }
}
