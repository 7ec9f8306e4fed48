import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Dialog, HTTPRequest, Page } from 'puppeteer';
import { connectPuppeteer, withPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';
import { pollUntil } from '../support/poll-until';

type Viewed = SessionView & { readonly viewerUrl: string };

const RED = 'data:text/html,<title>red</title><body style="background:rgb(255,0,0)">';
const BLUE = 'data:text/html,<title>blue</title><body style="background:rgb(0,0,255)">';

/* The colour in the middle of the picture that the viewer shows: r, g or b, whichever is strongest. */
const SHOWN_COLOUR = `(() => {
  const picture = document.querySelector('#picture');
  if (picture === null || picture.hidden || picture.naturalWidth === 0) return 'none';
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
  const context = canvas.getContext('2d');
  context.drawImage(picture, 0, 0);
  const [r, g, b] = context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data;
  return r > 200 && b < 50 ? 'red' : b > 200 && r < 50 ? 'blue' : [r, g, b].join();
})()`;

describe('the viewer of a session', () => {
  let installation: Installation;
  let looker: SessionView;
  beforeAll(async () => {
    installation = await Installation.start({ browser: 'shell', env: { HOLDFAST_SLOTS: '6' } });
    looker = await installation.create({});
  });
  afterAll(() => installation.stop());

  const create = async (options: Record<string, unknown> = {}): Promise<Viewed> => {
    const session = await installation.create(options);
    // SAFETY: every session has a viewer URL.
    return session as Viewed;
  };

  /* Opens the viewer in a browser of a person. */
  const look = async (url: string, work: (page: Page) => Promise<void>): Promise<void> =>
    withPuppeteer(looker, async (_first, browser) => {
      const page = await browser.newPage();
      try {
        await page.goto(url);
        await work(page);
      } finally {
        await page.close();
      }
    });

  const shows = async (page: Page, what: string, expression: string, wanted: unknown): Promise<void> => {
    let last: unknown;
    await pollUntil(what, { timeoutMs: 15_000, everyMs: 100 }, async () => {
      last = await page.evaluate(expression);
      return last === wanted ? true : undefined;
    }).catch((error: unknown) => {
      throw new Error(`shows ${JSON.stringify(last)} and not ${JSON.stringify(wanted)}`, { cause: error });
    });
  };

  it('shows the newest page, another one when it is chosen, and how the session ended', async () => {
    const session = await create({ name: 'watched' });
    const client = await connectPuppeteer(session);
    const shown: Dialog[] = [];
    const [first = await client.newPage()] = await client.pages();
    await first.goto(RED);
    await (await client.newPage()).goto(BLUE);
    await look(session.viewerUrl, async page => {
      await shows(page, 'the picture of the newest page', SHOWN_COLOUR, 'blue');
      expect(await page.title()).toBe('watched – live');
      const titles = '[...document.querySelectorAll("#pages .title")].map(({ textContent }) => textContent)';
      expect(await page.evaluate(titles)).toEqual(['blue', 'red']);
      const time = await page.evaluate('document.querySelector("#time").textContent');
      expect(time).toMatch(/^\d+:\d\d left$/);
      await page.click('#pages li:nth-child(2) button');
      await shows(page, 'the chosen page', SHOWN_COLOUR, 'red');
      await first.goto(BLUE);
      await shows(page, 'what the chosen page shows later', SHOWN_COLOUR, 'blue');
      first.once('dialog', dialog => void shown.push(dialog));
      first.evaluate('alert("stop")').catch(() => undefined);
      await shows(
        page,
        'that there is no picture',
        'document.querySelector("#notice").textContent',
        'The page gives no picture at the moment. Perhaps it shows a dialog, or is busy.',
      );
      await shown[0]?.accept();
      await shows(page, 'the picture again', 'document.querySelector("#notice").textContent', '');
      // The client can still make and use a page.
      const another = await client.newPage();
      expect(await another.evaluate('1 + 1')).toBe(2);
      await client.disconnect();
      await installation.call('DELETE', `/v1/sessions/${session.id}`);
      await shows(
        page,
        'the end',
        'document.querySelector("#notice").textContent',
        'The session has ended: released, released_by_client. A client released it.',
      );
    });
  });

  it('asks nothing of any other site, and may be shown in a frame of one', async () => {
    const session = await create();
    await withPuppeteer(session, page => page.goto(RED));
    const asked: string[] = [];
    const framed = `<iframe width=800 height=600 src="${session.viewerUrl}"></iframe>`;
    const site = createServer((_req, res) => void res.setHeader('content-type', 'text/html').end(framed));
    await once(site.listen(0, '127.0.0.1'), 'listening');
    // SAFETY: a server that listens on a port.
    const { port } = site.address() as AddressInfo;
    await withPuppeteer(looker, async (_first, browser) => {
      const page = await browser.newPage();
      try {
        page.on('request', (request: HTTPRequest) => void asked.push(request.url()));
        await page.goto(`http://localhost:${port}/`);
        await pollUntil('the picture in the frame', { timeoutMs: 10_000, everyMs: 100 }, async () => {
          const frame = page.frames().find(one => one.url() === session.viewerUrl);
          return (await frame?.evaluate(SHOWN_COLOUR)) === 'red' ? true : undefined;
        });
      } finally {
        await page.close();
        site.close();
      }
    });
    const elsewhere = asked.filter(
      url => !/^(?:blob:|http:\/\/localhost:)/.test(url) && !url.startsWith(installation.url),
    );
    expect(elsewhere).toEqual([]);
  });

  it('does not keep an idle session alive', async () => {
    const session = await create({ idleTimeout: 4_000 });
    const url = session.viewerUrl.replace('/view?', '/view/picture?');
    const end: unknown = await pollUntil('the end', { timeoutMs: 20_000, everyMs: 300 }, async () => {
      const answer = await fetch(url);
      const content = await answer.text();
      // 502: the browser was just being closed.
      const isLive = [200, 502].includes(answer.status);
      // SAFETY: every error is a JSON object.
      return isLive ? undefined : (JSON.parse(content) as object);
    });
    expect(end).toMatchObject({ status: 409, code: 'session_ended', endReason: 'idle_timeout' });
  });

  it('writes its token into no log', async () => {
    const session = await create();
    expect((await fetch(session.viewerUrl)).status).toBe(200);
    const token = new URL(session.viewerUrl).searchParams.get('token') ?? 'none';
    await pollUntil('the line about the request', { timeoutMs: 5_000, everyMs: 50 }, () =>
      installation.output.includes(`/v1/sessions/${session.id}/view?token=[redacted]`) ? true : undefined,
    );
    expect(installation.output).not.toContain(token);
  });
});
