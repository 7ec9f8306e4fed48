import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TrafficCounts } from '../../src/core/traffic';
import { pause } from '../../src/core/abort';
import { withPuppeteer } from '../support/clients';
import { Installation, type Role } from '../support/installation';
import { pollUntil } from '../support/poll-until';

/* What sessions have received is counted once, whichever process dies while they end. */

const BIG_BYTES = 300_000;

let installation: Installation;
let site: Server;
let siteUrl: string;

beforeAll(async () => {
  site = createServer((_request, response) => response.end('x'.repeat(BIG_BYTES)));
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  // SAFETY: a listening TCP server has an AddressInfo.
  const { port } = site.address() as AddressInfo;
  siteUrl = `http://127.0.0.1:${port}/`;
  installation = await Installation.start({
    browser: 'shell',
    env: { HOLDFAST_EGRESS: 'public', HOLDFAST_EGRESS_ALLOW: `127.0.0.1:${port}` },
  });
});

afterAll(async () => {
  await installation.stop();
  site.closeAllConnections();
  site.close();
});

/** What was counted for all sessions. */
async function used(): Promise<TrafficCounts> {
  return (await installation.call<{ total: TrafficCounts }>('GET', '/v1/usage')).body.total;
}

const KILLS = (['keeper', 'worker'] as const satisfies Role[]).flatMap(role =>
  ['before', 0, 30, 100].map(when => [role, when] as const),
);

it.each(KILLS)(
  'counts what a session has received once if the %s is killed at its end (%s ms)',
  async (role, when) => {
    const before = await used();
    const session = await installation.create({ timeout: 600_000 });
    await withPuppeteer(session, page => page.goto(siteUrl));
    const victim = await installation.find(role);
    if (typeof when === 'string') await installation.signal(role, 'SIGKILL');
    const path = `/v1/sessions/${session.id}`;
    const released = installation.call('POST', `${path}/release`);
    if (typeof when === 'number') {
      await pause(when);
      await installation.signal(role, 'SIGKILL');
    }
    await released;
    const traffic = await pollUntil('the traffic', { timeoutMs: 20_000, everyMs: 50 }, async () => {
      const { body } = await installation.call<{ traffic: TrafficCounts | null }>('GET', path);
      return body.traffic ?? undefined;
    });
    expect(traffic.receivedBytes).toBeGreaterThan(BIG_BYTES);
    await installation.replaced(role, victim);
    expect((await used()).receivedBytes - before.receivedBytes).toBe(traffic.receivedBytes);
  },
);
