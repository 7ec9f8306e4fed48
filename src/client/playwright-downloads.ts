import type { Browser, BrowserContext, Download, Page } from 'playwright-core';
import { isHoldfastError } from './errors';
import type { Sessions } from './sessions';

/**
 * How long a finished download may take to be known to the service, which learns of it at the same time as the client.
 */
const KNOWN_WITHIN_MS = 5_000;
const ASK_AGAIN_MS = 50;

/**
 * Makes downloads of a connected Playwright usable: their files are where the browser is, and Playwright looks for them
 * on its own machine. They are fetched from the session on demand, into the file that Playwright looks for.
 */
export function fetchDownloads(browser: Browser, sessions: Sessions, sessionId: string): void {
  const onDownload = (download: Download): void => fetchWhenAsked(download, sessions, sessionId);
  const onPage = (page: Page): void => void page.on('download', onDownload);
  const onContext = (context: BrowserContext): BrowserContext => {
    context.pages().forEach(onPage);
    return context.on('page', onPage);
  };
  browser.contexts().forEach(onContext);
  const newContext = browser.newContext.bind(browser);
  // `newPage` of a browser also creates its context by this method.
  browser.newContext = async options => onContext(await newContext(options));
}

function fetchWhenAsked(download: Download, sessions: Sessions, sessionId: string): void {
  const path = download.path.bind(download);
  const saveAs = download.saveAs.bind(download);
  const createReadStream = download.createReadStream.bind(download);
  let fetched: Promise<string> | null = null;
  // Fetched once; a failed fetch may be repeated.
  const local = (): Promise<string> =>
    (fetched ??= fetchFile(download, path, sessions, sessionId).catch((error: unknown) => {
      fetched = null;
      throw error;
    }));
  download.path = local;
  download.saveAs = async target => {
    await local();
    await saveAs(target);
  };
  download.createReadStream = async () => {
    await local();
    return createReadStream();
  };
}

/**
 * Fetches a download to the path where Playwright looks for it; the last part of the path is the download's guid in
 * CDP. Waits until it is complete, as Playwright does.
 */
async function fetchFile(
  download: Download,
  path: () => Promise<string>,
  sessions: Sessions,
  sessionId: string,
): Promise<string> {
  const target = await path();
  const [{ writeFile }, paths] = await Promise.all([import('node:fs/promises'), import('node:path')]);
  const { body } = await whenKnown(() => sessions.download(sessionId, paths.basename(target)));
  if (body === null) throw new Error(`the service sent no data of ${download.suggestedFilename()}`);
  await writeFile(target, body);
  return target;
}

async function whenKnown(ask: () => Promise<Response>): Promise<Response> {
  for (const deadline = AbortSignal.timeout(KNOWN_WITHIN_MS); ;) {
    try {
      return await ask();
    } catch (error) {
      if (!isHoldfastError(error, 'download_not_found') || deadline.aborted) throw error;
    }
    await new Promise(resolve => setTimeout(resolve, ASK_AGAIN_MS));
  }
}
