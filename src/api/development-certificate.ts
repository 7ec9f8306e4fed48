import type * as X509 from '@peculiar/x509';
import { KeyObject, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { chmod, link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Config } from '../config/config';
import { isWildcard, withoutBrackets } from '../config/address';
import { caFile, tlsDir } from '../config/data-dir';
import { systemClock } from '../core/clock';
import { systemCodeOf } from '../core/errors';
import type { TlsCredentials } from '../core/tls-files';

/** Clients of some systems accept no certificate that is valid for longer. */
const VALID_MS = 800 * 24 * 3_600_000;

/** So long before its end a certificate is replaced. */
const RENEW_BEFORE_MS = 7 * 24 * 3_600_000;

/** Clocks of other machines may be late. */
const BACKDATED_MS = 3_600_000;

/**
 * Certificate and key for development: made at the first use, kept in the data folder, made again when they expire or
 * the service gets another name. They are signed by an authority of their own, whose key is thrown away at once: who
 * trusts it trusts this one certificate, and nothing that could be signed later.
 *
 * @param alsoNames - host names beside those of the configuration
 * @throws what the file system throws if the data folder cannot be written.
 */
export async function developmentCertificate(
  config: Pick<Config, 'dataDir' | 'host' | 'publicUrl'>,
  alsoNames: readonly string[],
): Promise<TlsCredentials> {
  const names = namesOf(config, alsoNames);
  const dir = tlsDir(config.dataDir);
  const path = join(dir, 'server.pem');
  await mkdir(dir, { recursive: true, mode: 0o711 });
  const kept = await readPem(path);
  const pem = kept !== null && isUsable(kept, names) ? kept : await keep(path, await make(names), names);
  const { key, certificates } = partsOf(pem);
  const [cert = '', ca = ''] = certificates;
  const trusted = caFile(config.dataDir);
  if ((await readPem(trusted)) !== ca) await placed(trusted, ca, 0o644, draft => rename(draft, trusted));
  return { cert, key };
}

function namesOf({ host, publicUrl }: Pick<Config, 'host' | 'publicUrl'>, more: readonly string[]): string[] {
  const own = publicUrl === null ? [] : [withoutBrackets(new URL(publicUrl).hostname)];
  const bound = isWildcard(host) ? [] : [host];
  // The name of a machine need not be one of DNS.
  const machine = /^[a-z0-9.-]{1,253}$/i.test(hostname()) ? [hostname().toLowerCase()] : [];
  return [...new Set(['localhost', '127.0.0.1', '::1', ...bound, ...own, ...machine, ...more])];
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/* What both certificates have in common. */
const commonly = (): {
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly signingAlgorithm: typeof ALGORITHM;
} => ({
  notBefore: new Date(systemClock.nowMs() - BACKDATED_MS),
  notAfter: new Date(systemClock.nowMs() + VALID_MS),
  signingAlgorithm: ALGORITHM,
});

async function make(names: readonly string[]): Promise<string> {
  // Loaded when it is needed: that takes longer than the rest of the start.
  const x509 = await import('@peculiar/x509');
  const [caKeys, keys] = await Promise.all([newKeys(), newKeys()]);
  const ca = await x509.X509CertificateGenerator.createSelfSigned(
    {
      ...commonly(),
      name: 'CN=Holdfast development CA',
      serialNumber: serialNumber(),
      keys: caKeys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        ...(await identifiers(x509, caKeys, caKeys)),
      ],
    },
    webcrypto,
  );
  const server = await x509.X509CertificateGenerator.create(
    {
      ...commonly(),
      subject: 'CN=Holdfast',
      issuer: ca.subject,
      serialNumber: serialNumber(),
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(
          names.map(value => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
        ),
        ...(await identifiers(x509, keys, caKeys)),
      ],
    },
    webcrypto,
  );
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' });
  return [String(key), server.toString('pem'), ca.toString('pem')].map(pem => `${pem.trim()}\n`).join('');
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

/* Clients that are strict, such as Python from 3.13 on, demand both. */
const identifiers = (
  x509: typeof X509,
  own: webcrypto.CryptoKeyPair,
  signer: webcrypto.CryptoKeyPair,
): Promise<InstanceType<(typeof X509)['Extension']>[]> =>
  Promise.all([
    x509.SubjectKeyIdentifierExtension.create(own.publicKey, false, webcrypto),
    x509.AuthorityKeyIdentifierExtension.create(signer.publicKey, false, webcrypto),
  ]);

/* 127 random bits, so that two authorities of the same name never have one number. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x7f) | 0x40, 0);
  return bytes.toString('hex');
}

/* Key and certificates are one file, so that two processes that start at once have the same ones. */
async function keep(path: string, pem: string, names: readonly string[]): Promise<string> {
  let kept = pem;
  await placed(path, pem, 0o600, async draft => {
    try {
      await link(draft, path);
    } catch (error) {
      if (systemCodeOf(error) !== 'EEXIST') throw error;
      const other = await readPem(path);
      if (other !== null && isUsable(other, names)) kept = other;
      else await rename(draft, path);
    }
  });
  return kept;
}

/* A draft has a name of its own: another process may write the same file. */
async function placed(
  path: string,
  content: string,
  mode: number,
  place: (draft: string) => Promise<void>,
): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(draft, content, { mode });
    await chmod(draft, mode); // with any umask
    await place(draft);
  } finally {
    await rm(draft, { force: true });
  }
}

async function readPem(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function isUsable(pem: string, names: readonly string[]): boolean {
  const { key, certificates } = partsOf(pem);
  const [cert, ca] = certificates;
  if (key === '' || cert === undefined || ca === undefined) return false;
  try {
    const parsed = new X509Certificate(cert);
    if (Date.parse(parsed.validTo) - RENEW_BEFORE_MS < systemClock.nowMs()) return false;
    return names.every(
      name => (isIP(name) === 0 ? parsed.checkHost(name) : parsed.checkIP(name)) !== undefined,
    );
  } catch {
    return false; // a damaged file is replaced
  }
}

function partsOf(pem: string): { readonly key: string; readonly certificates: readonly string[] } {
  const blocks = pem.match(/-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----\n/g) ?? [];
  return {
    key: blocks.find(block => block.includes('PRIVATE KEY')) ?? '',
    certificates: blocks.filter(block => block.includes('CERTIFICATE')),
  };
}
