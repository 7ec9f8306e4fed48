import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  chromium,
  type Browser as PlaywrightBrowser,
  type BrowserContext,
  type Download,
} from 'playwright-core';
import { Browser as Client } from '../../src/client/holdfast';
import { connectPuppeteer, withPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { makeTempDir, type TempDir } from '../support/temp-dir';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

/* Downloads of every context, with any clients connected: with the libraries that users have, and a real browser. */

const PAGE = '<title>files</title><a id="get" href="/report.csv" download>get</a>';

/*
 * The keeper has to hear of a new context before its first download begins (ADR 34). A stopped keeper made that fail.
 */
const LATE_MS = 500;

let installation: Installation;
let client: Client;
let origin: Server;
let url: string;
let served: number;
let session: SessionView;
let dir: TempDir;

function serveFile(response: ServerResponse): void {
  served += 1;
  response.setHeader('content-type', 'text/csv').setHeader('content-disposition', 'attachment');
  response.end(`content ${served}`);
}

beforeAll(async () => {
  served = 0;
  origin = createServer((request, response) => {
    if (request.url === '/') return void response.setHeader('content-type', 'text/html').end(PAGE);
    if (request.url === '/report.csv') serveFile(response);
    else if (request.url === '/late.csv') setTimeout(serveFile, scaled(LATE_MS), response);
    else response.writeHead(404).end();
  });
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  // SAFETY: a listening TCP server has an AddressInfo.
  url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}/`;
  installation = await Installation.start({ browser: 'chromium' });
  client = new Client({ baseUrl: installation.url });
});
afterAll(async () => {
  await installation.stop();
  origin.closeAllConnections();
  origin.close();
});
beforeEach(async () => {
  session = await installation.create();
  dir = await makeTempDir();
});
afterEach(async () => {
  await installation.call('DELETE', `/v1/sessions/${session.id}`);
  await dir.remove();
});

/** Waits until exactly these files are there; answers their contents. */
async function downloaded(names: readonly string[]): Promise<string[]> {
  await pollUntil(names.join(), { timeoutMs: 10_000, everyMs: 50 }, async () => {
    const downloads = await client.sessions.downloads(session.id);
    return JSON.stringify(downloads.map(({ name }) => name)) === JSON.stringify(names) ? true : undefined;
  });
  return Promise.all(names.map(async name => (await client.sessions.download(session.id, name)).text()));
}

async function getByPlaywright(context: BrowserContext | PlaywrightBrowser | undefined): Promise<Download> {
  if (context === undefined) throw new Error('there is no context');
  const page = await context.newPage();
  await page.goto(url);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#get')]);
  return download;
}

async function withPlaywright(work: (browser: PlaywrightBrowser) => Promise<void>): Promise<void> {
  const browser = await chromium.connectOverCDP(session.websocketUrl ?? '');
  try {
    await work(browser);
  } finally {
    await browser.close();
  }
}

describe('downloads of stock Playwright', () => {
  it('are in the folder of the session, from its own context and from new ones, none overwritten', async () => {
    const before = served;
    await withPlaywright(async browser => {
      const [own] = browser.contexts();
      for (const context of [own, own, await browser.newContext(), await browser.newContext()]) {
        expect(await (await getByPlaywright(context)).failure()).toBeNull();
      }
    });
    const names = ['report (1).csv', 'report (2).csv', 'report (3).csv', 'report.csv'];
    const contents = await downloaded(names);
    expect(contents.sort()).toEqual([1, 2, 3, 4].map(n => `content ${before + n}`));
  });

  it('are there while two clients are connected, and after the one that named a folder has gone', async () => {
    const puppeteer = await connectPuppeteer(session);
    const context = await puppeteer.createBrowserContext();
    const page = await context.newPage();
    await page.goto(url);
    await withPlaywright(async browser => {
      await (await getByPlaywright(browser.contexts()[0])).failure();
      await page.click('#get');
      await downloaded(['report (1).csv', 'report.csv']);
    });
    await page.click('#get');
    await downloaded(['report (1).csv', 'report (2).csv', 'report.csv']);
    await puppeteer.disconnect();
  });
});

describe('downloads of Puppeteer', () => {
  it('are in the folder of the session from new contexts, too, also in the very first page', async () => {
    await withPuppeteer(session, async (_page, browser) => {
      const context = await browser.createBrowserContext();
      const page = await context.newPage();
      await page.goto(url);
      await page.click('#get');
      await downloaded(['report.csv']);
      const cdp = await browser.target().createCDPSession();
      const other = await browser.createBrowserContext();
      // A page whose first request is a download.
      await cdp.send('Target.createTarget', { url: `${url}late.csv`, browserContextId: other.id ?? '' });
      await downloaded(['late.csv', 'report.csv']);
    });
  });

  it.each(['Browser', 'Page'] as const)(
    'stay in that folder when %s.setDownloadBehavior names another',
    async domain => {
      await withPuppeteer(session, async (_page, browser) => {
        const context = await browser.createBrowserContext();
        const page = await context.newPage();
        const cdp = await (domain === 'Page' ? page : browser.target()).createCDPSession();
        const where = { behavior: 'allow', downloadPath: dir.path } as const;
        if (domain === 'Page') await cdp.send('Page.setDownloadBehavior', where);
        else await cdp.send('Browser.setDownloadBehavior', { ...where, browserContextId: context.id ?? '' });
        await page.goto(url);
        await page.click('#get');
        await downloaded(['report.csv']);
      });
    },
  );

  it('are there from a context that outlived its client and the keeper', async () => {
    const browser = await connectPuppeteer(session);
    const page = await (await browser.createBrowserContext()).newPage();
    await page.goto(url);
    await browser.disconnect();
    await installation.replaced('keeper', await installation.signal('keeper', 'SIGKILL'));
    await pollUntil('the downloads to be had again', { timeoutMs: 10_000, everyMs: 50 }, async () => {
      const answer = await installation.call('GET', `/v1/sessions/${session.id}/downloads`);
      return answer.status === 200 ? true : undefined;
    });
    const again = await connectPuppeteer(session);
    const pages = await Promise.all(again.browserContexts().map(context => context.pages()));
    const found = pages.flat().find(open => open.url() === url);
    await found?.click('#get');
    await downloaded(['report.csv']);
    await again.disconnect();
  });
});

describe('downloads of our client with Playwright', () => {
  it('have a path, can be saved and read, from any context', async () => {
    const browser = await client.playwright.connect(session.id);
    const contexts = [browser.contexts()[0], await browser.newContext(), browser];
    for (const context of contexts) {
      const content = `content ${served + 1}`;
      const download = await getByPlaywright(context);
      expect(await readFile(await download.path(), 'utf8')).toBe(content);
      await download.saveAs(join(dir.path, 'deep', 'saved.csv'));
      expect(await readFile(join(dir.path, 'deep', 'saved.csv'), 'utf8')).toBe(content);
      let read = '';
      for await (const chunk of await download.createReadStream()) read += String(chunk);
      expect(read).toBe(content);
      expect(download.suggestedFilename()).toBe('report.csv');
    }
    await browser.close();
    expect(await downloaded(['report (1).csv', 'report (2).csv', 'report.csv'])).toHaveLength(3);
  });
});
