import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { hostInUrl } from '../config/address';
import type { Config } from '../config/config';
import { caFile } from '../config/data-dir';
import { readTlsFiles, type TlsCredentials } from '../core/tls-files';
import type { Deps } from '../deps';
import { TLS_DIALECT } from '../http/dialects/dialects';
import { edgeGuard, type EdgeGuard } from '../http/edge/edge-guard';
import { Listener, pathOf, refuseUpgrade } from '../http/edge/listener';
import { programsOnly } from '../http/edge/programs-only';
import { noWebSocket } from '../http/gateway/session-door';
import { tlsApp, type TlsAppParts } from '../http/tls-app';
import { developmentCertificate } from './development-certificate';

/** The TLS listener, before there is a service behind it. */
export interface TlsFront {
  readonly listener: Listener;
  readonly guard: EdgeGuard;
  /** `https://host:port`. */
  readonly url: string;
}

/**
 * Listens with TLS, if the configuration asks for it; null if not.
 *
 * @throws ConfigError for a certificate that is not usable; what the system throws if the address cannot be listened
 *   on, or the data folder not be written.
 */
export async function openTlsFront(config: Config): Promise<TlsFront | null> {
  const { tls, host, publicUrl, apiKeys } = config;
  if (tls === null) return null;
  const credentials =
    tls.files === null
      ? await developmentCertificate(config, TLS_DIALECT.hosts)
      : await readTlsFiles(tls.files);
  const listener = new Listener({ tls: credentials, answerTo: TLS_DIALECT.errorAnswer });
  const port = await listener.listen(host, tls.port);
  const hasApiKeys = apiKeys.length > 0;
  const guard = edgeGuard({ host, publicUrl, hasApiKeys, isNamed: isNameOf(credentials) });
  return { listener, guard: programsOnly(guard), url: `https://${hostInUrl(host)}:${port}` };
}

/** Serves the dialects whose clients speak TLS only. Browsers are reached at the API's own port. */
export function serveTls(
  { listener, guard, url }: TlsFront,
  { config, clock, log }: Pick<Deps, 'config' | 'clock' | 'log'>,
  { dialects, authenticator, draining, apiMetrics }: Omit<TlsAppParts, 'guard' | 'clock' | 'log'>,
): void {
  const app = tlsApp({ dialects, guard, authenticator, draining, apiMetrics, clock, log });
  listener.serve(app, (request, socket) =>
    refuseUpgrade(request, socket, noWebSocket(pathOf(request)), { answerTo: TLS_DIALECT.errorAnswer }),
  );
  const trusted = config.tls?.files === null ? { caFile: caFile(config.dataDir) } : {};
  log.info({ url, ...trusted }, 'serving with TLS');
}

/* Whether the certificate is for a host name or an address. */
function isNameOf({ cert }: TlsCredentials): (hostname: string) => boolean {
  const parsed = new X509Certificate(cert);
  return hostname =>
    (isIP(hostname) === 0 ? parsed.checkHost(hostname) : parsed.checkIP(hostname)) !== undefined;
}
