// Several sessions at once, found again by a label and released together.
import { Browser } from 'holdfast';

const client = new Browser({ releaseOnSignal: true }); // Ctrl-C releases the sessions of this program
const run = `run-${process.pid}`;

const sessions = await Promise.all(
  ['a', 'b', 'c'].map(part => client.sessions.create({ timeout: 60_000, labels: { run, part } })),
);
const titles = await Promise.all(
  sessions.map(async session => {
    const browser = await client.puppeteer.connect(session);
    const [page] = await browser.pages();
    await page.goto(`data:text/html,<title>part ${session.labels.part}</title>`);
    const title = await page.title();
    await browser.disconnect();
    return title;
  }),
);
console.log(`done: ${titles.join(', ')}`);

let live = 0;
for await (const session of client.sessions.list({ labelSelector: `run=${run}`, status: 'live' })) {
  live += session.status === 'live' ? 1 : 0;
}
console.log(`live: ${live}`);

const { message, released } = await client.sessions.releaseAll({ labelSelector: `run=${run}` });
console.log(`${message}: ${released}`);
