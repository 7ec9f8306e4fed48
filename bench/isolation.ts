import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { connectPuppeteer } from '../test/support/clients';
import { Installation, type SessionView } from '../test/support/installation';
import { interleave, ratioOfMedians, sampleCount, timed, type Benchmark, type Result } from './harness';

const PARTS = 50;
const PART_BYTES = 100 * 1024;

/** Round trips of one sample. */
const EVALUATIONS = 100;

/**
 * What keeping strangers apart costs, all of it at once: two installations side by side, one at the level that this
 * machine gives by default, whose browsers are held to rules of egress, one with everything shared and open. The page
 * is 5 MB in fifty parts from a server on this machine, so that no network hides the cost, without a cache.
 */
export const isolation: Benchmark = {
  name: 'isolation',
  title: 'creates, pages and evaluations, isolated and held to rules of egress, against everything shared',
  run: async plan => {
    const sites = { https: await startSite('https'), http: await startSite('http') };
    const pair: Partial<Record<Side, Installation>> = {};
    try {
      pair.apart = await start({
        HOLDFAST_EGRESS: 'public',
        HOLDFAST_EGRESS_ALLOW: [sites.https, sites.http].map(({ url }) => new URL(url).host).join(','),
      });
      pair.shared = await start({ HOLDFAST_ISOLATION: 'shared', HOLDFAST_EGRESS: 'open' });
      const { apart, shared } = pair;
      const count = sampleCount(plan, 30, 3);
      const creates = await interleave(count, { apart: () => created(apart), shared: () => created(shared) });
      const session = (of: Installation): Promise<SessionView> => of.create({ timeout: 3_600_000 });
      const sessions = { apart: await session(apart), shared: await session(shared) };
      const seen = await withPages(sessions, async pages => {
        const both = (lane: (page: Page) => Promise<number>): Promise<Record<Side, number[]>> =>
          interleave<Side>(count, { apart: () => lane(pages.apart), shared: () => lane(pages.shared) });
        return {
          evaluations: await both(evaluated),
          https: await both(page => loaded(page, sites.https.url)),
          http: await both(page => loaded(page, sites.http.url)),
        };
      });
      return resultOf({ creates, ...seen });
    } finally {
      for (const installation of Object.values(pair)) await installation.stop();
      for (const site of Object.values(sites)) site.close();
    }
  },
};

/** The two that are compared. */
type Side = 'apart' | 'shared';

/** What one lane of each has given. */
type Samples = Readonly<Record<Side, readonly number[]>>;

const NAMES = {
  creates: ['create → live', 1.1],
  evaluations: ['evaluate', 1.03],
  https: ['page of 5 MB over https', 1.15],
  http: ['page of 5 MB over http', 1.15],
} as const;

function resultOf(samples: Readonly<Record<keyof typeof NAMES, Samples>>): Result {
  // SAFETY: the entries of a record are pairs of its own keys and values.
  const lanes = Object.entries(samples) as [keyof typeof NAMES, Samples][];
  return {
    series: lanes.flatMap(([lane, { apart, shared }]) => [
      { name: `${NAMES[lane][0]}, isolated`, unit: 'ms', values: apart },
      { name: `${NAMES[lane][0]}, shared`, unit: 'ms', values: shared },
    ]),
    claims: lanes.map(([lane, { apart, shared }]) => ({
      text: `${NAMES[lane][0]}, isolated × shared`,
      unit: '×',
      ...ratioOfMedians(apart, shared),
      pass: { atMost: NAMES[lane][1] },
    })),
  };
}

/* Each create starts a browser. */
const start = (env: Readonly<Record<string, string>>): Promise<Installation> =>
  Installation.start({
    browser: 'chromium',
    env: { HOLDFAST_CHROMIUM_ARGS: '--ignore-certificate-errors', HOLDFAST_WARM_BROWSERS: '0', ...env },
  });

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
  sessions: Readonly<Record<Side, SessionView>>,
  use: (pages: Readonly<Record<Side, Page>>) => Promise<T>,
): Promise<T> {
  const browsers = [await connectPuppeteer(sessions.apart), await connectPuppeteer(sessions.shared)] as const;
  try {
    return await use({ apart: await browsers[0].newPage(), shared: await browsers[1].newPage() });
  } finally {
    for (const browser of browsers) await browser.disconnect();
  }
}

async function loaded(page: Page, url: string): Promise<number> {
  return (await timed(() => page.goto(url, { waitUntil: 'load' }))).tookMs;
}

/* The mean of many, one after another. */
async function evaluated(page: Page): Promise<number> {
  const { tookMs } = await timed(async () => {
    for (let n = 0; n < EVALUATIONS; n += 1) await page.evaluate('1');
  });
  return tookMs / EVALUATIONS;
}

async function created(installation: Installation): Promise<number> {
  const { tookMs, result } = await timed(() => installation.create());
  await installation.call('POST', `/v1/sessions/${result.id}/release`);
  return tookMs;
}
