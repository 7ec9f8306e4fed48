import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { connectPuppeteer } from '../test/support/clients';
import { Installation, type SessionView } from '../test/support/installation';
import { interleave, ratioOfMedians, sampleCount, timed, type Benchmark, type Lane } from './harness';

const PARTS = 50;
const PART_BYTES = 100 * 1024;

/** A session whose browser is held to rules that let everything through, so that only the way is another. */
const HELD = { egress: { deny: [] } };

/**
 * What the process costs that holds a browser to its rules: a page of 5 MB in fifty parts from a server on this machine
 * (so that no network hides the cost), without a cache, and the create. The baseline is the same without rules. Pages
 * over https go through tunnels; those over http are requests to the process, each with a head to read and to write.
 */
export const egress: Benchmark = {
  name: 'egress',
  title: 'a page of 5 MB and a create, held to rules of egress',
  run: async plan => {
    const sites = [await startSite('https'), await startSite('http')] as const;
    const env = { HOLDFAST_CHROMIUM_ARGS: '--ignore-certificate-errors' };
    const installation = await Installation.start({ browser: 'chromium', env });
    try {
      const free = await installation.create({ timeout: 3_600_000 });
      const held = await installation.create({ timeout: 3_600_000, ...HELD });
      const count = sampleCount(plan, 30, 3);
      const [tunnels, requests] = await withPages({ free, held }, async pages => {
        const [https, http] = sites;
        const lanesTo = ({ url }: Site): Record<'free' | 'held', Lane> => ({
          free: () => loaded(pages.free, url),
          held: () => loaded(pages.held, url),
        });
        return [await interleave(count, lanesTo(https)), await interleave(count, lanesTo(http))] as const;
      });
      const creates = await interleave(count, {
        free: () => created(installation, {}),
        held: () => created(installation, HELD),
      });
      return {
        series: [
          { name: 'page loaded', unit: 'ms', values: tunnels.free },
          { name: 'page loaded, held to rules', unit: 'ms', values: tunnels.held },
          { name: 'page loaded over http', unit: 'ms', values: requests.free },
          { name: 'page loaded over http, held to rules', unit: 'ms', values: requests.held },
          { name: 'create → live', unit: 'ms', values: creates.free },
          { name: 'create → live, held to rules', unit: 'ms', values: creates.held },
        ],
        claims: [
          {
            text: 'a page of 5 MB held to rules × not held',
            unit: '×',
            ...ratioOfMedians(tunnels.held, tunnels.free),
            pass: { atMost: 1.15 },
          },
          { text: '… over http', unit: '×', ...ratioOfMedians(requests.held, requests.free) },
          {
            text: 'create → live held to rules × not held',
            unit: '×',
            ...ratioOfMedians(creates.held, creates.free),
          },
        ],
      };
    } finally {
      await installation.stop();
      for (const site of sites) site.close();
    }
  },
};

interface Site {
  readonly url: string;
  readonly close: () => void;
}

async function startSite(scheme: 'http' | 'https'): Promise<Site> {
  const part = Buffer.alloc(PART_BYTES, 'x');
  const parts = Array.from({ length: PARTS }, (_, i) => `<link rel="stylesheet" href="/${i}.css">`);
  const answer: RequestListener = (request, response) => {
    response.setHeader('cache-control', 'no-store');
    if (request.url === '/') response.setHeader('content-type', 'text/html').end(parts.join('\n'));
    else response.setHeader('content-type', 'text/css').end(part);
  };
  const file = (name: string): Buffer => readFileSync(join('test/fixtures/tls', name));
  const tls = { key: file('localhost.key'), cert: file('localhost.crt') };
  const site: Server = scheme === 'http' ? createServer(answer) : createTlsServer(tls, answer);
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  // SAFETY: a listening TCP server has an AddressInfo.
  const { port } = site.address() as AddressInfo;
  return {
    url: `${scheme}://127.0.0.1:${port}/`,
    close: () => {
      site.closeAllConnections();
      site.close();
    },
  };
}

async function withPages<T>(
  { free, held }: Readonly<Record<'free' | 'held', SessionView>>,
  use: (pages: Readonly<Record<'free' | 'held', Page>>) => Promise<T>,
): Promise<T> {
  const browsers = [await connectPuppeteer(free), await connectPuppeteer(held)] as const;
  try {
    return await use({ free: await browsers[0].newPage(), held: await browsers[1].newPage() });
  } finally {
    for (const browser of browsers) await browser.disconnect();
  }
}

async function loaded(page: Page, url: string): Promise<number> {
  return (await timed(() => page.goto(url, { waitUntil: 'load' }))).tookMs;
}

async function created(installation: Installation, body: object): Promise<number> {
  const { tookMs, result } = await timed(() => installation.create({ ...body }));
  await installation.call('POST', `/v1/sessions/${result.id}/release`);
  return tookMs;
}
