// Stagehand 3 in local mode, without a model: its pages and locators need none. The API key is in a header.
import { Stagehand } from '@browserbasehq/stagehand';
import { Browser } from 'holdfast';

const [url = 'http://127.0.0.1:3000'] = process.argv.slice(2);
const apiKey = process.env.HOLDFAST_API_KEY;
const client = new Browser({ apiKey });
const session = await client.sessions.create({ timeout: 300_000 });
try {
  const endpoint = new URL(session.websocketUrl);
  endpoint.search = ''; // the token
  const cdpHeaders = { Authorization: `Bearer ${apiKey}` };
  const stagehand = new Stagehand({
    env: 'LOCAL',
    localBrowserLaunchOptions: { cdpUrl: endpoint.href, cdpHeaders },
    verbose: 0,
  });
  await stagehand.init();
  const [page] = stagehand.context.pages();
  await page.goto(url);
  await page.locator('button').click();
  console.log(`the button says: ${await page.locator('button').textContent()}`);
  await stagehand.close();
} finally {
  await client.sessions.release(session);
}
