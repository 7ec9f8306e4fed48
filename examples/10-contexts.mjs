// A login that comes back. One session logs in and saves its context; the next one starts with the login, perhaps days
// later and on another machine.
import { createServer } from 'node:http';
import { Browser } from 'holdfast';

// Stands for a site that keeps a login in a session cookie and in local storage.
const site = createServer((request, response) => {
  const isKnown = request.headers.cookie === 'login=ann';
  response.setHeader('content-type', 'text/html');
  if (request.url === '/login') response.setHeader('set-cookie', 'login=ann; HttpOnly; SameSite=Lax');
  response.end(`<title>${isKnown ? 'Welcome back' : 'Please log in'}</title>`);
});
await new Promise(resolve => site.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${site.address().port}/`;

const client = new Browser();
const name = `shop-${process.pid}`;

/** Runs work on a page of a new session with the context. */
async function withPage(context, work) {
  return client.withSession({ context }, async session => {
    const browser = await client.puppeteer.connect(session);
    const [page] = await browser.pages();
    const result = await work(page, session);
    await browser.disconnect();
    return result;
  });
}

// A context of a new name is made. With `persist` the session saves it when it ends.
await withPage({ name, persist: true }, async (page, session) => {
  await page.goto(url);
  console.log(await page.title());
  await page.goto(`${url}login`);
  await page.evaluate(() => localStorage.setItem('theme', 'dark'));

  // Whoever cannot wait for the end saves now: from here on the login survives even a crash.
  const { context } = await client.sessions.syncContext(session);
  console.log(`saved as version ${context.lastSave.version}`);
});

// A session without `persist` only reads. Any number of them may use the context at a time.
await withPage({ name }, async page => {
  await page.goto(url);
  console.log(`${await page.title()}, theme ${await page.evaluate(() => localStorage.getItem('theme'))}`);
});

const { value: context } = await client.contexts.list({ name }).next();
for (const { version, source, isCurrent } of await client.contexts.versions(context))
  console.log(`version ${version}: ${source}${isCurrent ? ', current' : ''}`);
// Playwright can go on with the login, without Holdfast.
const { cookies } = await client.contexts.storageState(context);
console.log(`cookies: ${cookies.map(cookie => cookie.name).join(', ')}`);
await client.contexts.delete(context);

site.closeAllConnections();
site.close();
