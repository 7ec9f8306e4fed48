import { z } from 'zod';
import { CONTEXT_CONFLICTS } from '../../machines/session/session.words';
import type { SessionContextData } from '../client/session-context';
import type { ContextRequest } from '../commands/use-context';
import { CONTEXT_ID_PATTERN } from '../core/ids';
import type { SessionRecord } from '../store/session-record';
import { contextName } from './names';
import { contextSaveView } from './context-save-view';

/** The shortest interval of saves, milliseconds. */
const SAVE_EVERY_MIN_MS = 10_000;
const SAVE_EVERY_MAX_MS = 24 * 3_600_000;

/** The field `context` of `POST /v1/sessions`. */
export const contextField = z
  .strictObject({
    id: z
      .string()
      .regex(CONTEXT_ID_PATTERN, 'must be the id of a context')
      .exactOptional()
      .describe('The context, by its id.'),
    name: contextName.exactOptional().describe('The context, by its name. One is created if there is none.'),
    persist: z
      .boolean()
      .default(false)
      .describe('Whether the session saves a new version when it ends, unless it fails.'),
    onConflict: z
      .enum(CONTEXT_CONFLICTS)
      .default('keep')
      .describe(
        'If another session has saved since: `keep` makes a version that is not the current one, `replace` makes it ' +
          'the current one, `refuse` allows one session with `persist` at a time.',
      ),
    saveEvery: z
      .int()
      .min(SAVE_EVERY_MIN_MS)
      .max(SAVE_EVERY_MAX_MS)
      .nullable()
      .default(null)
      .describe('Saves while the session is live, every so many milliseconds.'),
  })
  .refine(({ id, name }) => (id === undefined) !== (name === undefined), {
    message: 'needs an id or a name, and not both',
    // A misspelt field is reported alone.
    when: ({ issues }) => issues.length === 0,
  })
  .refine(({ persist, saveEvery }) => persist || saveEvery === null, {
    path: ['saveEvery'],
    message: 'needs persist',
    when: ({ issues }) => issues.length === 0,
  });

/** The field → the request of the command; null: the session has no context. */
export function contextRequest(given: z.output<typeof contextField> | null): ContextRequest | null {
  if (given === null) return null;
  const { id = null, name = null, persist, onConflict, saveEvery } = given;
  return { id, name, persist, onConflict, saveEveryMs: saveEvery };
}

/** The member `context` of a session's view. */
export function sessionContextView({ snapshot, finalSave }: SessionRecord): SessionContextData | null {
  const { contextUse, mountedVersion, lastSave } = snapshot.context;
  if (contextUse === null) return null;
  const { contextId, persist, onConflict, saveEveryMs } = contextUse;
  return {
    id: contextId,
    persist,
    onConflict,
    saveEvery: saveEveryMs,
    version: mountedVersion === 0 ? null : mountedVersion,
    lastSave: contextSaveView(finalSave ?? lastSave),
  };
}
