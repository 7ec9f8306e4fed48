import type { ContextRef } from '../../core/ids';
import type { Redis } from '../../redis/connection';
import { keys } from '../../redis/keys';
import type { ScriptRunner } from '../../redis/script-runner';
import type { ContextWriter } from './context-record';
import { asList } from './context-store';

/** A session that will save into a context. */
export interface WriterClaim {
  readonly sessionId: string;
  /** No other session may save into the context meanwhile. */
  readonly isExclusive: boolean;
  /** Sessions that are registered, but have ended: they no longer count. */
  readonly ended: readonly string[];
}

/** The answer to {@link WriterClaim}. */
export type WriterAnswer =
  | { readonly answer: 'OK' | 'MISSING' }
  /** The writers in its way. One that has ended may be named in the next try. */
  | { readonly answer: 'IN_USE'; readonly writers: readonly ContextWriter[] };

/**
 * Which sessions save into a context. A session is registered before it is created, so that of two exclusive ones
 * exactly one wins: a writer without a row may still be about to be created, and counts as ended only some time after
 * `sinceMs`. Nothing here knows the rows of sessions.
 */
export class ContextWriters {
  constructor(
    private readonly redis: Redis,
    private readonly scripts: ScriptRunner,
  ) {}

  /** Registers a session, unless it or another writer is exclusive. Repeating it changes nothing. */
  async claim(ref: ContextRef, { sessionId, isExclusive, ended }: WriterClaim): Promise<WriterAnswer> {
    const reply = await this.scripts.run(
      'claimWriter',
      [keys.context(ref), keys.contextWriters(ref)],
      [sessionId, isExclusive ? 1 : 0, ...ended],
    );
    const [answer, ...inUse] = asList(reply).map(String);
    switch (answer) {
      case 'OK':
      case 'MISSING':
        return { answer };
      case 'IN_USE':
        return { answer, writers: pairsOf(inUse) };
      default:
        throw new Error(`claim-writer answered ${String(answer)}`);
    }
  }

  /** Forgets a session, when its last save is done or it was not created after all. */
  async release(ref: ContextRef, sessionId: string): Promise<void> {
    await this.redis.hdel(keys.contextWriters(ref), sessionId);
  }

  /** The registered sessions. */
  async all(ref: ContextRef): Promise<ContextWriter[]> {
    const writers = await this.redis.hgetall(keys.contextWriters(ref));
    return Object.entries(writers).map(([sessionId, value]) => ({ sessionId, sinceMs: parseInt(value, 10) }));
  }
}

/* session, sinceMs, session, sinceMs … */
function pairsOf(flat: readonly string[]): ContextWriter[] {
  return flat.flatMap((sessionId, i) => (i % 2 === 0 ? [{ sessionId, sinceMs: Number(flat[i + 1]) }] : []));
}
