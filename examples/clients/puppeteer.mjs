// Puppeteer. It takes the WebSocket; its `browserURL` has no place for a session.
import { Browser } from 'holdfast';
import puppeteer from 'puppeteer-core';

const [url = 'http://127.0.0.1:3000'] = process.argv.slice(2);
const client = new Browser();
const session = await client.sessions.create({ timeout: 300_000 });
try {
  const browser = await puppeteer.connect({
    browserWSEndpoint: session.websocketUrl,
    defaultViewport: null, // else Puppeteer makes every page 800 × 600
  });
  const [page] = await browser.pages();
  await page.goto(url);
  console.log(`title: ${await page.title()}`);
  await browser.disconnect(); // `browser.close()` would end the session
} finally {
  await client.sessions.release(session);
}
