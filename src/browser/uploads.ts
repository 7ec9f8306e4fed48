import { request, type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { ServiceError, messageOf } from '../core/errors';
import { keeperFilesPath } from '../core/keeper-ticket';
import type { KeeperRoute } from './dial';
import type { FileBody } from './downloads';

/**
 * How long a connection to a keeper may be without a byte. More than a client may be silent, so that a silent client is
 * told so.
 */
const SILENT_AFTER_MS = 45_000;

const stored = z.object({
  name: z.string(),
  path: z.string(),
  size: z.int().min(0),
  uploadedAtMs: z.int(),
});

const listed = z.object({ uploads: z.array(stored) });

/** A file that a client has put beside the browser, as the keeper reports it. */
export type Upload = z.output<typeof stored>;

/** A file on its way. */
export interface FileToUpload {
  /** As `isFileName` demands. */
  readonly name: string;
  /** Fails with a ServiceError; is destroyed if the file is not taken. */
  readonly bytes: Readable;
  /** Null: not known. */
  readonly size: number | null;
}

/**
 * The uploads of a browser, by name.
 *
 * @throws ServiceError `browser_unreachable`.
 */
export async function listUploads(route: KeeperRoute): Promise<Upload[]> {
  return (await ask(route, listed, { method: 'GET', name: null })).uploads;
}

/**
 * Passes a file on to the keeper as it comes.
 *
 * @throws ServiceError `upload_quota_exceeded`, `worker_disk_full`, `browser_unreachable`, or that of the bytes.
 *   Nothing of the file is left then.
 */
export async function storeUpload(route: KeeperRoute, file: FileToUpload): Promise<Upload> {
  return ask(route, stored, { method: 'POST', name: file.name, file });
}

/**
 * Opens one upload. The caller must read or destroy the bytes.
 *
 * @throws ServiceError `upload_not_found`, `browser_unreachable`.
 */
export async function openUpload(route: KeeperRoute, name: string): Promise<FileBody> {
  const asked = requestTo(route, 'GET', name, {});
  try {
    const bytes = await answerTo(asked);
    if (bytes.statusCode === 200) return { size: Number(bytes.headers['content-length']), bytes };
    bytes.destroy();
    throw refusal(bytes.statusCode);
  } catch (error) {
    asked.destroy();
    throw error instanceof ServiceError ? error : unreachable(messageOf(error), error);
  }
}

/** @throws ServiceError `upload_not_found`, `browser_unreachable`. */
export async function removeUpload(route: KeeperRoute, name: string): Promise<void> {
  await ask(route, z.object({}), { method: 'DELETE', name });
}

interface Asked {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Null: the list. */
  readonly name: string | null;
  readonly file?: FileToUpload;
}

function requestTo(
  { keeper, claimId, secret }: KeeperRoute,
  method: Asked['method'],
  name: string | null,
  headers: OutgoingHttpHeaders,
): ClientRequest {
  const asked = request({
    ...keeper,
    path: keeperFilesPath(secret, claimId, 'uploads', name),
    method,
    agent: false,
    headers,
    timeout: SILENT_AFTER_MS,
  });
  asked.once('timeout', () => asked.destroy(new Error(`nothing happened for ${SILENT_AFTER_MS} ms`)));
  return asked;
}

async function ask<T>(route: KeeperRoute, schema: z.ZodType<T>, { method, name, file }: Asked): Promise<T> {
  const size = file?.size ?? null;
  const asked = requestTo(route, method, name, {
    // Asked to close, the keeper would close with an early answer, and the reset could overtake it.
    connection: 'keep-alive',
    ...(size === null ? {} : { 'content-length': size }),
  });
  try {
    const answer = await answerTo(asked, file);
    const content = await json(answer);
    if (answer.statusCode === 200 || answer.statusCode === 201) return schema.parse(content);
    throw refusal(answer.statusCode);
  } catch (error) {
    throw error instanceof ServiceError ? error : unreachable(messageOf(error), error);
  } finally {
    file?.bytes.destroy();
    asked.destroy();
  }
}

/* The keeper may answer before it has the whole file; then the answer counts, and not that the rest cannot be sent. */
function answerTo(asked: ClientRequest, file?: FileToUpload): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asked.once('response', resolve);
    // Never removed: what fails after the answer is of no interest.
    asked.on('error', reject);
    // At once, not with the first bytes: the keeper may refuse the file for its size.
    asked.flushHeaders();
    if (file === undefined) asked.end();
    else pipeline(file.bytes, asked).catch(reject);
  });
}

function refusal(status: number | undefined): ServiceError {
  switch (status) {
    case 404:
      return new ServiceError('upload_not_found', 'There is no upload of this name.');
    case 413:
      return new ServiceError(
        'upload_quota_exceeded',
        'The file was not taken: the uploads would exceed the quota of the session, by size or number, or of its tenant.',
      );
    case 507:
      return new ServiceError('worker_disk_full', 'The file was not taken: the disk of the worker is full.');
    default:
      return unreachable(`the keeper answered with status ${status ?? 'unknown'}`);
  }
}

const unreachable = (why: string, cause?: unknown): ServiceError =>
  new ServiceError('browser_unreachable', `The uploads cannot be reached: ${why}.`, { cause });
