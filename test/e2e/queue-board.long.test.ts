import { connectPuppeteer } from '../support/clients';
import { Installation } from '../support/installation';

const KEY = 'a-key-for-people';

describe('the page of the queues in a browser', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await Installation.start({
      browser: 'shell',
      env: { HOLDFAST_API_KEYS: `default=${KEY}`, HOLDFAST_SLOTS: '1' },
    });
  });
  afterAll(() => installation.stop());

  it('shows all queues with the key as password, without a request to another host', async () => {
    const { body: session } = await installation.call('POST', '/v1/sessions', {}, { 'x-api-key': KEY });
    const soon = { 'x-api-key': KEY, prefer: 'wait=0' };
    const { body: waiting } = await installation.call('POST', '/v1/sessions', {}, soon);
    const browser = await connectPuppeteer(session);
    try {
      const page = await browser.newPage();
      const asked: string[] = [];
      const complaints: string[] = [];
      page.on('request', request => asked.push(request.url()));
      page.on('console', message => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      page.on('pageerror', error => complaints.push(String(error)));
      await page.setViewport({ width: 1_280, height: 720 });
      await page.authenticate({ username: 'anybody', password: KEY });
      await page.goto(`${installation.url}/queues`, { waitUntil: 'networkidle0' });
      const text = await page.evaluate('document.body.innerText');
      for (const queue of ['ingress', 'launch', 'sessions', 'timers']) expect(text).toContain(queue);
      await page.goto(`${installation.url}/queues/queue/launch?status=prioritized`, {
        waitUntil: 'networkidle0',
      });
      // The job of the session that waits for the only slot is there.
      expect(await page.evaluate('document.body.innerText')).toContain(waiting.id);
      const file = process.env['HF_BOARD_PICTURE'];
      if (file !== undefined) await page.screenshot({ path: file });

      expect(asked.length).toBeGreaterThan(8);
      expect(
        asked.filter(url => new URL(url).origin !== installation.url && !url.startsWith('data:')),
      ).toEqual([]);
      // The first answer to a browser asks for the password; that is not an error.
      expect(complaints.filter(text => !text.includes('401'))).toEqual([]);
    } finally {
      await browser.disconnect();
    }
  });
});
