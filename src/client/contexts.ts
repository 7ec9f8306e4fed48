import { entriesOf } from './entries';
import { pathSegment } from './path-segment';
import type { Call, RequestOptions, Transport } from './transport';

/** A named place where logins are kept between sessions. */
export interface ContextData {
  readonly id: string;
  /** Unique among your contexts. */
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: string;
  /** When it was last changed, also by a new version. */
  readonly updatedAt: string;
  /** The version that sessions get; null: there is none yet. */
  readonly currentVersion: number | null;
  /** The newest version that was ever made; null: there is none yet. */
  readonly latestVersion: number | null;
  /** Size of all kept versions. */
  readonly bytes: number;
  /** Rises with every change. */
  readonly revision: number;
}

/** A saved state of a context. */
export interface ContextVersionData {
  readonly version: number;
  readonly isCurrent: boolean;
  readonly createdAt: string;
  readonly bytes: number;
  /** The end of a session, a live one, or an import. */
  readonly source: 'session' | 'sync' | 'import';
  readonly sessionId: string | null;
  /** The version that was current when the session began; null: there was none. */
  readonly baseVersion: number | null;
  readonly chromiumVersion: string | null;
}

/** Cookies and local storage, in the form of Playwright's `storageState`. */
export interface StorageState {
  readonly cookies: readonly {
    readonly name: string;
    readonly value: string;
    readonly domain: string;
    readonly path: string;
    /** Epoch seconds; -1: until the session ends. */
    readonly expires: number;
    readonly httpOnly: boolean;
    readonly secure: boolean;
    readonly sameSite: 'Strict' | 'Lax' | 'None';
    readonly partitionKey?: string;
    /** Whether a page between the top one and the cookie's was of another site; only with `partitionKey`. */
    readonly _crHasCrossSiteAncestor?: boolean;
  }[];
  readonly origins: readonly {
    readonly origin: string;
    readonly localStorage: readonly { readonly name: string; readonly value: string }[];
  }[];
}

/** A context, or its id. */
export type ContextOrId = string | Pick<ContextData, 'id'>;

/** A context to create. */
export interface CreateContextOptions {
  readonly name?: string | null;
  readonly labels?: Readonly<Record<string, string>>;
  /** If a context has the name: an error, or that context as it is. Default: `refuse`. */
  readonly ifExists?: 'refuse' | 'return';
}

/** How to create a context. */
export interface CreateContextRequestOptions extends RequestOptions {
  /** Your key of the call: a repeat with the same one gets the same context. Default: one of its own. */
  readonly idempotencyKey?: string | undefined;
}

/** A change of a context. */
export interface UpdateContextOptions {
  /** Null removes it. */
  readonly name?: string | null;
  /** Merged into its labels; null removes one. */
  readonly labels?: Readonly<Record<string, string | null>>;
}

/** How to change a context. */
export interface ContextChangeRequest extends RequestOptions {
  /** Only if it still has this revision; `precondition_failed` otherwise. */
  readonly ifRevision?: number | undefined;
}

/** Which contexts to list; by default all, newest first. */
export interface ListContextsOptions extends RequestOptions {
  /** Only the one of this name. Excludes the other filters. */
  readonly name?: string | undefined;
  /** Such as `team=a,env!=prod`. */
  readonly labelSelector?: string | undefined;
  readonly createdAfter?: string | Date | undefined;
  readonly createdBefore?: string | Date | undefined;
  /** Size of one page, 1 to 100. */
  readonly limit?: number | undefined;
}

/** The contexts of a service. Every method rejects with a HoldfastError, or with the reason of your signal. */
export class Contexts {
  constructor(private readonly transport: Transport) {}

  /**
   * Creates a context, or with `ifExists: 'return'` gets the one that has the name. Failed attempts are repeated, and
   * never create a second one.
   *
   * @throws HoldfastError `context_exists` if a context has the name.
   */
  async create(
    options: CreateContextOptions = {},
    request: CreateContextRequestOptions = {},
  ): Promise<ContextData> {
    const { idempotencyKey = crypto.randomUUID(), ...call } = request;
    const headers = { 'idempotency-key': idempotencyKey };
    return this.#context({ ...call, method: 'POST', path: '/v1/contexts', body: options, headers });
  }

  /** @throws HoldfastError `context_not_found`. */
  async get(context: ContextOrId, request: RequestOptions = {}): Promise<ContextData> {
    return this.#context({ ...request, method: 'GET', path: pathOf(context) });
  }

  /** The matching contexts, newest first; pages are requested as they are needed. */
  list(options: ListContextsOptions = {}): AsyncGenerator<ContextData, void, undefined> {
    return entriesOf<ContextData>(this.transport, '/v1/contexts', 'contexts', options);
  }

  /** Changes name and labels. @throws HoldfastError `context_exists` for the name of another context. */
  async update(
    context: ContextOrId,
    changes: UpdateContextOptions,
    request: ContextChangeRequest = {},
  ): Promise<ContextData> {
    return this.#context({ ...changeOf(request), method: 'PATCH', path: pathOf(context), body: changes });
  }

  /** Deletes a context with all its versions. Sessions that use it go on, and what they would save is dropped. */
  async delete(context: ContextOrId, request: ContextChangeRequest = {}): Promise<void> {
    await this.transport.send({ ...changeOf(request), method: 'DELETE', path: pathOf(context) });
  }

  /** The kept versions, the newest first. */
  async versions(context: ContextOrId, request: RequestOptions = {}): Promise<ContextVersionData[]> {
    const path = `${pathOf(context)}/versions`;
    const { body } = await this.transport.send({ ...request, method: 'GET', path });
    // SAFETY: a 2xx of this route carries the versions.
    return (body as { versions: ContextVersionData[] }).versions;
  }

  /**
   * Makes an older version the current one: the next sessions get it.
   *
   * @throws HoldfastError `context_version_not_found` if it was dropped.
   */
  async restore(
    context: ContextOrId,
    version: number,
    request: ContextChangeRequest = {},
  ): Promise<ContextData> {
    const path = `${pathOf(context)}/versions/${version}/restore`;
    return this.#context({ ...changeOf(request), method: 'POST', path });
  }

  /**
   * Cookies and local storage of the current version, in the form of Playwright's `storageState`.
   *
   * @throws HoldfastError `storage_state_unknown` if the version does not have them in a readable form.
   */
  async storageState(context: ContextOrId, request: RequestOptions = {}): Promise<StorageState> {
    const path = `${pathOf(context)}/storage-state`;
    const { body } = await this.transport.send({ ...request, method: 'GET', path });
    // SAFETY: a 2xx of this route carries a state.
    return body as StorageState;
  }

  /** Makes a version of these cookies and this local storage alone, the current one. */
  async importStorageState(
    context: ContextOrId,
    state: StorageState,
    request: RequestOptions = {},
  ): Promise<ContextData> {
    const headers = { 'idempotency-key': crypto.randomUUID() };
    const path = `${pathOf(context)}/storage-state`;
    return this.#context({ ...request, method: 'PUT', path, body: state, headers });
  }

  async #context(call: Call): Promise<ContextData> {
    const { body } = await this.transport.send(call);
    // SAFETY: a 2xx of the routes that come here carries a context.
    return body as ContextData;
  }
}

/* With a key of its own, so that a repeat gets the answer of the first attempt. */
function changeOf({ ifRevision, ...call }: ContextChangeRequest): Pick<Call, 'headers'> & RequestOptions {
  return {
    ...call,
    headers: {
      'idempotency-key': crypto.randomUUID(),
      ...(ifRevision === undefined ? {} : { 'if-match': `"${ifRevision}"` }),
    },
  };
}

const pathOf = (context: ContextOrId): string => {
  const id = typeof context === 'string' ? context : context.id;
  return `/v1/contexts/${pathSegment(id, 'context_not_found')}`;
};
