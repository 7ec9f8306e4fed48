import type { SessionEvent } from './session';
import type { RequestOptions, Transport } from './transport';

/** Options of {@link readHistory}. */
export interface EventsOptions extends RequestOptions {
  /** Only what came after; default 0, all of it. */
  readonly afterSeq?: number;
}

/**
 * Reads the history of a session, page after page.
 *
 * @param path - of the session
 */
export async function readHistory(
  transport: Transport,
  path: string,
  { afterSeq = 0, ...request }: EventsOptions,
): Promise<SessionEvent[]> {
  const found: SessionEvent[] = [];
  for (let after = afterSeq === 0 ? null : String(afterSeq); ;) {
    const query = after === null ? '' : `?after=${after}`;
    const { body } = await transport.send({ ...request, method: 'GET', path: `${path}/events${query}` });
    // SAFETY: a 2xx of this route carries a page of the history; older services send only one.
    const page = body as { events: SessionEvent[]; nextCursor?: string | null };
    for (const event of page.events) found.push(event);
    after = page.nextCursor ?? null;
    if (after === null) return found;
  }
}
