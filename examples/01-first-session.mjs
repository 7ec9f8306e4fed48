// A session from its creation to its end, driven with Puppeteer.
import { Browser } from 'holdfast';

const client = new Browser();

const session = await client.sessions.create({ timeout: 60_000, name: 'first' });
console.log(`the session is ${session.status}`);
try {
  const browser = await client.puppeteer.connect(session);
  const [page] = await browser.pages();
  await page.goto('data:text/html,<title>Hello</title>');
  console.log(`the page is called ${await page.title()}`);
  await browser.disconnect();

  const { pages } = await client.sessions.liveDetails(session);
  console.log(`open pages: ${pages.map(({ title }) => title).join(', ')}`);
} finally {
  const { status, endReason } = await client.sessions.release(session);
  console.log(`the session is ${status}: ${endReason}`);
}
