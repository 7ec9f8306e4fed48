// A German page on a phone, logged in by a cookie. The options belong to the session, so every client that connects
// finds the same browser.
import { createServer } from 'node:http';
import { Browser } from 'holdfast';

// Stands for a site that recognises a user by a cookie.
const site = createServer((request, response) => {
  const isKnown = request.headers.cookie === 'visit=42';
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end(`<title>${isKnown ? 'Willkommen zurück' : 'Bitte anmelden'}</title>`);
});
await new Promise(resolve => site.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${site.address().port}/`;

const client = new Browser();
const options = {
  dimensions: { width: 390, height: 844 },
  deviceScaleFactor: 3,
  locale: 'de-DE',
  timezone: 'Europe/Berlin',
  cookies: [{ name: 'visit', value: '42', url }],
};
await client.withSession(options, async session => {
  const browser = await client.puppeteer.connect(session);
  const page = await browser.newPage();
  await page.goto(url);
  console.log(await page.title());
  console.log(await page.evaluate(() => `${innerWidth} × ${innerHeight} at ${devicePixelRatio}`));
  console.log(await page.evaluate(() => navigator.language));
  console.log(await page.evaluate(() => new Date(0).getHours()));
  await browser.disconnect();
});

site.closeAllConnections();
site.close();
