import type { Session, SessionData, SessionStatus } from './session';
import { queryOf, splitRequest, type RequestOptions, type Transport } from './transport';

/** Which sessions to list; by default all that are retained, newest first. */
export interface ListOptions extends RequestOptions {
  readonly status?: SessionStatus | readonly SessionStatus[];
  /** Such as `team=a,env!=prod`. */
  readonly labelSelector?: string;
  readonly createdAfter?: string | Date;
  readonly createdBefore?: string | Date;
  /** Sessions per page, 1 … 100. Default 50. */
  readonly limit?: number;
  /** Where to continue: `nextCursor` of a page. */
  readonly cursor?: string;
}

/** One page of a list. */
export class SessionPage {
  constructor(
    readonly sessions: readonly Session[],
    /** Null on the last page. */
    readonly nextCursor: string | null,
    private readonly readAfter: (cursor: string) => Promise<SessionPage>,
  ) {}

  /** Whether there is another page. */
  get hasMore(): boolean {
    return this.nextCursor !== null;
  }

  /** The page after this one; null after the last. */
  async nextPage(): Promise<SessionPage | null> {
    return this.nextCursor === null ? null : this.readAfter(this.nextCursor);
  }

  /** The sessions of this page. */
  [Symbol.iterator](): Iterator<Session> {
    return this.sessions[Symbol.iterator]();
  }
}

/**
 * A list that is read on demand: `await` gives its first page, `for await` every session of every page. An unused list
 * sends no request, and so cannot fail either.
 */
export class SessionList implements Promise<SessionPage>, AsyncIterable<Session> {
  readonly [Symbol.toStringTag] = 'SessionList';
  #firstPage: Promise<SessionPage> | null = null;

  constructor(private readonly readFirst: () => Promise<SessionPage>) {}

  /** The first page; requested once, however often it is awaited. */
  async #first(): Promise<SessionPage> {
    return (this.#firstPage ??= this.readFirst());
  }

  /** As of a promise of the first page. */
  async then<A = SessionPage, B = never>(
    onPage?: ((page: SessionPage) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#first().then(onPage, onError);
  }

  /** As of a promise of the first page. */
  async catch<B = never>(
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<SessionPage | B> {
    return this.#first().catch(onError);
  }

  /** As of a promise of the first page. */
  async finally(onSettled?: (() => void) | null): Promise<SessionPage> {
    return this.#first().finally(onSettled);
  }

  /** Every session of this page and of all later ones. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Session, void, undefined> {
    for (let page: SessionPage | null = await this.#first(); page !== null; page = await page.nextPage()) {
      yield* page.sessions;
    }
  }
}

/** Lists the matching sessions. */
export function listSessions(
  transport: Transport,
  sessionOf: (data: SessionData) => Session,
  options: ListOptions,
): SessionList {
  const [request, { cursor, ...filters }] = splitRequest(options);
  const read = async (from: string | undefined): Promise<SessionPage> => {
    const query = queryOf({ ...filters, cursor: from });
    const path = `/v1/sessions${query}`;
    const { body } = await transport.send({ ...request, method: 'GET', path });
    // SAFETY: a 2xx of this route carries a page.
    const page = body as { sessions: SessionData[]; nextCursor: string | null };
    return new SessionPage(page.sessions.map(sessionOf), page.nextCursor, read);
  };
  return new SessionList(async () => read(cursor));
}
