// chrome-remote-interface: CDP itself, on the page of a session.
import CDP from 'chrome-remote-interface';
import { Browser } from 'holdfast';

const [url = 'http://127.0.0.1:3000'] = process.argv.slice(2);
const client = new Browser();
const session = await client.sessions.create({ timeout: 300_000 });
try {
  // The list of pages comes over HTTP. Each page in it has a WebSocket of its own; the one of the session is the
  // browser's, where `Page` and `Runtime` need a CDP session.
  const list = session.websocketUrl.replace(/^ws/, 'http').replace('/cdp?', '/cdp/json/list?');
  const [page] = await (await fetch(list)).json();
  const cdp = await CDP({ target: page.webSocketDebuggerUrl, local: true });
  await cdp.Page.enable();
  const loaded = cdp.Page.loadEventFired();
  await cdp.Page.navigate({ url });
  await loaded;
  const { result } = await cdp.Runtime.evaluate({ expression: 'document.title' });
  console.log(`title: ${result.value}`);
  await cdp.close();
} finally {
  await client.sessions.release(session);
}
