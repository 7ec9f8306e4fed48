// The same with Playwright. withSession() releases the session however the work ends.
import { Browser } from 'holdfast';

const client = new Browser();

const text = await client.withSession({ timeout: 60_000 }, async session => {
  const browser = await client.playwright.connect(session);
  // The session's own pages are in the first context.
  const [page] = browser.contexts()[0].pages();
  await page.setContent('<button onclick="this.textContent = \'pressed\'">press me</button>');
  await page.getByRole('button').click();
  const pressed = await page.getByRole('button').textContent();
  await browser.close(); // Playwright only disconnects
  return pressed;
});
console.log(`the button says: ${text}`);
