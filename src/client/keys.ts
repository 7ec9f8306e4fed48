import { entriesOf } from './entries';
import { pathSegment } from './path-segment';
import { splitRequest, type RequestOptions, type Transport } from './transport';

/** What an API key may do; `admin` includes all. */
export type Scope = 'sessions' | 'view' | 'jobs' | 'admin';

/** An API key, without the key itself. */
export interface ApiKeyData {
  readonly id: string;
  readonly name: string;
  /** For whom it acts. */
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: string;
  /** The key that has created it. */
  readonly createdBy: string;
  /** Null: it does not expire. */
  readonly expiresAt: string | null;
  /** Noted about once a minute. */
  readonly lastUsedAt: string | null;
}

/** A key that was just created. */
export interface NewApiKey extends ApiKeyData {
  /** The key itself: the service does not know it any more. */
  readonly key: string;
}

/** A key to create. */
export interface CreateKeyOptions extends RequestOptions {
  /** For people; names may repeat. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Default: the tenant of your key. */
  readonly tenant?: string | undefined;
  /** Milliseconds. Default: it does not expire. */
  readonly expiresIn?: number | null | undefined;
}

/** Selects keys. */
export interface ListKeysOptions extends RequestOptions {
  readonly tenant?: string | undefined;
  /** Size of one page, 1 to 100. */
  readonly limit?: number | undefined;
}

/** The API keys of the installation; all methods need the scope `admin`. */
export class Keys {
  constructor(private readonly transport: Transport) {}

  /** Creates a key. Not retried: a repeat creates another one. */
  async create(options: CreateKeyOptions): Promise<NewApiKey> {
    const [request, asked] = splitRequest(options);
    const call = { ...request, method: 'POST', path: '/v1/keys', body: asked } as const;
    const { body } = await this.transport.send({ ...call, maxRetries: request.maxRetries ?? 0 });
    // SAFETY: a 2xx of this route carries the key.
    return body as NewApiKey;
  }

  /** All keys, newest first; pages are requested as they are needed. */
  list(options: ListKeysOptions = {}): AsyncGenerator<ApiKeyData, void, undefined> {
    return entriesOf<ApiKeyData>(this.transport, '/v1/keys', 'keys', options);
  }

  /**
   * Revokes a key: it is refused everywhere within five seconds, and what was opened with it is closed. Not retried:
   * the answer to a repeat would be that there is no such key.
   *
   * @throws HoldfastError `key_not_found`.
   */
  async revoke(id: string, request: RequestOptions = {}): Promise<void> {
    const path = `/v1/keys/${pathSegment(id, 'key_not_found')}`;
    await this.transport.send({ maxRetries: 0, ...request, method: 'DELETE', path });
  }
}
