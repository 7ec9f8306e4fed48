// Playwright Test, a session for each worker: `npx playwright test playwright-test.spec.mjs --workers 2`
import { test as base, chromium, expect } from '@playwright/test';
import { Browser } from 'holdfast';

const client = new Browser();

// Tests that use `page` or `context` stay as they are: each has a context of its own in the session of its worker.
const test = base.extend({
  browser: [
    async ({}, use, { workerIndex }) => {
      const session = await client.sessions.create({ timeout: 600_000 });
      try {
        console.log(`worker ${workerIndex} has a session`);
        const browser = await chromium.connectOverCDP(session.websocketUrl);
        await use(browser);
        await browser.close();
      } finally {
        await client.sessions.release(session);
      }
    },
    { scope: 'worker', timeout: 60_000 },
  ],
});

test.describe.configure({ mode: 'parallel' });
const url = process.env.PAGE_URL ?? 'http://127.0.0.1:3000';

test('a page has a title', async ({ page }) => {
  await page.goto(url);
  await expect(page).toHaveTitle(/\w/);
});

test('a page has a heading', async ({ page }) => {
  await page.goto(url);
  await expect(page.getByRole('heading')).toBeVisible();
});
