import { HoldfastError, refusal } from './errors';
import type { SessionUpload } from './session';
import { queryOf, type ByteBody, type Transport } from './transport';

/**
 * What can be uploaded: the path of a file (in Node), bytes, a `Blob` or `File`, or a stream of bytes, such as Node's
 * or the body of a `Response`.
 */
export type UploadSource =
  string | Uint8Array | Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** Options of an upload. */
export interface UploadOptions {
  /** The name of the file. Default: the last part of a path, or the name of a `File`. */
  readonly name?: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends a file, which is read while it is sent, never as a whole.
 *
 * @param at - the path of a session's uploads
 * @throws HoldfastError, `invalid_request` if there is no name; what the file system throws for a path.
 */
export async function sendUpload(
  transport: Transport,
  at: string,
  source: UploadSource,
  { name, signal }: UploadOptions = {},
): Promise<SessionUpload> {
  const file = await openUpload(source, name);
  try {
    const path = `${at}${queryOf({ name: file.name })}`;
    const headers = { 'content-type': 'application/octet-stream' };
    const response = await transport.open({ method: 'POST', path, headers, bytes: file.bytes, signal });
    const [upload] = uploadsOf(await response.json());
    if (upload === undefined) throw new HoldfastError('unexpected_answer', 'The answer has no upload.');
    return upload;
  } finally {
    file.close();
  }
}

/** The uploads in an answer. */
export const uploadsOf = (body: unknown): SessionUpload[] =>
  // SAFETY: a 2xx of these routes carries uploads.
  (body as { uploads: SessionUpload[] }).uploads;

/* An upload that is ready to be sent. */
interface OpenUpload {
  readonly name: string;
  readonly bytes: ByteBody;
  /* To be called when it is over, sent or not. */
  close(): void;
}

async function openUpload(source: UploadSource, name?: string): Promise<OpenUpload> {
  if (typeof source === 'string') return openFile(source, name);
  const known = name ?? ('name' in source && typeof source.name === 'string' ? source.name : undefined);
  if (known === undefined || known === '') throw withoutName();
  if (source instanceof Uint8Array || source instanceof Blob || source instanceof ReadableStream) {
    // SAFETY: bytes on shared memory, which the types exclude, are copied like all others.
    return { name: known, bytes: source as ByteBody, close: () => undefined };
  }
  const chunks = passOn(source);
  // SAFETY: `fetch` of Node takes every iterable of bytes; its types name only some of them.
  return {
    name: known,
    bytes: chunks as unknown as ByteBody,
    close: () => void chunks.return().catch(() => undefined),
  };
}

/* Can be ended from outside: Node's `fetch` goes on reading an iterable after it was aborted, or has failed. */
async function* passOn(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) yield chunk;
}

async function openFile(path: string, name?: string): Promise<OpenUpload> {
  const [{ open }, paths] = await Promise.all([import('node:fs/promises'), import('node:path')]);
  const known = name ?? paths.basename(path);
  if (known === '') throw withoutName();
  // Opened here, so that a missing file is not taken for a failed connection.
  const file = await open(path);
  if (!(await file.stat()).isFile()) {
    await file.close();
    throw new HoldfastError('invalid_request', `${path} is not a file.`);
  }
  const bytes = file.createReadStream();
  // SAFETY: as above.
  return { name: known, bytes: bytes as unknown as ByteBody, close: () => bytes.destroy() };
}

const withoutName = (): HoldfastError =>
  refusal('invalid_request', [{ pointer: 'query/name', message: 'is missing: the name of the file' }]);
