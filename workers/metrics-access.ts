import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { ApiKey } from '../src/config/api-keys';
import { isLoopback, withoutBrackets } from '../src/config/address';
import { hostnameIn } from '../src/core/host-header';
import { allows, SCOPES, TENANT_SCOPES, type Scope } from '../src/core/scopes';
import { TooManyFailuresError } from '../src/core/too-many-failures';
import { EnvironmentKeys, keyIn } from '../src/engine/environment-keys';
import type { FailedKeys } from '../src/engine/failed-keys';
import type { KeyRing } from '../src/engine/key-ring';

/** What of a connection is looked at. */
type Peer = Pick<Socket, 'remoteAddress'>;

/** Null: the request may see the metrics; else the status of the refusal, 429 with too many wrong keys. */
export type MetricsAccess<S extends Peer = Socket> = (
  request: Pick<IncomingMessage, 'headers'> & { readonly socket: S },
) => Promise<401 | 403 | 429 | null>;

/** Dependencies of {@link metricsAccess}. */
export interface MetricsAccessParts<S extends Peer> {
  readonly apiKeys: readonly ApiKey[];
  readonly ring: Pick<KeyRing, 'find'>;
  readonly failedKeys: Pick<FailedKeys, 'check'>;
  /** Whether a connection may come from the browser of a session. */
  readonly isSessionBrowser: (socket: S) => Promise<boolean>;
  /** Names of this machine, beside its addresses. */
  readonly names: readonly string[];
}

/**
 * A web page can send its browser to any address, but not choose the name in `Host`: only addresses and names of this
 * machine are answered (DNS rebinding). Where requests of the API need a key, this machine needs none here; others need
 * one with the scope `admin`, since the figures are of the whole installation. The browsers of sessions are on this
 * machine, too, and are not meant.
 */
export function metricsAccess<S extends Peer>({
  apiKeys,
  ring,
  failedKeys,
  isSessionBrowser,
  names,
}: MetricsAccessParts<S>): MetricsAccess<S> {
  const environment = new EnvironmentKeys(apiKeys);
  const scopesOf = async (key: string): Promise<readonly Scope[] | null> => {
    const known = environment.find(key);
    if (known !== null) return known.isAdmin ? SCOPES : TENANT_SCOPES;
    return (await ring.find(key))?.scopes ?? null;
  };
  /* Null: its address has sent too many wrong keys. */
  const isAdmin = async (socket: S, key: string): Promise<boolean | null> => {
    try {
      const scopes = await failedKeys.check(socket, key, () => scopesOf(key));
      return allows(scopes ?? [], 'admin');
    } catch (error) {
      if (error instanceof TooManyFailuresError) return null;
      throw error;
    }
  };
  return async ({ headers, socket }) => {
    const key = keyIn(headers);
    const mayAll = key === null || !environment.exist ? false : await isAdmin(socket, key);
    if (mayAll === null) return 429;
    if (mayAll) return null;
    const host = hostnameIn(headers.host ?? '');
    if (host === null || !(isIP(host) !== 0 || isLoopback(host) || names.includes(host))) return 403;
    if (isLoopbackPeer(socket.remoteAddress ?? '')) return (await isSessionBrowser(socket)) ? 403 : null;
    if (!environment.exist) return null;
    return key === null ? 401 : 403;
  };
}

const isLoopbackPeer = (address: string): boolean =>
  isLoopback(withoutBrackets(address.replace(/^::ffff:/i, '')));
