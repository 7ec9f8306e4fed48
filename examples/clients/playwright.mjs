// Playwright, with the URL of the session: its token opens this one session and nothing else.
import { Browser } from 'holdfast';
import { chromium } from 'playwright-core';

const [url = 'http://127.0.0.1:3000'] = process.argv.slice(2);
const client = new Browser();
const session = await client.sessions.create({ timeout: 300_000 });
try {
  const browser = await chromium.connectOverCDP(session.websocketUrl);
  // The session's own pages are in the first context; logins and downloads belong to it.
  const [page] = browser.contexts()[0].pages();
  await page.goto(url);
  console.log(`title: ${await page.title()}`);
  await browser.close(); // Playwright only disconnects
} finally {
  await client.sessions.release(session);
}
