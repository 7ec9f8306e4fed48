import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'puppeteer';
import { WebSocketServer } from 'ws';
import { withPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { pollUntil } from '../support/poll-until';
import { listProcesses } from '../support/proc';

/* What a page of a session can reach, in a real Chromium: the site that the operator has allowed, and nothing else. */

/** The parts of a URL that a page may be given for the same place on loopback. */
const LOOPBACK = [
  '127.0.0.1',
  'localhost',
  'a.localhost',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '127.1',
  '2130706433',
];

/** What a page gets from a place in four ways, each as one word. */
const TRY_ALL = `where => {
  const settled = start => new Promise(start);
  return Promise.all([
    fetch('http://' + where + '/', { mode: 'no-cors' }).then(
      answer => (answer.type === 'opaque' || answer.ok ? 'fetched' : String(answer.status)),
      () => 'error',
    ),
    settled(done => {
      const image = new Image();
      image.onload = () => done('shown');
      image.onerror = () => done('error');
      image.src = 'http://' + where + '/image';
    }),
    settled(done => {
      const socket = new WebSocket('ws://' + where + '/');
      socket.onmessage = ({ data }) => done(data);
      socket.onerror = () => done('error');
    }),
    settled(done => {
      const source = new EventSource('http://' + where + '/events');
      source.onmessage = ({ data }) => done(data);
      source.onerror = () => { source.close(); done('error'); };
    }),
  ]);
}`;

const BIG_BYTES = 300_000;

/** What the service says of the traffic of a session, or of a day. */
interface Counted {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly refused: number;
  readonly refusedHosts: readonly string[];
}

// SAFETY: a listening TCP server has an AddressInfo.
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

describe('an installation that opens public addresses and one site', () => {
  let installation: Installation;
  let site: Server;
  let sockets: WebSocketServer;
  let canary: Server;
  let session: SessionView;
  let hits: string[];
  let siteUrl: string;

  beforeAll(async () => {
    hits = [];
    canary = createServer((_request, response) => {
      response.setHeader('access-control-allow-origin', '*').end('secret');
    }).on('connection', () => hits.push('connected'));
    canary.listen(0, '::');
    await once(canary, 'listening');
    const canaryUrl = `http://127.0.0.1:${portOf(canary)}/`;
    site = createServer((request, response) => {
      if (request.url === '/away') response.writeHead(302, { location: canaryUrl }).end();
      else if (request.url === '/events')
        response.setHeader('content-type', 'text/event-stream').end('data: there\n\n');
      else if (request.url === '/big') response.end('x'.repeat(BIG_BYTES));
      else response.setHeader('content-type', 'text/html').end('<title>the site</title>');
    });
    site.listen(0, '127.0.0.1');
    await once(site, 'listening');
    sockets = new WebSocketServer({ server: site }).on('connection', socket => socket.send('there'));
    siteUrl = `http://127.0.0.1:${portOf(site)}/`;
    installation = await Installation.start({
      browser: 'shell',
      env: { HOLDFAST_EGRESS: 'public', HOLDFAST_EGRESS_ALLOW: `127.0.0.1:${portOf(site)}` },
    });
    session = await installation.create({ timeout: 600_000 });
  });

  beforeEach(() => void (hits.length = 0));

  afterAll(async () => {
    await installation.stop();
    for (const socket of sockets.clients) socket.terminate();
    for (const server of [site, canary]) {
      server.closeAllConnections();
      server.close();
    }
  });

  const tryAll = async (page: Page, place: string): Promise<string[]> =>
    // SAFETY: the script answers a word for each way.
    (await page.evaluate(`(${TRY_ALL})(${JSON.stringify(place)})`)) as string[];

  it('lets a page load the site, and talk with it', async () => {
    await withPuppeteer(session, async page => {
      expect((await page.goto(siteUrl))?.status()).toBe(200);
      expect(await page.title()).toBe('the site');
      const [fetched, , socket, events] = await tryAll(page, new URL(siteUrl).host);
      expect([fetched, socket, events]).toEqual(['fetched', 'there', 'there']);
    });
  });

  it.each(LOOPBACK)('connects nowhere else on this machine: %s', async host => {
    await withPuppeteer(session, async page => {
      await page.goto(siteUrl);
      const [, ...others] = await tryAll(page, `${host}:${portOf(canary)}`);
      expect(others).toEqual(['error', 'error', 'error']);
      const answer = await page.goto(`http://${host}:${portOf(canary)}/`);
      expect(answer?.status()).toBe(403);
      expect(await answer?.text()).toMatch(/ is refused by the egress policy of the installation\n$/);
    });
    expect(hits).toEqual([]);
  });

  it('follows no redirect of the site to what is refused', async () => {
    await withPuppeteer(session, async page => {
      expect((await page.goto(`${siteUrl}away`))?.status()).toBe(403);
      await page.goto(siteUrl);
      const body = await page.evaluate(async () => (await fetch('/away', { mode: 'no-cors' })).text());
      expect(body).toBe('');
    });
    expect(hits).toEqual([]);
  });

  it('reaches no part of the installation itself', async () => {
    await withPuppeteer(session, async page => {
      for (const path of ['', 'v1/sessions', 'docs'])
        expect((await page.goto(`${installation.url}/${path}`))?.status()).toBe(403);
    });
  });

  it('lets a session narrow what it reaches, shows that, and refuses what cannot be read', async () => {
    const egress = { allow: ['example.com'], deny: ['*:25'] };
    const narrow = await installation.create({ egress, timeout: 600_000 });
    expect(narrow).toMatchObject({ egress });
    await withPuppeteer(narrow, async page => {
      const answer = await page.goto(siteUrl);
      expect(await answer?.text()).toBe('127.0.0.1 is refused by the egress policy of the session\n');
    });
    await installation.call('POST', `/v1/sessions/${narrow.id}/release`);
    const refused = await installation.call('POST', '/v1/sessions', { egress: { allow: ['http://a'] } });
    expect(refused).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
  });

  const usage = async (): Promise<Counted> =>
    (await installation.call<{ total: Counted }>('GET', '/v1/usage')).body.total;

  it('says of an ended session what it has sent, received and was refused, and counts that', async () => {
    const before = await usage();
    const counted = await installation.create({ timeout: 600_000 });
    expect(counted).toMatchObject({ traffic: null });
    await withPuppeteer(counted, async page => {
      await page.goto(`http://127.0.0.1:${portOf(canary)}/a-secret-path`);
      await page.goto(`${siteUrl}big`);
    });
    const path = `/v1/sessions/${counted.id}`;
    const live = await pollUntil('the traffic so far', { timeoutMs: 10_000, everyMs: 50 }, async () => {
      const { body } = await installation.call<{ traffic: Counted | null }>('GET', `${path}/live`);
      return (body.traffic?.receivedBytes ?? 0) > BIG_BYTES ? body.traffic : undefined;
    });
    expect(live).toMatchObject({ refusedHosts: expect.arrayContaining(['127.0.0.1']) as unknown });
    await installation.call('POST', `${path}/release`);
    // A release answers after five seconds in any case.
    const traffic = await pollUntil('the traffic', { timeoutMs: 20_000, everyMs: 50 }, async () => {
      const { body } = await installation.call<{ traffic: Counted | null }>('GET', path);
      return body.traffic ?? undefined;
    });
    expect(traffic.receivedBytes).toBeGreaterThan(BIG_BYTES);
    expect(traffic.receivedBytes).toBeLessThan(2 * BIG_BYTES);
    expect(traffic.sentBytes).toBeGreaterThan(200);
    // Chromium's own requests after its start are refused as well, or not resolved.
    expect(traffic.refused).toBeGreaterThanOrEqual(1);
    expect(traffic.refusedHosts).toContain('127.0.0.1');
    expect(JSON.stringify(traffic)).not.toContain('secret-path');
    const after = await usage();
    for (const figure of ['sentBytes', 'receivedBytes', 'refused'] as const)
      expect(after[figure] - before[figure]).toBe(traffic[figure]);
  });

  it('says in the log what was refused', async () => {
    await pollUntil('the log', { timeoutMs: 15_000, everyMs: 50 }, () =>
      /"refused":\d+,"hosts":\[[^\]]*"a\.localhost"/.test(installation.output) ? true : undefined,
    );
  });

  it('keeps to the rules when the process that holds them has died', async () => {
    const pids = async (): Promise<number[]> => {
      return (await listProcesses())
        .filter(({ commandLine }) => commandLine.includes(`--forward-proxy-of=${installation.dir.path}/`))
        .map(({ pid }) => pid);
    };
    const [pid] = await pids();
    process.kill(pid!, 'SIGKILL');
    await withPuppeteer(session, async page => {
      const load = async (): Promise<number | undefined> =>
        page.goto(siteUrl).then(
          answer => answer?.status(),
          () => undefined,
        );
      await pollUntil('the site to load', { timeoutMs: 10_000, everyMs: 50 }, async () =>
        (await load()) === 200 ? true : undefined,
      );
      expect((await page.goto(`http://127.0.0.1:${portOf(canary)}/`))?.status()).toBe(403);
    });
    expect(hits).toEqual([]);
  });
});
