import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { withPuppeteer } from '../support/clients';
import { canFilter } from '../support/firewall';
import { listProcesses } from '../support/proc';
import { pollUntil } from '../support/poll-until';
import { Installation, type SessionView } from '../support/installation';

/* Two tenants that may reach different things, in real browsers behind the firewall. */

const describeFirewall = canFilter() ? describe : describe.skip;

// SAFETY: a listening TCP server has an AddressInfo.
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

describeFirewall('an installation with rules for its tenants', () => {
  let installation: Installation;
  let shop: Server;
  let office: Server;

  const site = async (text: string): Promise<Server> => {
    const server = createServer((_request, response) => response.end(text)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  };

  beforeAll(async () => {
    [shop, office] = [await site('shop'), await site('office')];
    const entries = [shop, office].map(server => `127.0.0.1:${portOf(server)}`);
    installation = await Installation.start({
      browser: 'shell',
      env: {
        HOLDFAST_API_KEYS: 'acme=key-of-acme,beta=key-of-beta,other=key-of-other',
        HOLDFAST_EGRESS: 'public',
        HOLDFAST_EGRESS_ALLOW: entries.join(','),
        HOLDFAST_EGRESS_TENANTS: JSON.stringify({
          acme: { mode: 'listed', allow: [entries[0], '*.example.com', '127.0.0.0/8'] },
          beta: { deny: [entries[0]] },
        }),
      },
    });
  });

  afterAll(async () => {
    await installation.stop();
    for (const server of [shop, office]) {
      server.closeAllConnections();
      server.close();
    }
  });

  async function create(tenant: string, body: object = {}): Promise<SessionView> {
    const key = { 'x-api-key': `key-of-${tenant}` };
    const { body: session } = await installation.call('POST', '/v1/sessions', body, key);
    // On a busy machine, or while a keeper is being replaced, the answer comes before the browser.
    return pollUntil('the session to be live', { timeoutMs: 30_000, everyMs: 50 }, async () => {
      const { body: now } = await installation.call('GET', `/v1/sessions/${session.id}`, undefined, key);
      return now.status === 'live' ? now : undefined;
    });
  }

  /** What the page at each of the sites says. */
  async function visits(session: SessionView): Promise<string[]> {
    return withPuppeteer(session, async page => {
      const said: string[] = [];
      for (const server of [shop, office])
        said.push((await (await page.goto(`http://127.0.0.1:${portOf(server)}/`))?.text())?.trim() ?? '');
      return said;
    });
  }

  const refusedBy = (whose: string): string => `127.0.0.1 is refused by the egress policy of the ${whose}`;

  it('lets each tenant reach what its rules leave of what is permitted', async () => {
    const [acme, beta, other] = await Promise.all(['acme', 'beta', 'other'].map(tenant => create(tenant)));
    expect(await visits(acme!)).toEqual(['shop', refusedBy('tenant')]);
    expect(await visits(beta!)).toEqual([refusedBy('tenant'), 'office']);
    expect(await visits(other!)).toEqual(['shop', 'office']);
  });

  it('lets a session take away from that, and not add to it', async () => {
    const wide = await create('acme', { egress: { allow: [`127.0.0.1:${portOf(office)}`] } });
    expect(await visits(wide)).toEqual([refusedBy('session'), refusedBy('tenant')]);
  });

  it('leaves a client no way round it', async () => {
    await withPuppeteer(await create('acme'), async (_page, browser) => {
      for (const proxyServer of ['direct://', `http://127.0.0.1:${portOf(office)}`]) {
        const context = await browser.createBrowserContext({ proxyServer, proxyBypassList: ['*'] });
        const page = await context.newPage();
        await expect(page.goto(`http://127.0.0.1:${portOf(office)}/`)).rejects.toThrow(/net::ERR_/);
      }
    });
  });

  it('keeps the rules of a tenant when the keeper is killed, and then the process that holds them', async () => {
    const session = await create('acme');
    await installation.signal('keeper', 'SIGKILL');
    // The next keeper has taken over when it launches again.
    await create('other');
    for (const { pid, commandLine } of await listProcesses())
      if (commandLine.includes(`--forward-proxy-of=${installation.dir.path}/`)) process.kill(pid, 'SIGKILL');
    const seen = await pollUntil('the site to load again', { timeoutMs: 10_000, everyMs: 50 }, () =>
      visits(session).catch(() => undefined),
    );
    expect(seen).toEqual(['shop', refusedBy('tenant')]);
  });
});
