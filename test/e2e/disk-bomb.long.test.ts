import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { connectPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { pollUntil } from '../support/poll-until';

/* S16: pages that fill the disk end their own session, and no other. As whoever runs these tests. */

const MIB = 2 ** 20;

/** Fills what pages can store, in two ways; never answers. */
const FILL = {
  'the cache of a page': `(async () => {
    const cache = await caches.open('large');
    for (let n = 0; ; n += 1) await cache.put('/' + n, new Response(new Uint8Array(4 * 2 ** 20).fill(n)));
  })()`,
  'the database of a page': `(async () => {
    const opened = indexedDB.open('large', 1);
    await new Promise(resolve => {
      opened.onupgradeneeded = () => opened.result.createObjectStore('all');
      opened.onsuccess = resolve;
    });
    for (let n = 0; ; n += 1) {
      const change = opened.result.transaction('all', 'readwrite');
      change.objectStore('all').put(new Blob([new Uint8Array(4 * 2 ** 20).fill(n)]), n);
      await new Promise(resolve => (change.oncomplete = resolve));
    }
  })()`,
} as const;

describe('a session that fills the disk', () => {
  let installation: Installation;
  let site: Server;
  let neighbour: { readonly session: SessionView; readonly page: Page };

  beforeAll(async () => {
    installation = await Installation.start({
      browser: 'shell',
      env: { HOLDFAST_BROWSER_DISK_MAX_BYTES: String(96 * MIB) },
    });
    site = createServer((_request, response) => response.end('<title>site</title>')).listen(0, '127.0.0.1');
    await once(site, 'listening');
    const session = await installation.create({ timeout: 600_000 });
    neighbour = { session, page: await (await connectPuppeteer(session)).newPage() };
  }, 60_000);

  afterAll(async () => {
    site.close();
    site.closeAllConnections();
    await neighbour.page.browser().disconnect();
    await installation.stop();
  });

  it.each(Object.entries(FILL))(
    'fails as resource_limit, saying disk: %s',
    async (_what, script) => {
      const session = await installation.create({ timeout: 600_000 });
      const browser = await connectPuppeteer(session);
      const page = await browser.newPage();
      // SAFETY: it listens on a port.
      await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}`);
      void page.evaluate(script).catch(() => undefined);
      const ended = await installation.until(session.id, ({ status }) => status === 'failed', 60_000);
      expect({ endReason: ended.endReason, error: ended.error }).toEqual({
        endReason: 'resource_limit',
        error: {
          code: 'resource_limit',
          message: expect.stringContaining('limit of disk, its profile and temporary files'),
        },
      });
      expect(await neighbour.page.evaluate('6 * 7')).toBe(42);
      expect((await installation.read(neighbour.session.id)).status).toBe('live');
      await pollUntil('its files to go', { timeoutMs: 10_000, everyMs: 50 }, async () => {
        const names = await readdir(join(installation.dir.path, 'run'));
        return names.filter(name => name.startsWith('b-')).length === 1 ? true : undefined;
      });
    },
    90_000,
  );
});
