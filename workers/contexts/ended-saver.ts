import { join } from 'node:path';
import type { ContextSave, SessionContext } from '../../machines/session/session.types';
import { savesAtEnd } from '../../machines/session/session.view';
import type { RouteOf } from '../../src/browser/dial';
import { readLiveState } from '../../src/browser/live-state';
import { messageOf } from '../../src/core/errors';
import { contextRefOf, type SessionRef } from '../../src/core/ids';
import { readUntrustedFile } from '../../src/core/read-untrusted-file';
import type { Logger } from '../../src/core/logger';
import type { Report } from '../../src/metrics/report';
import type { ContextWriters } from '../../src/store/contexts/context-writers';
import type { SessionStore } from '../../src/store/session-store';
import type { StateFiles } from './state-files';
import { failed, type MadeVersion, type VersionMaker } from '../../src/engine/version-maker';

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
  readonly routeOf: RouteOf;
  readonly report: Pick<Report, 'contextSaved'>;
  /** Resolves when no save of the session is in progress that was asked for while it was live. */
  readonly liveSaveSettled: (ref: SessionRef) => Promise<void>;
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
    const { sessions, states, routeOf, log } = this.parts;
    try {
      const endpoint = (await sessions.read(ref)).record?.snapshot.context.endpoint ?? null;
      if (endpoint === null || endpoint.port === 0) return;
      const state = await readLiveState(routeOf({ endpoint, claimId }), READ_STATE_TIMEOUT_MS);
      await states.write(claimId, state);
    } catch (error) {
      log.warn({ session: ref, reason: messageOf(error) }, 'the state of the browser could not be read');
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
    const { sessions, writers, states, report, liveSaveSettled } = this.parts;
    // What it saves is older, so it must not become a later version.
    await liveSaveSettled(ref);
    const { record, nowMs } = await sessions.read(ref);
    if (record === null || !savesAtEnd(record.snapshot)) return null;
    const { context } = record.snapshot;
    const { contextUse, tenant, id, endedAtMs } = context;
    if (contextUse === null) return null;
    const isLastTry = nowMs - (endedAtMs ?? nowMs) > SAVE_PATIENCE_MS;
    const contextRef = contextRefOf(tenant, contextUse.contextId);
    const result = await this.#make(claimId, profile, context).catch((error: unknown) => {
      if (!isLastTry) throw error;
      report.contextSaved(contextRef, 'storage_failed', { session: id, err: error });
      return failed('storage_unavailable', `the storage failed for ten minutes: ${messageOf(error)}`);
    });
    if (profile === null) report.contextSaved(contextRef, 'profile_lost', { session: id });
    await writers.release(contextRef, id);
    await states.remove(claimId);
    return { saveId: null, atMs: nowMs, ...result };
  }

  async #make(
    claimId: string,
    profile: string | null,
    { tenant, id, contextUse: use, mountedVersion, lastSave }: SessionContext,
  ): Promise<MadeVersion> {
    const { maker, states } = this.parts;
    if (use === null || profile === null)
      return failed('worker_lost', 'the profile was lost before it was saved');
    return maker.make({
      tenant,
      contextId: use.contextId,
      onConflict: use.onConflict,
      sessionId: id,
      // An id may be used again when its session is forgotten; a claim never is.
      saveId: `${id}.${claimId}`,
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
 * After an orderly close the profile is complete. A browser that lies about it harms the context of its session only.
 */
async function endedCleanly(profile: string): Promise<boolean> {
  const preferences = await readUntrustedFile(join(profile, 'Default/Preferences'), PREFERENCES_BYTES);
  return /"exit_type":\s*"Normal"/.test(preferences ?? '');
}
