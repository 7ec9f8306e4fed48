// Playwright, with an API key in a header: nothing secret is in the URL, so nothing secret is in a log.
import { Browser } from 'holdfast';
import { chromium } from 'playwright-core';

const [url = 'http://127.0.0.1:3000'] = process.argv.slice(2);
const apiKey = process.env.HOLDFAST_API_KEY;
const client = new Browser({ apiKey });
const session = await client.sessions.create({ timeout: 300_000 });
try {
  const endpoint = new URL(session.websocketUrl);
  endpoint.search = ''; // the token
  const headers = { Authorization: `Bearer ${apiKey}` };
  const browser = await chromium.connectOverCDP(endpoint.href, { headers });
  const [page] = browser.contexts()[0].pages();
  await page.goto(url);
  console.log(`title: ${await page.title()}`);
  await browser.close();
} finally {
  await client.sessions.release(session);
}
