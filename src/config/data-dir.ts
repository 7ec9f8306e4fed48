import { join } from 'node:path';

/** The folder of the development certificate in a data folder. */
export function tlsDir(dataDir: string): string {
  return join(dataDir, 'tls');
}

/** The certificate that clients of the development certificate have to trust, in PEM. */
export function caFile(dataDir: string): string {
  return join(tlsDir(dataDir), 'ca.pem');
}

/** The folder of the embedded Redis in a data folder. */
export function redisDir(dataDir: string): string {
  return join(dataDir, 'redis');
}
