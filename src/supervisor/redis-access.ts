import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { systemCodeOf } from '../core/errors';
import { randomId } from '../core/ids';
import { aclLine, INGRESS_RULES, INGRESS_USER } from '../redis/ingress-acl';
import { PROCESS_USERS, processRules, type ProcessUser } from '../redis/process-acl';

/**
 * Address of the embedded Redis for other services. Web pages in the browsers can reach it too, hence the passwords.
 */
export const REDIS_HOST = '127.0.0.1';

/** Users of Holdfast itself: the supervisor, who may do everything, and a user of least rights for each program. */
export type OwnRedisUser = 'default' | ProcessUser;

const password = z.string().min(16);
const schema = z.object({
  /** null: closed now; the passwords are kept for when it is opened again. */
  port: z.int().min(1).max(65_535).nullable(),
  /** Versions before have stored the first two alone. */
  passwords: z.object({
    default: password,
    ingress: password,
    api: password.optional(),
    worker: password.optional(),
  }),
});
type Stored = z.output<typeof schema>;
type Passwords = Readonly<Record<OwnRedisUser | typeof INGRESS_USER, string>>;

/** How to reach the embedded Redis. */
export interface RedisAccess {
  /** Where it listens for other services; null: nowhere. */
  readonly port: number | null;
  readonly passwords: Readonly<Record<OwnRedisUser, string>>;
  /** For other services, see {@link INGRESS_USER}; null: it is not opened to them. */
  readonly ingressUrl: string | null;
  readonly aclFile: string;
}

/** What decides about the access to a Redis. */
export interface AccessTerms {
  /** For other services; null: closed. */
  readonly port: number | null;
  /** Whether its program knows a right to read only. */
  readonly canReadOnly: boolean;
}

/**
 * Makes the users of a folder's Redis. Passwords are generated once and then stay the same. They and the ACL file,
 * which holds their digests, are readable for this user only.
 *
 * @throws if what is stored cannot be read or written.
 */
export async function settleRedisAccess(
  redisDir: string,
  { port, canReadOnly }: AccessTerms,
): Promise<RedisAccess> {
  const before = await readStored(redisDir);
  const passwords = completed(before?.passwords ?? {});
  await mkdir(redisDir, { recursive: true, mode: 0o700 });
  await writePrivate(storePath(redisDir), JSON.stringify({ port, passwords } satisfies Stored));
  const lines = [
    aclLine('default', passwords.default, ['~*', '&*', '+@all']),
    ...PROCESS_USERS.map(user => aclLine(user, passwords[user], processRules(user, { canReadOnly }))),
    ...(port === null ? [] : [aclLine(INGRESS_USER, passwords.ingress, INGRESS_RULES)]),
  ];
  await writePrivate(aclPath(redisDir), `${lines.join('\n')}\n`);
  return accessOf(redisDir, port, passwords);
}

/** The stored access to the Redis of a folder; null before its first start. @throws if it cannot be read. */
export async function readRedisAccess(redisDir: string): Promise<RedisAccess | null> {
  const stored = await readStored(redisDir);
  return stored === null ? null : accessOf(redisDir, stored.port, completed(stored.passwords));
}

const completed = (stored: Partial<Stored['passwords']>): Passwords => ({
  default: stored.default ?? newPassword(),
  ingress: stored.ingress ?? newPassword(),
  api: stored.api ?? newPassword(),
  worker: stored.worker ?? newPassword(),
});

function accessOf(redisDir: string, port: number | null, { ingress, ...passwords }: Passwords): RedisAccess {
  return {
    port,
    passwords,
    ingressUrl: port === null ? null : `redis://${INGRESS_USER}:${ingress}@${REDIS_HOST}:${port}`,
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
    if (systemCodeOf(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${path} cannot be read; remove it, and new passwords are made`, { cause: error });
  }
}

/* Atomic, because the supervisor may die during the write; not again, because the disk may be full. */
async function writePrivate(path: string, text: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => null)) === text) return;
  const draft = `${path}.${randomId()}`;
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, path);
}
