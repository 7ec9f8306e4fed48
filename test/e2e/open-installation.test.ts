import type { Page } from 'puppeteer-core';
import { withPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { pollUntil } from '../support/poll-until';

/* An installation without keys trusts the machine that it runs on, but not the browsers of its sessions. */

describe('an open installation', () => {
  let installation: Installation;
  let session: SessionView;

  beforeAll(async () => {
    installation = await Installation.start({ browser: 'shell' });
    session = await installation.create({ timeout: 600_000 });
  });
  afterAll(() => installation.stop());

  /* What a page has made of a request to this installation: the status, or why there is none. */
  const fetchIn = async (page: Page, path: string, init: Record<string, unknown> = {}): Promise<string> =>
    page.evaluate(
      async (url, options) =>
        fetch(url, options).then(
          async answer => `${answer.status} ${await answer.text()}`,
          (error: unknown) => String(error),
        ),
      installation.url + path,
      init,
    );

  it('answers its own machine without a key', async () => {
    expect((await installation.call('GET', '/v1/sessions')).status).toBe(200);
    expect((await installation.call('GET', '/')).body).toMatchObject({ keyNeeded: false });
  });

  it('gives nothing away to a navigation over CDP', async () => {
    await withPuppeteer(session, async page => {
      for (const path of [
        '/v1/sessions',
        '/v1/workers',
        `/v1/sessions/${session.id}`,
        '/metrics',
        '/v1/keys',
      ]) {
        const answer = await page.goto(installation.url + path);
        expect([path, answer?.status()]).toEqual([path, 403]);
        expect(await page.content()).not.toContain('token=');
      }
    });
  });

  it('lets no page of a session do anything, not even one of its own pages', async () => {
    await withPuppeteer(session, async page => {
      // Over CDP a policy of the page is no obstacle.
      await page.setBypassCSP(true);
      for (const from of ['/', '/docs', '/v1/sessions']) {
        await page.goto(installation.url + from);
        const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
        expect(await fetchIn(page, '/v1/sessions')).toMatch(/^403 .*forbidden_origin/);
        expect(await fetchIn(page, '/v1/sessions', json)).toMatch(/^403 .*forbidden_origin/);
        expect(await fetchIn(page, '/v1/sessions/release', json)).toMatch(/^403 .*forbidden_origin/);
        expect(await fetchIn(page, '/v1/events')).toMatch(/^403 .*forbidden_origin/);
        expect(await fetchIn(page, '/steel/v1/sessions')).toMatch(/^403/);
        expect(await fetchIn(page, '/queues/api/queues')).toMatch(/^403/);
      }
      expect((await installation.call('GET', `/v1/sessions/${session.id}`)).body.status).toBe('live');
      const list = await installation.call<{ sessions: unknown[] }>('GET', '/v1/sessions');
      expect(list.body.sessions).toHaveLength(1);
    });
  });

  it('knows a browser also by its connection, when its client drops and forges headers', async () => {
    await withPuppeteer(session, async page => {
      const cdp = await page.createCDPSession();
      await cdp.send('Fetch.enable', { patterns: [{ urlPattern: '*' }] });
      cdp.on('Fetch.requestPaused', ({ requestId }) => {
        const headers = [
          { name: 'Sec-Fetch-Mode', value: '' },
          { name: 'Sec-Fetch-Dest', value: '' },
          { name: 'Sec-Fetch-Site', value: 'none' },
          { name: 'User-Agent', value: 'curl/8.0' },
        ];
        void cdp.send('Fetch.continueRequest', { requestId, headers }).catch(() => undefined);
      });
      const answer = await page.goto(`${installation.url}/v1/sessions`);
      expect(answer?.status()).toBe(403);
      expect(await page.content()).not.toContain('token=');
    });
  });

  it('opens no WebSocket of another way in to a page', async () => {
    await withPuppeteer(session, async page => {
      await page.goto(`${installation.url}/`);
      await page.setBypassCSP(true);
      await page.goto(`${installation.url}/`);
      const url = `${installation.url.replace(/^http/, 'ws')}/notte/sessions/connect`;
      const outcome = await page.evaluate(
        async address =>
          new Promise(resolve => {
            const socket = new WebSocket(address);
            socket.onopen = () => resolve('open');
            socket.onerror = () => resolve('refused');
          }),
        url,
      );
      expect(outcome).toBe('refused');
    });
  });

  it('still shows its pages for people', async () => {
    await withPuppeteer(session, async page => {
      for (const path of ['/', '/docs'])
        expect([path, (await page.goto(installation.url + path))?.status()]).toEqual([path, 200]);
      const { body } = await installation.call<{ viewerUrl: string }>('GET', `/v1/sessions/${session.id}`);
      expect((await page.goto(body.viewerUrl))?.status()).toBe(200);
      await pollUntil('the viewer to show the session', { timeoutMs: 10_000, everyMs: 100 }, async () =>
        (await page.evaluate('document.body.innerText')) === '' ? undefined : true,
      );
    });
  });
});
