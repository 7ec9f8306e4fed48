import { withPuppeteer } from '../support/clients';
import { Installation, type SessionView } from '../support/installation';

interface Cookies {
  readonly cookies: readonly { readonly name: string; readonly value: string; readonly httpOnly: boolean }[];
}

describe('the page routes of a session', () => {
  let installation: Installation;
  let session: SessionView;

  beforeAll(async () => {
    installation = await Installation.start({ browser: 'shell' });
    session = await installation.create({ idleTimeout: 60_000 });
  });
  afterAll(() => installation.stop());

  const path = (what: string): string => `/v1/sessions/${session.id}/${what}`;

  it('give a screenshot without a visible effect on the page', async () => {
    await withPuppeteer(session, async page => {
      await page.setViewport({ width: 320, height: 200 });
      await page.goto('data:text/html,<body style="margin:0;background:rgb(255,0,0)">');
      await page.evaluate('window.resizes = 0; addEventListener("resize", () => (window.resizes += 1))');
      const response = await fetch(`${installation.url}${path('screenshot')}`);
      const png = Buffer.from(await response.arrayBuffer());
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png']);
      expect(png.subarray(0, 8)).toEqual(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
      expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([320, 200]);
      expect(await page.evaluate('window.resizes')).toBe(0);
      // The client can still make and use a page: the service leaves no attachment that a new page has to wait for.
      const other = await page.browser().newPage();
      expect(await other.evaluate('1 + 1')).toBe(2);
      await other.close();
    });
    expect((await installation.call('GET', `${path('screenshot')}?pageId=nobody`)).body).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: 'query/pageId' }],
    });
  });

  it('set cookies and read them again, and refuse one without a site', async () => {
    const given = [
      { name: 'a', value: '1', url: 'https://example.org/' },
      {
        name: 'b',
        value: '2',
        domain: 'example.net',
        path: '/x',
        httpOnly: true,
        secure: true,
        sameSite: 'Lax',
      },
    ];
    const set = await installation.call<Cookies>('POST', path('cookies'), { cookies: given });
    expect(set.status).toBe(200);
    const read = await installation.call<Cookies>('GET', path('cookies'));
    expect(read.body).toEqual(set.body);
    expect(read.body.cookies.map(({ name, value, httpOnly }) => [name, value, httpOnly]).sort()).toEqual([
      ['a', '1', false],
      ['b', '2', true],
    ]);
    const { body } = await installation.call('POST', path('cookies'), {
      cookies: [{ name: 'c', value: '3' }],
    });
    expect(body).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/cookies/0' }] });
  });

  it('set cookies as they were read, also without a name, and partitioned ones', async () => {
    const partitionKey = { topLevelSite: 'https://example.com', hasCrossSiteAncestor: true };
    const shared = { name: 'p', value: 'for all', url: 'https://example.org/', secure: true };
    const given = [
      { name: '', value: 'nameless', url: 'https://example.org/' },
      shared,
      { ...shared, value: 'for one', partitionKey },
    ];
    const out = await installation.call<Cookies>('POST', path('cookies'), { cookies: given });
    expect(out).toMatchObject({ status: 200 });
    expect(out.body.cookies).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: '', value: 'nameless' }),
        expect.objectContaining({ name: 'p', value: 'for all' }),
        expect.objectContaining({ name: 'p', value: 'for one', partitionKey }),
      ]),
    );
    const back = await installation.call('POST', path('cookies'), out.body);
    expect(back).toMatchObject({ status: 200, body: out.body });
  });

  it.each([
    ['with an error', { name: 'd;', value: 'unseen', domain: 'example.net' }],
    ['in silence', { name: 'd', value: 'unseen', domain: 'example.net', expires: 1 }],
  ])('name a cookie that the browser refuses %s, and not its value', async (_how, bad) => {
    const good = { name: 'a', value: '1', url: 'https://example.org/' };
    const answer = await installation.call('POST', path('cookies'), { cookies: [good, bad] });
    const message = expect.stringContaining(`the cookie "${bad.name}"`) as string;
    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: [{ pointer: '/cookies/1', message }] },
    });
    expect(JSON.stringify(answer.body)).not.toContain(bad.value);
  });

  it('count as activity', async () => {
    const live = async (): Promise<number> => {
      const { body } = await installation.call<{ lastActivityAt: string }>('GET', path('live'));
      return Date.parse(body.lastActivityAt);
    };
    const before = await live();
    await installation.call('GET', path('cookies'));
    expect(await live()).toBeGreaterThan(before);
  });

  it('answer an error for a session that has ended', async () => {
    await installation.call('DELETE', `/v1/sessions/${session.id}`);
    for (const what of ['screenshot', 'cookies']) {
      expect(await installation.call('GET', path(what))).toMatchObject({
        status: 409,
        body: { code: 'session_ended' },
      });
    }
  });
});
