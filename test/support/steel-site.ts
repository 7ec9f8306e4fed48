import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A site to drive as a person would: a button, a field, a file input, a download, links. */
export interface SteelSite {
  readonly url: string;
  close(): Promise<void>;
}

const PAGE = `<!DOCTYPE html><html lang="en"><head><title>start</title>
<meta name="description" content="A shop"><script>window.hidden = 1</script>
<style>body { margin: 0 } #buy { position: absolute; left: 100px; top: 100px; width: 100px; height: 50px }
#field { position: absolute; left: 100px; top: 200px; width: 200px; height: 30px }
#rest { position: absolute; top: 300px; height: 3000px }</style></head>
<body><button id="buy">Buy</button><input id="field"><input id="file" type="file">
<div id="rest"><h1>Shop</h1><p>Cheap <b>things</b></p><ul><li>one</li><li>two</li></ul>
<a href="/report.csv" download id="get">report</a> <a href="/next">next</a></div>
<script>
  buy.addEventListener('mousedown', event => (document.title = 'down ' + event.button + (event.shiftKey ? ' shift' : '')));
  buy.addEventListener('dblclick', () => (document.title = 'bought'));
  field.addEventListener('keydown', event => { if (event.key === 'Enter') document.title = 'sent ' + field.value; });
  file.addEventListener('change', async () => (document.title = 'file ' + (await file.files[0].text())));
</script></body></html>`;

/** Starts one on loopback. */
export async function startSteelSite(): Promise<SteelSite> {
  const server = createServer((request, response) => {
    if (request.url === '/') return void response.setHeader('content-type', 'text/html').end(PAGE);
    if (request.url !== '/report.csv') return void response.writeHead(404).end();
    response.setHeader('content-type', 'text/csv').setHeader('content-disposition', 'attachment').end('a,b');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // SAFETY: a listening TCP server has an AddressInfo.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
