// A file for the file input of a page: it is put beside the browser first, on whichever machine that is. The page then
// gets it by its path there.
import { Browser } from 'holdfast';

const client = new Browser();
await client.withSession({}, async session => {
  // Instead of bytes it may be a path, a Blob or a stream.
  const file = new TextEncoder().encode('name,price\ntea,3\n');
  const { path } = await client.sessions.upload(session, file, { name: 'report.csv' });

  const browser = await client.puppeteer.connect(session);
  const page = await browser.newPage();
  await page.goto('data:text/html,<input type="file">');
  const input = await page.waitForSelector('input[type=file]');
  await input.uploadFile(path);
  const [name, text] = await page.evaluate(async () => {
    const [chosen] = document.querySelector('input').files;
    return [chosen.name, await chosen.text()];
  });
  console.log(`the page has ${name}: ${text.trim().split('\n').length} lines`);
  await browser.disconnect();

  const uploads = await client.sessions.uploads(session);
  console.log(`uploads: ${uploads.map(({ name }) => name).join(', ')}`);
});
