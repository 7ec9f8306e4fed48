import type { FileHandle } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';

/** A file to send; it is closed in any case. */
export interface OpenedFile {
  readonly file: FileHandle;
  readonly size: number;
}

/**
 * Answers with the bytes of a file: as many as it had when it was opened, even if it is still written to.
 *
 * @throws when the file or the reader breaks off; the reader then sees a broken connection.
 */
export async function sendOpened({ file, size }: OpenedFile, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
  if (size === 0) {
    await file.close();
    response.end();
    return;
  }
  // `end` is inclusive. The stream closes the file in any case.
  await pipeline(file.createReadStream({ end: size - 1 }), chunks => allOf(chunks, size), response);
}

/* Throws if the file has become shorter: the reader must not take the rest for the whole file. */
async function* allOf(chunks: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let passed = 0;
  for await (const chunk of chunks) {
    passed += chunk.length;
    yield chunk;
  }
  if (passed < size) throw new Error(`the file ended after ${passed} of ${size} bytes`);
}
