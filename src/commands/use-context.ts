import { savesAtEnd, statusOf } from '../../machines/session/session.view';
import { isEnded, type ContextConflict } from '../../machines/session/session.words';
import type { ContextUse } from '../../machines/session/session.types';
import { ServiceError } from '../core/errors';
import { contextRefOf, refOf } from '../core/ids';
import { contextNotFound } from '../engine/context-errors';
import type { ClosingStore } from '../store/closing-store';
import type { ContextStore } from '../store/contexts/context-store';
import type { ContextWriter } from '../store/contexts/context-record';
import type { ContextWriters } from '../store/contexts/context-writers';
import type { MaintenanceStore } from '../store/maintenance-store';
import type { SessionStore } from '../store/session-store';
import type { CreateContext } from './create-context';

/** The context that a create asks for, by id or by name. */
export interface ContextRequest {
  readonly id: string | null;
  /** A context of this name is created if there is none. */
  readonly name: string | null;
  readonly persist: boolean;
  readonly onConflict: ContextConflict;
  readonly saveEveryMs: number | null;
}

/** Finds the context of a new session, and registers the session if it saves into it. */
export type UseContext = (tenant: string, sessionId: string, request: ContextRequest) => Promise<ContextUse>;

/** Dependencies of {@link useContext}. */
export interface UseContextParts {
  readonly contexts: Pick<ContextStore, 'find' | 'idOfName'>;
  readonly contextWriters: Pick<ContextWriters, 'claim'>;
  readonly sessions: Pick<SessionStore, 'read'>;
  readonly closing: Pick<ClosingStore, 'isOpen'>;
  readonly maintenance: Pick<MaintenanceStore, 'nowMs'>;
  readonly createContext: CreateContext;
}

/** A writer without a row may be about to be created; after this time it was not, milliseconds. */
const CREATION_MAX_MS = 60_000;

/**
 * Registered before it is created, so that of two sessions that exclude each other exactly one is created.
 *
 * @throws ServiceError `context_not_found`, `context_in_use`; what Redis throws while it is away.
 */
export function useContext(parts: UseContextParts): UseContext {
  return async (tenant, sessionId, request) => {
    const contextId = await contextIdOf(parts, tenant, request);
    const { persist, onConflict, saveEveryMs } = request;
    if (persist)
      await register(parts, { tenant, contextId, sessionId, isExclusive: onConflict === 'refuse' });
    return { contextId, persist, onConflict, saveEveryMs };
  };
}

async function contextIdOf(
  { contexts, createContext }: UseContextParts,
  tenant: string,
  { id, name }: ContextRequest,
): Promise<string> {
  if (id !== null) {
    if ((await contexts.find(contextRefOf(tenant, id))) === null) throw contextNotFound();
    return id;
  }
  const known = name === null ? null : await contexts.idOfName(tenant, name);
  if (known !== null) return known;
  const made = await createContext({ tenant, name, labels: {}, ifExists: 'return', idempotencyKey: null });
  return made.record.id;
}

interface Registration {
  readonly tenant: string;
  readonly contextId: string;
  readonly sessionId: string;
  readonly isExclusive: boolean;
}

async function register(parts: UseContextParts, registration: Registration): Promise<void> {
  const { tenant, contextId, sessionId, isExclusive } = registration;
  const ref = contextRefOf(tenant, contextId);
  const claim = async (ended: readonly string[]): Promise<readonly ContextWriter[]> => {
    const answer = await parts.contextWriters.claim(ref, { sessionId, isExclusive, ended });
    if (answer.answer === 'MISSING') throw contextNotFound();
    return answer.answer === 'IN_USE' ? answer.writers : [];
  };
  const inTheWay = await claim([]);
  if (inTheWay.length === 0) return;
  // Sessions that failed are still registered: nothing was saved that would have removed them.
  const ended = await endedOf(parts, tenant, inTheWay);
  const open = inTheWay.find(({ sessionId: writer }) => !ended.includes(writer));
  const [other] = open === undefined ? await claim(ended) : [open];
  if (other !== undefined) throw inUse(contextId, other);
}

/* The writers that will save nothing any more. */
async function endedOf(
  { sessions, closing, maintenance }: UseContextParts,
  tenant: string,
  writers: readonly ContextWriter[],
): Promise<string[]> {
  const nowMs = await maintenance.nowMs();
  const asked = await Promise.all(
    writers.map(async ({ sessionId, sinceMs }) => {
      const ref = refOf(tenant, sessionId);
      const { record } = await sessions.read(ref);
      const isOver =
        record === null
          ? nowMs - sinceMs > CREATION_MAX_MS
          : isEnded(statusOf(record.snapshot)) &&
            !(savesAtEnd(record.snapshot) && (await closing.isOpen(ref)));
      return isOver ? [sessionId] : [];
    }),
  );
  return asked.flat();
}

const inUse = (contextId: string, { sessionId }: ContextWriter): ServiceError =>
  new ServiceError('context_in_use', `The session ${sessionId} saves into the context ${contextId}.`, {
    details: { sessionId },
  });
