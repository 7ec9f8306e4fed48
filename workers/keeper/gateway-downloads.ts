import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { BrowserDownloads } from './browser-downloads';

/** Whose downloads. */
export type SendableDownloads = Pick<BrowserDownloads, 'list' | 'open'>;

/** Answers with what has been downloaded, as JSON. */
export async function sendDownloadList(
  downloads: SendableDownloads,
  response: ServerResponse,
): Promise<void> {
  const body = JSON.stringify({ downloads: await downloads.list() });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/**
 * Answers with the bytes of a download, or 404. It is as long as it was when it was opened, also if somebody still writes.
 *
 * @throws when the file or the reader breaks off; the reader then sees a connection that broke.
 */
export async function sendDownload(
  downloads: SendableDownloads,
  name: string,
  response: ServerResponse,
): Promise<void> {
  const download = await downloads.open(name);
  if (download === null) {
    response.writeHead(404, { 'content-length': 0 }).end();
    return;
  }
  const { file, size } = download;
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
  if (size === 0) {
    await file.close();
    response.end();
    return;
  }
  // `end` is inclusive. The stream closes the file, whatever happens.
  await pipeline(file.createReadStream({ end: size - 1 }), chunks => allOf(chunks, size), response);
}

/* A file that has become shorter: nobody must take what there is for all of it. */
async function* allOf(chunks: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let passed = 0;
  for await (const chunk of chunks) {
    passed += chunk.length;
    yield chunk;
  }
  if (passed < size) throw new Error(`the file ended after ${passed} of ${size} bytes`);
}
