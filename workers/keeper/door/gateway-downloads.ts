import type { ServerResponse } from 'node:http';
import type { BrowserDownloads } from '../downloads/browser-downloads';
import type { CutDownload } from '../downloads/download-quota';
import { finalNameOf } from '../downloads/downloads';
import { sendOpened } from './send-opened';

/** Finished and cut downloads of a browser. */
export interface SendableDownloads {
  readonly downloads: Pick<BrowserDownloads, 'list' | 'open' | 'remove'>;
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
 * Answers with the bytes of a download, with 404, or with 507 for one that was cut.
 *
 * @throws as {@link sendOpened}.
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
  await sendOpened(download, response);
}

/** Removes a finished download, or answers 404. */
export async function removeDownload(
  { downloads }: SendableDownloads,
  name: string,
  response: ServerResponse,
): Promise<void> {
  const removed = await downloads.remove(name);
  response.writeHead(removed ? 200 : 404, { 'content-length': 0 }).end();
}

/* A cut download without a name yet may be the requested one. */
function isCut(name: string, cuts: readonly CutDownload[]): boolean {
  return cuts.some(cut => [name, null].includes(finalNameOf(cut.name)) || cut.name === name);
}
