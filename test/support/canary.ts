import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import type { Browser, Page } from 'puppeteer';

/** How long a page tries; STUN and TURN servers that do not answer are asked again and again. */
const PATIENCE_MS = 1_000;

/** Sees everything that reaches a port of this machine, over TCP in both families and UDP. */
export class Canary {
  readonly hits: string[] = [];
  private constructor(
    private readonly servers: readonly Server[],
    private readonly closeUdp: () => void,
    readonly port: number,
    readonly udpPort: number,
  ) {}

  static async start(): Promise<Canary> {
    const answer = createServer((request, response) => {
      canary.hits.push(request.url ?? '');
      response.setHeader('access-control-allow-origin', '*').end('the canary');
    });
    answer.on('upgrade', (request, socket) => {
      canary.hits.push(request.url ?? '');
      socket.destroy();
    });
    const v4 = createTcpServer(socket => answer.emit('connection', socket)).listen(0, '127.0.0.1');
    await once(v4, 'listening');
    // SAFETY: it listens on a port.
    const { port } = v4.address() as AddressInfo;
    const v6 = createTcpServer(socket => answer.emit('connection', socket)).listen(port, '::1');
    await once(v6, 'listening');
    const udp = createSocket('udp4', () => void canary.hits.push('a datagram')).bind(0, '127.0.0.1');
    await once(udp, 'listening');
    const canary = new Canary([v4, v6], () => udp.close(), port, udp.address().port);
    return canary;
  }

  close(): void {
    for (const server of this.servers) server.close();
    this.closeUdp();
  }
}

/** What Chromium says about an address that it navigates to. */
export async function opens(page: Page, url: string): Promise<string> {
  return page.goto(url).then(
    answer => String(answer?.status()),
    (error: unknown) => /net::\w+/.exec(String(error))?.[0] ?? String(error),
  );
}

/** Tries to reach the canary in every way that a client of a browser has. */
export async function tryEverything(browser: Browser, canary: Canary): Promise<void> {
  const contexts = [browser.defaultBrowserContext()];
  for (const proxyServer of [
    'direct://',
    `http://127.0.0.1:${canary.port}`,
    `socks5://127.0.0.1:${canary.port}`,
  ])
    contexts.push(await browser.createBrowserContext({ proxyServer, proxyBypassList: ['<-loopback>'] }));
  contexts.push(
    await browser.createBrowserContext({ proxyServer: 'http://192.0.2.1:1', proxyBypassList: ['*'] }),
  );
  for (const context of contexts) {
    const page = await context.newPage();
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '0.0.0.0'])
      await opens(page, `http://${host}:${canary.port}/navigation`);
    // The page of an error can still appear after its navigation has failed.
    const other = await context.newPage();
    await other.goto('data:text/html,a page');
    await other.evaluate(attempts(canary));
  }
}

/* What a page can do; over when all of it has failed or worked. */
const attempts = ({ port, udpPort }: Canary): string => `(async () => {
  const at = '127.0.0.1:${port}';
  const settled = target => new Promise(resolve => {
    for (const type of ['load', 'open', 'error']) target.addEventListener(type, resolve);
  });
  const image = new Image();
  const peer = new RTCPeerConnection({
    iceServers: [
      { urls: ['stun:127.0.0.1:${udpPort}'] },
      { urls: ['turn:127.0.0.1:${udpPort}', 'turn:' + at + '?transport=tcp'], username: 'a', credential: 'b' },
    ],
  });
  peer.createDataChannel('a');
  const all = [
    fetch('http://' + at + '/fetch', { mode: 'no-cors' }).catch(() => null),
    settled(image),
    settled(new WebSocket('ws://' + at + '/socket')),
    settled(new EventSource('http://' + at + '/events')),
    new Promise(resolve => {
      peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && resolve();
    }),
  ];
  image.src = 'http://' + at + '/image';
  navigator.sendBeacon('http://' + at + '/beacon', 'a');
  await peer.setLocalDescription();
  await Promise.race([Promise.all(all), new Promise(resolve => setTimeout(resolve, ${PATIENCE_MS}))]);
  peer.close();
})()`;
