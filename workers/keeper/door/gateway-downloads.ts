import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { BrowserDownloads } from '../downloads/browser-downloads';
import type { CutDownload } from '../downloads/download-quota';
import { nameToCome } from '../downloads/downloads';

/** What a browser has downloaded, and what was cut. */
export interface SendableDownloads {
  readonly downloads: Pick<BrowserDownloads, 'list' | 'open'>;
  /** Not there, and asked for all the same. */
  readonly cuts: readonly CutDownload[];
}

/** Answers with what has been downloaded and what was cut, as JSON. */
export async function sendDownloadList(
  { downloads, cuts }: SendableDownloads,
  response: ServerResponse,
): Promise<void> {
  const cut = cuts.map(({ name, ...rest }) => ({ name: nameToCome(name) ?? name, ...rest }));
  const body = JSON.stringify({ downloads: await downloads.list(), cut });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/**
 * Answers with the bytes of a download, with 404, or with 507 for one that was cut. It is as long as it was when it was opened, also if somebody still writes.
 *
 * @throws when the file or the reader breaks off; the reader then sees a connection that broke.
 */
export async function sendDownload(
  { downloads, cuts }: SendableDownloads,
  name: string,
  response: ServerResponse,
): Promise<void> {
  const download = await downloads.open(name);
  if (download === null) {
    response.writeHead(isCut(name, cuts) ? 507 : 404, { 'content-length': 0 }).end();
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

/* One that Chromium had not named yet may have been any. */
function isCut(name: string, cuts: readonly CutDownload[]): boolean {
  return cuts.some(cut => [name, null].includes(nameToCome(cut.name)) || cut.name === name);
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
