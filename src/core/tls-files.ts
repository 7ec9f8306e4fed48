import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ConfigError } from '../config/config';
import type { TlsConfig } from '../config/tls';
import { messageOf } from './errors';

/** What a TLS listener shows its clients, PEM. */
export interface TlsCredentials {
  /** With its chain. */
  readonly cert: string;
  readonly key: string;
}

/**
 * Reads the operator's certificate and key.
 *
 * @throws ConfigError if the files cannot be read, or do not belong together.
 */
export async function readTlsFiles(files: NonNullable<TlsConfig['files']>): Promise<TlsCredentials> {
  const cert = await readSetting('HOLDFAST_TLS_CERT', files.cert);
  const key = await readSetting('HOLDFAST_TLS_KEY', files.key);
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return { cert, key };
  } catch (error) {
    throw new ConfigError([`HOLDFAST_TLS_CERT, HOLDFAST_TLS_KEY: are not usable: ${messageOf(error)}`]);
  }
  throw new ConfigError(['HOLDFAST_TLS_KEY: is not the key of HOLDFAST_TLS_CERT']);
}

async function readSetting(name: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new ConfigError([`${name}: ${messageOf(error)}`]);
  }
}
