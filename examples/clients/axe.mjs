// axe looks for barriers in a page, through Playwright.
import { AxeBuilder } from '@axe-core/playwright';
import { Browser } from 'holdfast';
import { chromium } from 'playwright-core';

const [url = 'http://127.0.0.1:3000'] = process.argv.slice(2);
const client = new Browser();
const session = await client.sessions.create({ timeout: 300_000 });
try {
  const browser = await chromium.connectOverCDP(session.websocketUrl);
  const [page] = browser.contexts()[0].pages();
  await page.goto(url);
  const { violations } = await new AxeBuilder({ page }).analyze();
  for (const { id, help } of violations) console.log(`${id}: ${help}`);
  await browser.close();
} finally {
  await client.sessions.release(session);
}
