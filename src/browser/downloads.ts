import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { withDeadline } from '../core/abort';
import { ServiceError, messageOf } from '../core/errors';
import { keeperFilesPath } from '../core/keeper-ticket';
import type { KeeperRoute } from './dial';
import { keeperAnswer } from './keeper-answer';

/** How long a keeper may take to begin its answer. */
const ANSWER_TIMEOUT_MS = 5_000;

const NAME_MAX_BYTES = 255;

const listed = z.object({
  downloads: z.array(
    z.object({
      name: z.string(),
      size: z.int().min(0),
      modifiedAtMs: z.int(),
      isComplete: z.boolean(),
    }),
  ),
  /** Older keepers have no quota. */
  cut: z.array(z.object({ name: z.string(), size: z.int().min(0), atMs: z.int() })).default([]),
});

/** The downloads of a session, and those that were cut because the quota was used up. */
export type Downloads = z.output<typeof listed>;

/** One downloaded file, as the keeper reports it. */
export type Download = z.output<typeof listed>['downloads'][number];

/** The bytes of a download, or of an upload. */
export interface FileBody {
  readonly size: number;
  /** Breaks off with an error when the keeper does. */
  readonly bytes: IncomingMessage;
}

/**
 * The downloads of a browser, by name.
 *
 * @throws ServiceError `browser_unreachable`.
 */
export async function listDownloads(route: KeeperRoute): Promise<Downloads> {
  const answer = await ask(route, 'GET', null);
  return orUnreachable(async () =>
    listed.parse(await withDeadline('the list', ANSWER_TIMEOUT_MS, json(answer))),
  );
}

/**
 * Opens one download. The caller must read or destroy the bytes.
 *
 * @throws ServiceError `download_not_found`, `download_quota_exceeded`, `browser_unreachable`.
 */
export async function openDownload(route: KeeperRoute, name: string): Promise<FileBody> {
  // No file system has longer names.
  if (Buffer.byteLength(name) > NAME_MAX_BYTES) throw notFound();
  const bytes = await ask(route, 'GET', name);
  return { size: Number(bytes.headers['content-length']), bytes };
}

/**
 * Removes one download.
 *
 * @throws ServiceError `download_not_found`, `browser_unreachable`.
 */
export async function removeDownload(route: KeeperRoute, name: string): Promise<void> {
  if (Buffer.byteLength(name) > NAME_MAX_BYTES) throw notFound();
  (await ask(route, 'DELETE', name)).destroy();
}

async function ask(
  { keeper, claimId, secret }: KeeperRoute,
  method: 'GET' | 'DELETE',
  name: string | null,
): Promise<IncomingMessage> {
  const path = keeperFilesPath(secret, claimId, 'downloads', name);
  const answer = await orUnreachable(async () =>
    keeperAnswer({ ...keeper, path, method, agent: false }, ANSWER_TIMEOUT_MS),
  );
  if (answer.statusCode === 200) return answer;
  answer.destroy();
  if (answer.statusCode === 404) throw notFound();
  if (answer.statusCode === 507) throw wasCut();
  throw unreachable(`the keeper answered with status ${answer.statusCode ?? 'unknown'}`);
}

async function orUnreachable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw unreachable(messageOf(error), error);
  }
}

const notFound = (): ServiceError =>
  new ServiceError('download_not_found', 'There is no finished download of this name.');

const wasCut = (): ServiceError =>
  new ServiceError(
    'download_quota_exceeded',
    'The download was cut off: it exceeded the quota for the downloads of a session, or for the files of its tenant.',
  );

const unreachable = (why: string, cause?: unknown): ServiceError =>
  new ServiceError('browser_unreachable', `The downloads cannot be read: ${why}.`, { cause });
