import { open } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import type { ContextSave, SessionContext } from '../../machines/session/session.types';
import { savesAtEnd } from '../../machines/session/session.view';
import { readLiveState } from '../../src/browser/live-state';
import { messageOf } from '../../src/core/errors';
import { contextRefOf, type SessionRef } from '../../src/core/ids';
import type { Logger } from '../../src/core/logger';
import type { ContextWriters } from '../../src/store/contexts/context-writers';
import type { SessionStore } from '../../src/store/session-store';
import type { StateFiles } from './state-files';
import { failed, type SaveResult, type VersionMaker } from '../../src/engine/version-maker';

/** How long reading the state may delay the end of a browser, milliseconds. */
const READ_STATE_TIMEOUT_MS = 700;

/** For so long after a session's end its save is repeated while the storage fails, milliseconds. */
const SAVE_PATIENCE_MS = 600_000;

/** Dependencies of {@link EndedSaver}. */
export interface EndedSaverParts {
  readonly sessions: Pick<SessionStore, 'read'>;
  readonly writers: Pick<ContextWriters, 'release'>;
  readonly maker: Pick<VersionMaker, 'make'>;
  readonly states: Pick<StateFiles, 'read' | 'write' | 'remove'>;
  readonly log: Logger;
}

/** Saves the contexts of sessions that have ended. */
export class EndedSaver {
  constructor(private readonly parts: EndedSaverParts) {}

  /**
   * Reads what Chromium writes late, before the browser is ended. A browser that does not answer is ended without it:
   * its end must not wait. Never throws.
   */
  async beforeEnd(ref: SessionRef, claimId: string): Promise<void> {
    const { sessions, states, log } = this.parts;
    try {
      const endpoint = (await sessions.read(ref)).record?.snapshot.context.endpoint ?? null;
      if (endpoint === null || endpoint.port === 0) return;
      const route = { host: '127.0.0.1', port: endpoint.port, path: endpoint.path, direct: true };
      await states.write(claimId, await readLiveState(route, READ_STATE_TIMEOUT_MS));
    } catch (error) {
      log.debug({ session: ref, reason: messageOf(error) }, 'the state of the browser could not be read');
    }
  }

  /**
   * Saves the profile of a browser that is gone. Repeated, it makes the same version.
   *
   * @param profile - null: the keeper has none
   * @returns what became of it; null if the session is not to be saved.
   * @throws what may be different at the next try; no longer ten minutes after the session's end.
   */
  async save(ref: SessionRef, claimId: string, profile: string | null): Promise<ContextSave | null> {
    const { sessions, writers, states } = this.parts;
    const { record, nowMs } = await sessions.read(ref);
    if (record === null || !savesAtEnd(record.snapshot)) return null;
    const { context } = record.snapshot;
    const { contextUse, tenant, id, endedAtMs } = context;
    if (contextUse === null) return null;
    const isLastTry = nowMs - (endedAtMs ?? nowMs) > SAVE_PATIENCE_MS;
    const result = await this.#make(claimId, profile, context).catch((error: unknown) => {
      if (!isLastTry) throw error;
      return failed('storage_unavailable', `the storage failed for ten minutes: ${messageOf(error)}`);
    });
    await writers.release(contextRefOf(tenant, contextUse.contextId), id);
    await states.remove(claimId);
    return { saveId: null, atMs: nowMs, ...result };
  }

  async #make(
    claimId: string,
    profile: string | null,
    { tenant, id, contextUse: use, mountedVersion, lastSave }: SessionContext,
  ): Promise<SaveResult> {
    const { maker, states } = this.parts;
    if (use === null || profile === null)
      return failed('worker_lost', 'the profile was lost before it was saved');
    return maker.make({
      tenant,
      contextId: use.contextId,
      onConflict: use.onConflict,
      sessionId: id,
      saveId: `${id}.end`,
      source: 'session',
      dir: profile,
      state: await states.read(claimId),
      baseVersion: baseVersionOf({ mountedVersion, lastSave }),
      endedCleanly: await endedCleanly(profile),
    });
  }
}

/** The version that a session's next save builds on: the one it made last if that became current, or it has mounted. */
export const baseVersionOf = ({
  mountedVersion,
  lastSave,
}: Pick<SessionContext, 'mountedVersion' | 'lastSave'>): number =>
  (lastSave?.isCurrent === true ? lastSave.version : null) ?? mountedVersion ?? 0;

/** Enough for Chromium's preferences. */
const PREFERENCES_BYTES = 1_048_576;

/*
 * After an orderly close the profile is complete. The browser has written the file: a link is not followed, and a lie
 * in it harms the context of that session only.
 */
async function endedCleanly(profile: string): Promise<boolean> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(join(profile, 'Default/Preferences'), flags).catch(() => null);
  if (file === null) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(PREFERENCES_BYTES), 0, PREFERENCES_BYTES, 0);
    return /"exit_type":\s*"Normal"/.test(buffer.toString('utf8', 0, bytesRead));
  } catch {
    return false; // not a readable file
  } finally {
    await file.close();
  }
}
