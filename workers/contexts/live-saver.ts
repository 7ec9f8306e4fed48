import { rm } from 'node:fs/promises';
import type { ContextSave, Endpoint, Fence, SessionContext } from '../../machines/session/session.types';
import type { RouteOf } from '../../src/browser/dial';
import { readLiveState } from '../../src/browser/live-state';
import { EMPTY_STATE } from '../../src/core/browser-state';
import type { SessionRef } from '../../src/core/ids';
import { RecurringFailures } from '../../src/core/recurring-failures';
import { KEPT_PARTS } from '../../src/profiles/profile-parts';
import type { SaveStore } from '../../src/store/save-store';
import type { SessionStore } from '../../src/store/session-store';
import type { KeeperClient } from '../keeper-client';
import type { OwnedSessions } from '../ownership/owned-sessions';
import { commitEvent, type WorkerContext } from '../worker-context';
import { baseVersionOf } from './ended-saver';
import { LAST_VERSION_FILE, type VersionMaker } from '../../src/engine/version-maker';

const READ_STATE_TIMEOUT_MS = 5_000;
const COPY_TIMEOUT_MS = 30_000;

/** Dependencies of {@link LiveSaver}. */
export interface LiveSaverParts {
  readonly context: WorkerContext;
  readonly keeper: KeeperClient;
  readonly owned: OwnedSessions;
  readonly sessions: Pick<SessionStore, 'load'>;
  readonly saves: SaveStore;
  readonly maker: Pick<VersionMaker, 'make'>;
  readonly routeOf: RouteOf;
}

/* The part of the row that a save needs. */
interface Saving {
  readonly saveId: number;
  readonly context: SessionContext;
  readonly fence: Fence;
  readonly endpoint: Endpoint;
}

/** Carries out requests for a save of a live session. What fails is tried again in the next {@link pass}. */
export class LiveSaver {
  readonly #underWay = new Map<SessionRef, Promise<void>>();
  readonly #again = new Set<SessionRef>();
  readonly #failures: RecurringFailures;

  constructor(private readonly parts: LiveSaverParts) {
    this.#failures = new RecurringFailures(
      parts.context.log,
      'the context of a live session could not be saved; it will be tried again',
      'the context of a session is saved again',
    );
  }

  /** There is a request for this session; one that comes during a save is carried out after it. */
  start(ref: SessionRef): void {
    if (this.#underWay.has(ref)) {
      this.#again.add(ref);
      return;
    }
    const work = this.#saveAll(ref)
      .then(
        () => this.#failures.worked(ref),
        (error: unknown) => this.#failures.failed(ref, error),
      )
      .finally(() => {
        this.#underWay.delete(ref);
        if (this.#again.delete(ref)) this.start(ref);
      });
    this.#underWay.set(ref, work);
  }

  /** Starts what was requested while no one listened, and requests the saves that are due. */
  async pass(nowMs: number): Promise<void> {
    const { saves, owned, context } = this.parts;
    for (const ref of owned.takeSavesDue(nowMs)) await saves.request(ref, context.workerId);
    for (const ref of await saves.all()) if (owned.has(ref)) this.start(ref);
  }

  /** Resolves when no save of this session is in progress. */
  async settled(ref: SessionRef): Promise<void> {
    await this.#underWay.get(ref);
  }

  async #saveAll(ref: SessionRef): Promise<void> {
    const { saves } = this.parts;
    for (;;) {
      const saveId = await saves.requested(ref);
      const saving = saveId === null ? null : await this.#read(ref, saveId);
      if (saving === null) return;
      if ((saving.context.lastSave?.saveId ?? 0) < saving.saveId) await this.#save(ref, saving);
      await saves.finish(ref, saving.saveId);
    }
  }

  /* Null if the session has ended, which saves it as well, or has another owner, who has the request too. */
  async #read(ref: SessionRef, saveId: number): Promise<Saving | null> {
    const { sessions, owned } = this.parts;
    const { record } = await sessions.load(ref);
    if (record === null || record.snapshot.value !== 'live') return null;
    const { context } = record.snapshot;
    const { owner, endpoint } = context;
    if (owner === null || endpoint === null || !owned.holds(ref, owner.fence.claimId)) return null;
    return { saveId, context, fence: owner.fence, endpoint };
  }

  async #save(ref: SessionRef, { saveId, context, fence, endpoint }: Saving): Promise<void> {
    const { keeper, maker, routeOf } = this.parts;
    const { tenant, id, contextUse: use } = context;
    if (use === null) return;
    const target = { endpoint, claimId: fence.claimId };
    const state =
      endpoint.port === 0 ? EMPTY_STATE : await readLiveState(routeOf(target), READ_STATE_TIMEOUT_MS);
    const order = { ref, claimId: fence.claimId, parts: [...KEPT_PARTS, LAST_VERSION_FILE] };
    const { profile } = await keeper.call('copyProfile', order, { timeoutMs: COPY_TIMEOUT_MS });
    try {
      const baseVersion = baseVersionOf(context);
      const result = await maker.make({
        ...{ tenant, sessionId: id, state, baseVersion },
        contextId: use.contextId,
        onConflict: use.onConflict,
        saveId: `${id}.${saveId}`,
        source: 'sync',
        dir: profile,
        endedCleanly: false,
      });
      await this.#commit(ref, fence, { saveId, ...result });
    } finally {
      await rm(profile, { recursive: true, force: true });
    }
  }

  async #commit(ref: SessionRef, fence: Fence, save: Omit<ContextSave, 'atMs'>): Promise<void> {
    await commitEvent(this.parts.context, {
      ref,
      cause: 'context_save',
      fence,
      event: (record, nowMs) =>
        (record.snapshot.context.lastSave?.saveId ?? 0) < (save.saveId ?? 0)
          ? { type: 'CONTEXT_SAVE', nowMs, save: { ...save, atMs: nowMs } }
          : null,
    });
  }
}
