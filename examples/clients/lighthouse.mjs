// Lighthouse audits a page of a session, through Puppeteer. A port would not lead to the session.
import { Browser } from 'holdfast';
import lighthouse from 'lighthouse';
import puppeteer from 'puppeteer-core';

const [url = 'http://127.0.0.1:3000'] = process.argv.slice(2);
const client = new Browser();
const session = await client.sessions.create({ timeout: 300_000 });
try {
  const browser = await puppeteer.connect({ browserWSEndpoint: session.websocketUrl, defaultViewport: null });
  const [page] = await browser.pages();
  const { lhr } = await lighthouse(url, { onlyCategories: ['accessibility', 'seo'] }, undefined, page);
  for (const { title, score } of Object.values(lhr.categories)) console.log(`${title}: ${score * 100}`);
  await browser.disconnect();
} finally {
  await client.sessions.release(session);
}
