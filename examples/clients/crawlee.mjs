// Crawlee 3: each browser that a crawler wants is a session. What launches one is replaced by what creates one.
import { PlaywrightCrawler } from '@crawlee/playwright';
import { Browser } from 'holdfast';
import { chromium } from 'playwright';

const [url = 'http://127.0.0.1:3000'] = process.argv.slice(2);
const client = new Browser();
const sessions = [];
const launcher = {
  name: () => 'chromium',
  launch: async () => {
    const session = await client.sessions.create({ timeout: 300_000 });
    sessions.push(session);
    return chromium.connectOverCDP(session.websocketUrl);
  },
};
const crawler = new PlaywrightCrawler({
  launchContext: { launcher, useIncognitoPages: true },
  requestHandler: async ({ request, page, enqueueLinks }) => {
    console.log(`${new URL(request.url).pathname}: ${await page.title()}`);
    await enqueueLinks();
  },
});
try {
  await crawler.run([url]);
} finally {
  for (const session of sessions) await client.sessions.release(session);
}
