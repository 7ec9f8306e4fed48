import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { BrowserDownloads } from '../downloads/browser-downloads';
import type { CutDownload } from '../downloads/download-quota';
import { finalNameOf } from '../downloads/downloads';

/** Finished and cut downloads of a browser. */
export interface SendableDownloads {
  readonly downloads: Pick<BrowserDownloads, 'list' | 'open'>;
  /** Downloads that were cut; requests for them get an error of their own. */
  readonly cuts: readonly CutDownload[];
}

/** Answers with the finished and cut downloads, as JSON. */
export async function sendDownloadList(
  { downloads, cuts }: SendableDownloads,
  response: ServerResponse,
): Promise<void> {
  const cut = cuts.map(({ name, ...rest }) => ({ name: finalNameOf(name) ?? name, ...rest }));
  const body = JSON.stringify({ downloads: await downloads.list(), cut });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/**
 * Answers with the bytes of a download, with 404, or with 507 for one that was cut. Sends the length that the file had
 * when it was opened, even if it is still written to.
 *
 * @throws when the file or the reader breaks off; the reader then sees a broken connection.
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
  // `end` is inclusive. The stream closes the file in any case.
  await pipeline(file.createReadStream({ end: size - 1 }), chunks => allOf(chunks, size), response);
}

/* A cut download without a name yet may be the requested one. */
function isCut(name: string, cuts: readonly CutDownload[]): boolean {
  return cuts.some(cut => [name, null].includes(finalNameOf(cut.name)) || cut.name === name);
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
