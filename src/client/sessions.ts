import { syncContext, type SyncRequest } from './context-sync';
import { createSession, type CreateLiveRequest, type CreateRequest } from './creation';
import { disposable } from './disposable';
import { isHoldfastError } from './errors';
import { OwnSessions } from './own-sessions';
import { pathSegment } from './path-segment';
import { preferOf, releaseAll, type ReleaseAllOptions, type ReleaseRequest } from './releasing';
import {
  idOf,
  isEnded,
  type CreateOptions,
  type CreatedSession,
  type EndedSession,
  type LiveDetails,
  type LiveSession,
  type ReleaseAllResult,
  type Session,
  type SessionData,
  type SessionDownload,
  type SessionEvent,
  type SessionOrId,
  type SessionUpload,
  type UpdateOptions,
} from './session';
import { readHistory, type EventsOptions } from './session-history';
import { listSessions, type ListOptions, type SessionList } from './session-list';
import type { Call, RequestOptions, Transport } from './transport';
import { sendUpload, uploadsOf, type UploadOptions, type UploadSource } from './upload-source';
import {
  nextChange,
  waitForTarget,
  waitUntilSettled,
  type ReadChange,
  type SessionAt,
  type WaitOptions,
  type WaitTarget,
} from './waiting';

/** How long a release may take when a signal ends the process, milliseconds. */
const LAST_RELEASE_TIMEOUT_MS = 5_000;

/** Options of an update. */
export interface UpdateRequest extends RequestOptions {
  /** Only if it still has this revision; `precondition_failed` otherwise. */
  readonly ifRevision?: number | undefined;
}

/** Options of {@link Sessions.watch}. */
export interface WatchOptions {
  /** Only what came after; default 0, all of it. */
  readonly afterSeq?: number;
  readonly signal?: AbortSignal | undefined;
}

/** The sessions of a service. Every method rejects with a {@link HoldfastError}, or with the reason of your signal. */
export class Sessions {
  readonly #own: OwnSessions;

  constructor(
    private readonly transport: Transport,
    releaseOnSignal: boolean,
  ) {
    const last = { wait: false, maxRetries: 0, timeoutMs: LAST_RELEASE_TIMEOUT_MS };
    this.#own = new OwnSessions(async id => this.release(id, last), releaseOnSignal);
  }

  /**
   * Creates a session and waits until it is live. Failed attempts are repeated, and never create a second session.
   *
   * @throws SessionEndedError if it ended before it was live, with the end reason as its code, such as `queue_timeout`
   *   when no slot came free.
   */
  async create(options?: CreateOptions, request?: CreateLiveRequest): Promise<LiveSession>;
  /** The same; with `wait: false` the session is only accepted. */
  async create(
    options: CreateOptions | undefined,
    request: CreateRequest,
  ): Promise<CreatedSession | LiveSession>;
  async create(
    options: CreateOptions = {},
    request: CreateRequest = {},
  ): Promise<CreatedSession | LiveSession> {
    const parts = {
      transport: this.transport,
      own: this.#own,
      sessionOf: this.#sessionOf,
      untilSettled: async (session: CreatedSession, signal: AbortSignal) =>
        waitUntilSettled(this.#readChange, session, signal),
    };
    return createSession(parts, options, request);
  }

  /** Reads a session, from any process and also after its end. If the result is not awaited, an error is ignored. */
  retrieve(session: SessionOrId, request: RequestOptions = {}): Promise<Session> {
    const retrieved = this.#retrieve(session, request);
    // An awaiting caller gets the error; without one it must not end the process.
    retrieved.catch(() => undefined);
    return retrieved;
  }

  /** Lists sessions, the newest first: `await` for a page, `for await` for all of them. */
  list(options: ListOptions = {}): SessionList {
    return listSessions(this.transport, this.#sessionOf, options);
  }

  /** Changes a session that has not ended: extends or shortens it, sets labels or its name. */
  async update(session: SessionOrId, changes: UpdateOptions, request: UpdateRequest = {}): Promise<Session> {
    const { ifRevision, ...call } = request;
    return this.#session({
      ...call,
      method: 'PATCH',
      path: pathOf(session),
      body: changes,
      headers: {
        'idempotency-key': crypto.randomUUID(),
        ...(ifRevision === undefined ? {} : { 'if-match': `"${ifRevision}"` }),
      },
    });
  }

  /**
   * Gives a session another `websocketUrl`: the one before opens nothing any more, and what it has opened is closed.
   * Not retried: a repeat would give yet another one.
   */
  async rotateToken(session: SessionOrId, request: RequestOptions = {}): Promise<Session> {
    const path = `${pathOf(session)}/rotate-token`;
    return this.#session({ maxRetries: 0, ...request, method: 'POST', path });
  }

  /** Ends a session and answers when its browser is gone. A session that has ended already is not changed. */
  async release(session: SessionOrId, request: ReleaseRequest = {}): Promise<EndedSession> {
    const { wait = true, ...call } = request;
    const path = `${pathOf(session)}/release`;
    const headers = { 'idempotency-key': crypto.randomUUID(), ...preferOf(wait) };
    // SAFETY: a 2xx of this route carries a session that has ended.
    return (await this.#session({ ...call, method: 'POST', path, headers })) as EndedSession;
  }

  /**
   * Ends every session of your API key, or those that match a selector; also those of other processes.
   *
   * @throws HoldfastError `invalid_request` for a selector that is undefined or empty, because it is hardly meant to
   *   select all.
   */
  async releaseAll(options: ReleaseAllOptions = {}): Promise<ReleaseAllResult> {
    return releaseAll(this.transport, options);
  }

  /**
   * Saves the context of a live session, and answers when what its browser held at the call is saved, or could not be:
   * `context.lastSave` of the session says which. If the session ends meanwhile, it is saved at its end instead, unless
   * it failed.
   *
   * @throws HoldfastError `context_not_persisted` if the session was created without a context or without `persist`.
   */
  async syncContext(session: SessionOrId, request: SyncRequest = {}): Promise<Session> {
    const { transport } = this;
    const parts = { transport, readChange: this.#readChange, sessionOf: this.#sessionOf };
    return syncContext(parts, pathOf(session), request);
  }

  /** Open pages, clients, last activity of a live session. */
  async liveDetails(session: SessionOrId, request: RequestOptions = {}): Promise<LiveDetails> {
    const { body } = await this.transport.send({
      ...request,
      method: 'GET',
      path: `${pathOf(session)}/live`,
    });
    // SAFETY: a 2xx of this route carries the details.
    return body as LiveDetails;
  }

  /** The downloads of a live session, by name. */
  async downloads(session: SessionOrId, request: RequestOptions = {}): Promise<SessionDownload[]> {
    const path = `${pathOf(session)}/downloads`;
    const { body } = await this.transport.send({ ...request, method: 'GET', path });
    // SAFETY: a 2xx of this route carries the files.
    return (body as { downloads: SessionDownload[] }).downloads;
  }

  /**
   * One finished download of a live session by its name, or by its guid in CDP, as a `Response` whose body is read as
   * it comes: `arrayBuffer()`, or `body` as a stream. Not retried, and without a time-out.
   */
  async download(
    session: SessionOrId,
    name: string,
    request: Pick<RequestOptions, 'signal'> = {},
  ): Promise<Response> {
    const path = `${pathOf(session)}/downloads/${pathSegment(name, 'download_not_found')}`;
    return this.transport.open({ ...request, method: 'GET', path, headers: { accept: '*/*' } });
  }

  /** The uploads of a live session, by name. */
  async uploads(session: SessionOrId, request: RequestOptions = {}): Promise<SessionUpload[]> {
    const path = `${pathOf(session)}/uploads`;
    const { body } = await this.transport.send({ ...request, method: 'GET', path });
    return uploadsOf(body);
  }

  /**
   * Puts a file beside the browser of a live session, for file inputs of its pages, and answers with its path there. If
   * the name is taken, the file gets a number: `a (1).txt`. Not retried, and without a time-out.
   *
   * @throws HoldfastError `upload_quota_exceeded`, `worker_disk_full` and others; what the file system throws for a
   *   path.
   */
  async upload(session: SessionOrId, source: UploadSource, options?: UploadOptions): Promise<SessionUpload> {
    return sendUpload(this.transport, `${pathOf(session)}/uploads`, source, options);
  }

  /** Removes an upload of a live session. */
  async deleteUpload(session: SessionOrId, name: string, request: RequestOptions = {}): Promise<void> {
    const path = `${pathOf(session)}/uploads/${pathSegment(name, 'upload_not_found')}`;
    await this.transport.send({ ...request, method: 'DELETE', path });
  }

  /** The whole history of a session so far, oldest first. */
  async events(session: SessionOrId, options: EventsOptions = {}): Promise<SessionEvent[]> {
    return readHistory(this.transport, pathOf(session), options);
  }

  /** Follows a session's history: each entry once and in order, as it is added; ends when the session has ended. */
  async *watch(
    session: SessionOrId,
    { afterSeq = 0, signal }: WatchOptions = {},
  ): AsyncGenerator<SessionEvent, void, undefined> {
    const id = idOf(session);
    let seq = afterSeq;
    let known: Session | null = null;
    do {
      // First the revision, then the history, so that the history contains everything up to this revision.
      known = await nextChange(this.#readChange, id, known, signal);
      for (const event of await this.events(id, { afterSeq: seq, signal })) {
        if (event.seq <= seq) continue;
        seq = event.seq;
        yield event;
      }
    } while (!isEnded(known));
  }

  /**
   * Waits until a session has a status, or has `ended`; reads it only after a change.
   *
   * @throws SessionEndedError if it ends otherwise; HoldfastError `wait_timeout`.
   */
  async waitFor(session: SessionOrId): Promise<LiveSession>;
  /** The same for any status, or `ended`. */
  async waitFor<Target extends WaitTarget>(
    session: SessionOrId,
    target: Target,
    options?: WaitOptions,
  ): Promise<SessionAt<Target>>;
  async waitFor(
    session: SessionOrId,
    target: WaitTarget = 'live',
    options: WaitOptions = {},
  ): Promise<Session> {
    return waitForTarget(this.#readChange, session, target, options);
  }

  readonly #readChange: ReadChange = async (id, known, request) => {
    const { status, body } = await this.transport.send({
      ...request,
      method: 'GET',
      path: pathOf(id),
      headers:
        known === null ? {} : { 'if-none-match': `"${known.revision}"`, prefer: `wait=${known.waitSeconds}` },
    });
    // SAFETY: a 2xx of this route carries a session.
    return status === 304 ? null : this.#sessionOf(body as SessionData);
  };

  async #retrieve(session: SessionOrId, request: RequestOptions): Promise<Session> {
    return this.#session({ ...request, method: 'GET', path: pathOf(session) });
  }

  async #session(call: Call): Promise<Session> {
    const { body } = await this.transport.send(call);
    // SAFETY: a 2xx of the routes that come here carries a session.
    return this.#sessionOf(body as SessionData);
  }

  readonly #sessionOf = (data: SessionData): Session => {
    if (isEnded(data)) this.#own.delete(data.id);
    return disposable(data, async () => this.#dispose(data.id));
  };

  async #dispose(id: string): Promise<void> {
    try {
      await this.release(id);
    } catch (error) {
      // Retention has removed it, so it had ended.
      if (!isHoldfastError(error, 'session_not_found')) throw error;
    }
  }
}

const pathOf = (session: SessionOrId): string =>
  `/v1/sessions/${pathSegment(idOf(session), 'session_not_found')}`;
