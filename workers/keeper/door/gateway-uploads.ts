import type { IncomingMessage, ServerResponse } from 'node:http';
import { isFileName } from '../../../src/core/file-name';
import { allowSlowBody, bodyOf, dropBody } from '../../../src/core/request-body';
import type { BrowserUploads } from '../uploads/browser-uploads';
import { sendOpened } from './send-opened';
import { UploadError, type UploadRefusal } from '../uploads/upload-quota';

/** After so long without a byte of a file the API is taken for gone. It cuts silent clients itself, and earlier. */
const SILENT_AFTER_MS = 60_000;

/** A browser that takes files. */
export interface TakesUploads {
  readonly uploads: Pick<BrowserUploads, 'list' | 'read' | 'store' | 'remove'>;
}

const STATUS_OF_REFUSAL: Readonly<Record<UploadRefusal, number>> = { quota: 413, disk_full: 507, gone: 410 };

/** Answers with the uploads of a browser, as JSON. */
export async function sendUploadList({ uploads }: TakesUploads, response: ServerResponse): Promise<void> {
  sendJson(response, 200, { uploads: await uploads.list() });
}

/**
 * Stores the body of a request as a file and answers with it, or with the status of a refusal.
 *
 * @throws when the API breaks off, or the file system fails.
 */
export async function takeUpload(
  { uploads }: TakesUploads,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  allowSlowBody(request, SILENT_AFTER_MS);
  if (!isFileName(name)) {
    refuse(request, response, 400);
    return;
  }
  const { 'content-length': length } = request.headers;
  try {
    const size = length === undefined ? null : Number(length);
    sendJson(response, 201, await uploads.store({ name, bytes: bodyOf(request), size }));
  } catch (error) {
    if (!(error instanceof UploadError)) throw error;
    refuse(request, response, STATUS_OF_REFUSAL[error.refusal]);
  }
}

/**
 * Answers with the bytes of an upload, or with 404.
 *
 * @throws as {@link sendOpened}.
 */
export async function sendUpload(
  { uploads }: TakesUploads,
  name: string,
  response: ServerResponse,
): Promise<void> {
  const found = await uploads.read(name);
  if (found === null) sendJson(response, 404, {});
  else await sendOpened(found, response);
}

/** Removes an upload, or answers 404. */
export async function removeUpload(
  { uploads }: TakesUploads,
  name: string,
  response: ServerResponse,
): Promise<void> {
  const removed = await uploads.remove(name);
  sendJson(response, removed ? 200 : 404, {});
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
  dropBody(request, response);
  sendJson(response, status, {});
}

function sendJson(response: ServerResponse, status: number, content: object): void {
  const body = JSON.stringify(content);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
