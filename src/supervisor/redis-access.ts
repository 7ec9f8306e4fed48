import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { randomId } from '../core/ids';
import { aclLine, INGRESS_RULES, INGRESS_USER } from '../redis/ingress-acl';

/**
 * Address of the embedded Redis for other services. Web pages in the browsers can reach it too, hence the passwords.
 */
export const REDIS_HOST = '127.0.0.1';

/** The Redis user of Holdfast's own processes. */
const OUR_USER = 'default';

const schema = z.object({
  /** null: closed now; the passwords are kept for when it is opened again. */
  port: z.int().min(1).max(65_535).nullable(),
  passwords: z.object({ default: z.string().min(16), ingress: z.string().min(16) }),
});
type Stored = z.output<typeof schema>;

/** How to reach a Redis that is opened to other services. */
export interface RedisAccess {
  readonly port: number;
  /** Password of the user `default`, who may do everything: Holdfast's own processes. */
  readonly ourPassword: string;
  /** For other services, see {@link INGRESS_USER}. */
  readonly ingressUrl: string;
  readonly aclFile: string;
}

/**
 * Opens or closes the Redis of a folder for other services. Passwords are generated once and then stay the same. They
 * and the ACL file, which holds their digests, are readable for this user only.
 *
 * @param port - null: closed
 * @returns null when closed
 * @throws if what is stored cannot be read or written.
 */
export async function settleRedisAccess(redisDir: string, port: number | null): Promise<RedisAccess | null> {
  const before = await readStored(redisDir);
  if (before === null && port === null) return null;
  const passwords = before?.passwords ?? { default: newPassword(), ingress: newPassword() };
  await mkdir(redisDir, { recursive: true, mode: 0o700 });
  await writePrivate(storePath(redisDir), JSON.stringify({ port, passwords } satisfies Stored));
  if (port === null) return null;
  await writePrivate(
    aclPath(redisDir),
    `${[
      aclLine(OUR_USER, passwords.default, ['~*', '&*', '+@all']),
      aclLine(INGRESS_USER, passwords.ingress, INGRESS_RULES),
    ].join('\n')}\n`,
  );
  return accessOf(redisDir, port, passwords);
}

/** The stored access to the Redis of a folder; null when it is not opened. @throws if it cannot be read. */
export async function readRedisAccess(redisDir: string): Promise<RedisAccess | null> {
  const stored = await readStored(redisDir);
  return stored === null || stored.port === null ? null : accessOf(redisDir, stored.port, stored.passwords);
}

function accessOf(redisDir: string, port: number, passwords: Stored['passwords']): RedisAccess {
  return {
    port,
    ourPassword: passwords.default,
    ingressUrl: `redis://${INGRESS_USER}:${passwords.ingress}@${REDIS_HOST}:${port}`,
    aclFile: aclPath(redisDir),
  };
}

const storePath = (redisDir: string): string => join(redisDir, 'access.json');
const aclPath = (redisDir: string): string => join(redisDir, 'users.acl');

/* 192 bits, without characters that a URL or an inline command would have to escape. */
const newPassword = (): string => `${randomId()}${randomId()}`;

async function readStored(redisDir: string): Promise<Stored | null> {
  const path = storePath(redisDir);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    // SAFETY: errors of fs are system errors.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${path} cannot be read; remove it, and new passwords are made`, { cause: error });
  }
}

/* Atomic, because the supervisor may die during the write. */
async function writePrivate(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomId()}`;
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, path);
}
