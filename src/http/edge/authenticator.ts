import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import type { ApiKey } from '../../config/config';
import { ServiceError } from '../../core/errors';
import { contextOf } from './request-context';

/** The tenant of an installation without keys. */
const OPEN_TENANT = 'default';

/** Finds the tenant of a request by its API key. */
export class Authenticator {
  readonly #keys: readonly { readonly tenant: string; readonly digest: Buffer }[];

  /** @param apiKeys - empty: all requests belong to the tenant `default` */
  constructor(apiKeys: readonly ApiKey[]) {
    this.#keys = apiKeys.map(({ tenant, key }) => ({ tenant, digest: sha256(key) }));
  }

  /** Whether requests need an API key. */
  get needsKey(): boolean {
    return this.#keys.length > 0;
  }

  /** Whether more than one tenant has a key. */
  get isShared(): boolean {
    return new Set(this.#keys.map(({ tenant }) => tenant)).size > 1;
  }

  /** The tenant of a request; null if it has no valid key. */
  tenantOf(headers: IncomingHttpHeaders): string | null {
    return this.tenantWith(keyIn(headers));
  }

  /**
   * The same for pages that are opened in a web browser, which sends the key as the password of HTTP Basic, with any
   * user name.
   */
  tenantOfPerson(headers: IncomingHttpHeaders): string | null {
    return this.tenantWith(keyIn(headers) ?? passwordIn(headers));
  }

  /** The tenant of an API key, which a client sends elsewhere; null if it is not a valid one. */
  tenantWith(given: string | null): string | null {
    if (this.#keys.length === 0) return OPEN_TENANT;
    if (given === null) return null;
    const digest = sha256(given);
    let tenant: string | null = null;
    // Every key is compared, so that the duration does not show which one was close.
    for (const key of this.#keys) {
      if (timingSafeEqual(key.digest, digest)) tenant = key.tenant;
    }
    return tenant;
  }

  /** Lets only authenticated requests pass; their tenant is in the context from here on. */
  readonly middleware = (req: Request, res: Response, next: NextFunction): void => {
    const tenant = this.tenantOf(req.headers);
    if (tenant === null) throw unauthorized();
    contextOf(res).tenant = tenant;
    next();
  };
}

/** @see Authenticator */
export function unauthorized(): ServiceError {
  return new ServiceError(
    'unauthorized',
    'A valid API key is needed, in one of the headers Authorization (Bearer), x-api-key, steel-api-key.',
  );
}

function keyIn(headers: IncomingHttpHeaders): string | null {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const given = bearer ?? headers['x-api-key'] ?? headers['steel-api-key'];
  return typeof given === 'string' ? given : null;
}

/** The password of HTTP Basic; null without one (RFC 7617: base64 of `name:password`). */
export function passwordIn({ authorization = '' }: IncomingHttpHeaders): string | null {
  const [, credentials] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization) ?? [];
  if (credentials === undefined) return null;
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(credentials, 'base64').toString()) ?? [];
  return password ?? null;
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
