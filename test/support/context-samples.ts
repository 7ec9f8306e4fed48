import { contextRefOf, newContextId, randomId, type ContextRef } from '../../src/core/ids';
import type { CreateContextAnswer, NewContext, VersionCommit } from '../../src/store/contexts/context-record';
import type { ContextStore } from '../../src/store/contexts/context-store';
import { T0 } from './session-samples';

/** A context to make: a new one of the tenant `default` unless `given` says otherwise. */
export function newContext(given: Partial<NewContext> = {}): NewContext {
  return {
    tenant: 'default',
    id: newContextId(given.createdAtMs ?? T0),
    name: null,
    labels: {},
    createdAtMs: T0,
    requestKey: randomId(),
    fingerprint: 'f',
    contextsMax: null,
    ...given,
  };
}

/** Makes a context, and fails if the store does not. */
export async function createContext(
  store: Pick<ContextStore, 'create'>,
  given: Partial<NewContext> = {},
): Promise<ContextRef> {
  const context = newContext(given);
  const { answer }: CreateContextAnswer = await store.create(context);
  if (answer !== 'OK') throw new Error(`create answered ${answer}`);
  return contextRefOf(context.tenant, context.id);
}

/** A save of a session that has mounted an empty context: 100 bytes, in a blob of its own. */
export function versionCommit(ref: ContextRef, given: Partial<VersionCommit> = {}): VersionCommit {
  const saveId = given.saveId ?? randomId();
  return {
    ref,
    saveId,
    sessionId: `s-${saveId}`,
    source: 'session',
    baseVersion: 0,
    onConflict: 'keep',
    blobKey: `blob-${saveId}`,
    bytes: 100,
    sha256: 'ab'.repeat(32),
    chromiumVersion: '156.0.1',
    keepVersions: 5,
    tenantMaxBytes: null,
    ...given,
  };
}
