import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import type { Page } from 'puppeteer';
import { systemProcesses } from '../../src/core/process-identity';
import { withPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { startHttpProxy, type UpstreamProxyServer } from '../support/upstream-proxy';
import { pollUntil } from '../support/poll-until';

interface Listed {
  readonly downloads: readonly {
    readonly name: string;
    readonly size: number;
    readonly isComplete: boolean;
  }[];
}

const PAGE = `<title>files</title><a id="click" href="/a.bin" download>a</a>
<a id="popup" href="/popup" target="_blank">b</a><a id="slow" href="/slow">c</a>
<script>function make() {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(['made here']));
  link.download = 'made.txt';
  link.click();
}</script>`;

let installation: Installation;
let origin: Server;
let url: string;
let finishSlow: () => void;

beforeAll(async () => {
  origin = createServer((request, response) => {
    if (request.url === '/') {
      response.setHeader('content-type', 'text/html').end(PAGE);
      return;
    }
    response.setHeader('content-type', 'application/octet-stream');
    response.setHeader('content-disposition', `attachment; filename="${request.url?.slice(1) ?? ''}.dat"`);
    if (request.url !== '/slow') {
      response.end('x'.repeat(1_000));
      return;
    }
    response.setHeader('content-length', 8_192);
    response.write('y'.repeat(4_096));
    finishSlow = () => response.end('y'.repeat(4_096));
  });
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  // SAFETY: a listening TCP server has an AddressInfo.
  url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}/`;
  installation = await Installation.start({ browser: 'chromium' });
});

afterAll(async () => {
  await installation.stop();
  origin.closeAllConnections();
  origin.close();
});

async function list({ id }: SessionView): Promise<Listed['downloads']> {
  const { status, body } = await installation.call<Listed>('GET', `/v1/sessions/${id}/downloads`);
  expect(status).toBe(200);
  return body.downloads;
}

/** Waits until exactly these files are there, finished. */
async function untilDownloaded(session: SessionView, names: readonly string[]): Promise<void> {
  await pollUntil(names.join(), { timeoutMs: 10_000, everyMs: 50 }, async () => {
    const found = (await list(session)).filter(({ isComplete }) => isComplete).map(({ name }) => name);
    return JSON.stringify(found) === JSON.stringify([...names].sort()) ? true : undefined;
  });
}

const click = async (page: Page, selector: string): Promise<void> => page.click(selector);

describe.each([true, false])('downloads with headless: %s', headless => {
  let session: SessionView;

  beforeAll(async () => {
    session = await installation.create({ headless });
  });
  afterAll(() => installation.call('DELETE', `/v1/sessions/${session.id}`));

  it('are in the folder of the session, from pages and popups, also when no client is connected', async () => {
    await withPuppeteer(session, async page => {
      await page.goto(url);
      await click(page, '#click');
      await page.evaluate('make()');
      await click(page, '#popup');
      await untilDownloaded(session, ['a.bin.dat', 'made.txt', 'popup.dat']);
      await click(page, '#slow');
      await pollUntil('the slow one to begin', { timeoutMs: 10_000, everyMs: 50 }, async () =>
        (await list(session)).some(({ isComplete }) => !isComplete) ? true : undefined,
      );
    });
    finishSlow();
    await untilDownloaded(session, ['a.bin.dat', 'made.txt', 'popup.dat', 'slow.dat']);
    const response = await fetch(`${installation.url}/v1/sessions/${session.id}/downloads/slow.dat`);
    expect(await response.text()).toBe('y'.repeat(8_192));
  });
});

describe('a session behind a proxy with credentials', () => {
  const known = { username: 'ann', password: 'a-secret-of-this-test' };
  let upstream: UpstreamProxyServer;
  let session: SessionView;

  beforeAll(async () => {
    upstream = await startHttpProxy(known);
    session = await installation.create({ proxy: { server: upstream.url, ...known } });
  });
  afterAll(() => upstream.close());

  const title = async (): Promise<string> =>
    withPuppeteer(session, async page => {
      await page.goto(url);
      return page.title();
    });

  /** The companions of the browsers of this installation. */
  async function forwardProxies(): Promise<number[]> {
    const marker = `--forward-proxy-of=${installation.dir.path}/`;
    return (await systemProcesses.list())
      .filter(({ commandLine }) => commandLine.includes(marker))
      .map(({ pid }) => pid);
  }

  it.each(['keeper', 'worker'] as const)('goes on through it when the %s is killed', async role => {
    const before = await forwardProxies();
    expect(before).toHaveLength(1);
    const killed = await installation.signal(role, 'SIGKILL');
    const asked = upstream.carried.length;
    expect(await title()).toBe('files');
    expect(upstream.carried.length).toBeGreaterThan(asked);
    expect(await forwardProxies()).toEqual(before);
    // Without a worker that has adopted the browser, a release is answered before the browser is gone.
    await installation.replaced(role, killed);
  });

  it('leaves no process behind, and its password is in no output', async () => {
    const [pid = 0] = await forwardProxies();
    expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(known.password);
    const { body } = await installation.call('GET', `/v1/sessions/${session.id}`);
    expect(JSON.stringify(body)).not.toContain(known.password);
    await installation.call('DELETE', `/v1/sessions/${session.id}`);
    await pollUntil('the companion to be gone', { timeoutMs: 5_000, everyMs: 50 }, async () =>
      (await forwardProxies()).length === 0 ? true : undefined,
    );
    expect(installation.output).not.toContain(known.password);
  });
});
