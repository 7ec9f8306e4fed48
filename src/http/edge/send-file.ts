import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import type { StalledReaders } from '../../core/stalled-readers';

/** A file to send. */
export interface FileToSend {
  readonly name: string;
  /** Null: not known before the end. */
  readonly size: number | null;
  readonly bytes: Readable;
  /** Left out: any bytes. */
  readonly contentType?: string;
}

/**
 * Answers with a file. It is untrusted, so a web browser must not show it as a page of this origin.
 *
 * @param readers - cuts readers that do not read: each keeps a file of the keeper open, and so its bytes on the disk
 *   after the session's end
 */
export async function sendFile(
  res: Response,
  { name, size, bytes, contentType = 'application/octet-stream' }: FileToSend,
  readers: Pick<StalledReaders, 'watch'>,
): Promise<void> {
  res.attachment(name);
  res.set({
    'Content-Type': contentType,
    ...(size === null ? {} : { 'Content-Length': String(size) }),
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
  });
  const { socket } = res;
  const reader = socket === null ? null : readers.watch(socket, () => socket.resetAndDestroy());
  // If either side breaks off, the other sees a broken connection; the answer has begun already and cannot be changed.
  await pipeline(bytes, res).catch(() => res.destroy());
  reader?.unwatch();
}
