import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { hostInUrl } from '../config/address';
import type { Config } from '../config/config';
import { readTlsFiles, type TlsCredentials } from '../core/tls-files';
import { TLS_DIALECT } from '../http/dialects/dialects';
import { edgeGuard } from '../http/edge/edge-guard';
import { Listener } from '../http/edge/listener';
import { problemAnswer } from '../http/edge/problem';
import { developmentCertificate } from './development-certificate';
import type { Front } from './front';

/** The TLS listener. */
export interface TlsFront extends Front {
  /** Where it listens, `https://host:port`. */
  readonly origin: string;
}

/**
 * Listens with TLS, if the configuration asks for it; null if not.
 *
 * @throws ConfigError for a certificate that is not usable; what the system throws if the address cannot be listened
 *   on, or the data folder not be written.
 */
export async function openTlsFront(config: Config): Promise<TlsFront | null> {
  const { tls, dataDir, publicUrl, apiKeys } = config;
  if (tls === null) return null;
  const { host, files } = tls;
  const credentials =
    files === null
      ? await developmentCertificate({ dataDir, host, publicUrl }, TLS_DIALECT.hosts)
      : await readTlsFiles(files);
  const listener = new Listener({
    tls: credentials,
    answerTo: (error, asked, status) =>
      (asked.path === TLS_DIALECT.path ? TLS_DIALECT.errorAnswer : problemAnswer)(error, asked, status),
  });
  const port = await listener.listen(host, tls.port);
  const guard = edgeGuard({
    ...{ host, publicUrl, hasApiKeys: apiKeys.length > 0, scheme: 'https' },
    isNamed: isNameOf(credentials),
  });
  const origin = `https://${hostInUrl(host)}:${port}`;
  return { listener, guard, url: publicUrl ?? origin, origin };
}

/* Whether the certificate is for a host name or an address. */
function isNameOf({ cert }: TlsCredentials): (hostname: string) => boolean {
  const parsed = new X509Certificate(cert);
  return hostname =>
    (isIP(hostname) === 0 ? parsed.checkHost(hostname) : parsed.checkIP(hostname)) !== undefined;
}
