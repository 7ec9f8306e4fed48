import type { IncomingHttpHeaders } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import type { ApiKey } from '../../config/api-keys';
import { idOfKey } from '../../core/api-key';
import { SCOPES, TENANT_SCOPES, type Scope } from '../../core/scopes';
import { EnvironmentKeys, keyIn, type EnvironmentKey } from '../../engine/environment-keys';
import type { FailedKeys } from '../../engine/failed-keys';
import type { KeyRing } from '../../engine/key-ring';
import { requireScope, unauthorized, type Caller } from './caller';
import { refusePages, type OpenAccess, type Sender } from './open-access';
import { withinRedisBudget } from './redis-budget';
import { admit } from './request-context';

/** The caller of an installation without keys. */
const OPEN: Caller = { tenant: 'default', scopes: SCOPES, actor: 'key:default', revoked: null };

/** Finds the caller of a request by its API key, and checks whether the key may do what is asked for. */
export class Authenticator {
  readonly #environment: EnvironmentKeys;

  /**
   * @param apiKeys - those of the environment; empty: the installation is open, and every request without a stored key
   *   is one of the tenant `default`
   * @param ring - the stored keys
   * @param openAccess - whom an open installation refuses
   * @param failedKeys - bounds how many keys an address can try
   */
  constructor(
    apiKeys: readonly ApiKey[],
    private readonly ring: Pick<KeyRing, 'find'>,
    private readonly openAccess: OpenAccess,
    private readonly failedKeys: Pick<FailedKeys, 'check'>,
  ) {
    this.#environment = new EnvironmentKeys(apiKeys);
  }

  /** Whether requests need an API key. */
  get needsKey(): boolean {
    return this.#environment.exist;
  }

  /** Whether more than one tenant has a key in the environment. */
  get isShared(): boolean {
    return this.#environment.tenantCount > 1;
  }

  /**
   * The caller of a request; null if it has no valid key.
   *
   * @param needed - the scope that its key must have; null: any
   * @throws ServiceError `forbidden`; `forbidden_origin`, if the installation is open, but not to its sender;
   *   `too_many_failures`, if its address has sent too many wrong keys; `redis_unavailable`, if a stored key cannot be
   *   checked.
   */
  async callerOf(request: Sender, needed: Scope | null): Promise<Caller | null> {
    return this.callerWith(request, keyIn(request.headers), needed);
  }

  /**
   * The same for pages that are opened in a web browser, which sends the key as the password of HTTP Basic, with any
   * user name.
   */
  async callerOfPerson(request: Sender, needed: Scope | null): Promise<Caller | null> {
    const given = keyIn(request.headers) ?? passwordIn(request.headers);
    return withScope(await this.#callerWith(request, given), needed);
  }

  /** The same with an API key that a client sends elsewhere; null: it sends none. */
  async callerWith(request: Sender, given: string | null, needed: Scope | null): Promise<Caller | null> {
    const caller = await this.#callerWith(request, given);
    if (caller === OPEN) refusePages(request);
    return withScope(caller, needed);
  }

  /** Lets only authenticated requests pass; their caller is in the context from here on. Routes check its scope. */
  readonly middleware = async (req: Request, res: Response, next: NextFunction): Promise<void> => {
    const caller = await this.callerOf(req, null);
    if (caller === null) throw unauthorized();
    admit(res, caller);
    next();
  };

  async #callerWith(request: Sender, given: string | null): Promise<Caller | null> {
    const isStored = given !== null && idOfKey(given) !== null;
    if (given !== null && (this.needsKey || isStored))
      return this.failedKeys.check(request.socket, given, () => this.#callerOfKey(given, isStored));
    if (this.needsKey) return null;
    // Clients may send any key where none is needed.
    await this.openAccess(request);
    return OPEN;
  }

  #callerOfKey(given: string, isStored: boolean): Caller | null | Promise<Caller | null> {
    return this.#environmentCaller(given) ?? (isStored ? this.#storedCaller(given) : null);
  }

  #environmentCaller(given: string): Caller | null {
    const key = this.#environment.find(given);
    return key === null ? null : environmentCaller(key);
  }

  async #storedCaller(given: string): Promise<Caller | null> {
    const held = await withinRedisBudget(this.ring.find(given));
    if (held === null) return null;
    const { id, tenant, scopes, revoked } = held;
    return { tenant, scopes, actor: `key:${tenant}:${id}`, revoked };
  }
}

function withScope(caller: Caller | null, needed: Scope | null): Caller | null {
  if (caller !== null && needed !== null) requireScope(caller, needed);
  return caller;
}

const environmentCaller = ({ tenant, isAdmin }: EnvironmentKey): Caller => ({
  tenant,
  scopes: isAdmin ? SCOPES : TENANT_SCOPES,
  actor: `key:${tenant}`,
  revoked: null,
});

/** The password of HTTP Basic; null without one (RFC 7617: base64 of `name:password`). */
export function passwordIn({ authorization = '' }: IncomingHttpHeaders): string | null {
  const [, credentials] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization) ?? [];
  if (credentials === undefined) return null;
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(credentials, 'base64').toString()) ?? [];
  return password ?? null;
}
