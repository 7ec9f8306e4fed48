import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { ConfigError, type Config, type TlsConfig } from '../config/config';
import { messageOf } from '../core/errors';
import { developmentCertificate } from './development-certificate';

/** What a TLS listener shows its clients, PEM. */
export interface TlsCredentials {
  /** With its chain. */
  readonly cert: string;
  readonly key: string;
}

/**
 * The operator's certificate and key, or those for development.
 *
 * @param alsoNames - host names that a certificate for development has beside those of the configuration
 * @throws ConfigError if the operator's files cannot be read, or do not belong together.
 */
export async function tlsCredentials(
  config: Pick<Config, 'dataDir' | 'host' | 'publicUrl'>,
  { files }: TlsConfig,
  alsoNames: readonly string[],
): Promise<TlsCredentials> {
  if (files === null) return developmentCertificate(config, alsoNames);
  const cert = await readSetting('HOLDFAST_TLS_CERT', files.cert);
  const key = await readSetting('HOLDFAST_TLS_KEY', files.key);
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return { cert, key };
  } catch (error) {
    throw new ConfigError([`HOLDFAST_TLS_CERT, HOLDFAST_TLS_KEY: are not usable: ${messageOf(error)}`]);
  }
  throw new ConfigError(['HOLDFAST_TLS_KEY: is not the key of HOLDFAST_TLS_CERT']);
}

/** Whether a certificate is for a host name or an address. */
export function isNameOf({ cert }: TlsCredentials): (hostname: string) => boolean {
  const parsed = new X509Certificate(cert);
  return hostname =>
    (isIP(hostname) === 0 ? parsed.checkHost(hostname) : parsed.checkIP(hostname)) !== undefined;
}

async function readSetting(name: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new ConfigError([`${name}: ${messageOf(error)}`]);
  }
}
