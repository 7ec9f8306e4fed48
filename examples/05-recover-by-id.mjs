// One process makes a session and dies. Another process has only the id, and goes on where the first one stopped.
import { execFileSync } from 'node:child_process';
import { Browser, isHoldfastError } from 'holdfast';

const client = new Browser();
const [id] = process.argv.slice(2);

if (id === undefined) {
  const session = await client.sessions.create({ timeout: 60_000, labels: { task: 'recover' } });
  const browser = await client.puppeteer.connect(session);
  const [page] = await browser.pages();
  await page.goto('data:text/html,<title>half done</title>');
  await browser.disconnect();
  console.log('first process: left a page open');
  execFileSync(process.execPath, [import.meta.filename, session.id], { stdio: 'inherit' });

  // The session has ended, and tells every client so.
  const connecting = client.puppeteer.connect(session.id);
  await connecting.catch(error => {
    if (!isHoldfastError(error, 'session_ended')) throw error;
    console.log(`first process: ${error.code}: ${error.sessionStatus}, ${error.endReason}`);
  });
} else {
  const session = await client.sessions.retrieve(id);
  const browser = await client.puppeteer.connect(session);
  const [page] = await browser.pages();
  console.log(`second process: found the page "${await page.title()}" of task ${session.labels.task}`);
  await browser.disconnect();
  await client.sessions.release(session);
}
