// Puppeteer, with an API key in a header instead of the token in the URL.
import { Browser } from 'holdfast';
import puppeteer from 'puppeteer-core';

const [url = 'http://127.0.0.1:3000'] = process.argv.slice(2);
const apiKey = process.env.HOLDFAST_API_KEY;
const client = new Browser({ apiKey });
const session = await client.sessions.create({ timeout: 300_000 });
try {
  const endpoint = new URL(session.websocketUrl);
  endpoint.search = ''; // the token
  const browser = await puppeteer.connect({
    browserWSEndpoint: endpoint.href,
    headers: { Authorization: `Bearer ${apiKey}` },
    defaultViewport: null,
  });
  const [page] = await browser.pages();
  await page.goto(url);
  console.log(`title: ${await page.title()}`);
  await browser.disconnect();
} finally {
  await client.sessions.release(session);
}
