import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import type { ApiKey } from '../config/config';
import { HoldfastError } from '../core/errors';
import { contextOf } from './request-context';

/** The tenant of an installation without keys. */
const OPEN_TENANT = 'default';

/** Tells whose requests are whose by their API key. */
export class Authenticator {
  readonly #keys: readonly { readonly tenant: string; readonly digest: Buffer }[];

  /** @param apiKeys - empty: everybody is the tenant `default` */
  constructor(apiKeys: readonly ApiKey[]) {
    this.#keys = apiKeys.map(({ tenant, key }) => ({ tenant, digest: sha256(key) }));
  }

  /** The tenant of a request; null if it has no valid key. */
  tenantOf(headers: IncomingHttpHeaders): string | null {
    if (this.#keys.length === 0) return OPEN_TENANT;
    const given = keyIn(headers);
    if (given === null) return null;
    const digest = sha256(given);
    let tenant: string | null = null;
    // Every key is compared, so that the time says nothing about which one was close (S4).
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
export function unauthorized(): HoldfastError {
  return new HoldfastError(
    'unauthorized',
    'A valid API key is needed: as Authorization: Bearer, x-api-key or steel-api-key.',
  );
}

function keyIn(headers: IncomingHttpHeaders): string | null {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const given = bearer ?? headers['x-api-key'] ?? headers['steel-api-key'];
  return typeof given === 'string' ? given : null;
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
