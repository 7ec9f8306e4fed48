import { DEFAULT_BROWSER_OPTIONS } from '../../../machines/session/session.types';
import { NO_SECRETS } from '../../../src/browser/launch-secrets';
import { ServiceError } from '../../../src/core/errors';
import { createBodyParser } from '../../../src/contract/schemas';

const create = createBodyParser({ timeoutDefaultMs: 300_000, timeoutMaxMs: 3_600_000 });

/** The error with which a body is refused. */
function refusal(body: unknown): ServiceError {
  try {
    create(body);
  } catch (error) {
    if (error instanceof ServiceError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

const pointersOf = ({ fields }: ServiceError): string[] => fields.map(({ pointer }) => pointer);

describe('the options of a browser', () => {
  it('are unset by default', () => {
    const nulls = Object.fromEntries(
      'headless dimensions deviceScaleFactor userAgent locale timezone proxy egress cookies'
        .split(' ')
        .map(name => [name, null]),
    );
    for (const body of [{}, nulls]) {
      expect(create(body)).toMatchObject({ options: DEFAULT_BROWSER_OPTIONS, secrets: NO_SECRETS });
    }
  });

  it('can all be chosen, and secret ones are kept apart', () => {
    const cookies = [{ name: 'sid', value: 'deadbeef', url: 'https://example.org/', sameSite: 'Lax' }];
    const { options, secrets } = create({
      browser: 'chromium',
      headless: false,
      dimensions: { width: 1_280, height: 720 },
      deviceScaleFactor: 1.5,
      userAgent: 'Mozilla/5.0 (X) Y/1.0',
      locale: 'de-DE',
      timezone: 'Europe/Berlin',
      proxy: { server: 'http://proxy.example:3128', username: 'ada', password: 'hunter2' },
      egress: { allow: ['*.Example.org:443'], deny: ['10.0.0.0/8'] },
      cookies,
    });
    expect(options).toEqual({
      browser: 'chromium',
      headless: false,
      dimensions: { width: 1_280, height: 720 },
      deviceScaleFactor: 1.5,
      userAgent: 'Mozilla/5.0 (X) Y/1.0',
      locale: 'de-DE',
      timezone: 'Europe/Berlin',
      egress: { allow: ['*.example.org:443'], deny: ['10.0.0.0/8'] },
      proxyServer: 'http://proxy.example:3128',
    });
    expect(secrets).toEqual({ proxy: { username: 'ada', password: 'hunter2' }, cookies });
  });

  it.each([
    ['de-de', 'de-DE'],
    ['zh-hans-cn', 'zh-Hans-CN'],
    ['ca-valencia', 'ca-valencia'],
  ])('take the locale %s as %s', (given, locale) => {
    expect(create({ locale: given }).options).toMatchObject({ locale });
  });

  it.each([
    ['europe/berlin', 'Europe/Berlin'],
    ['utc', 'UTC'],
    ['ASIA/KATMANDU', 'Asia/Katmandu'],
  ])('take the zone %s as %s, the name that Chromium reads', (given, timezone) => {
    expect(create({ timezone: given }).options).toMatchObject({ timezone });
  });

  it.each([
    ['HTTP://Proxy.Example:3128/', 'http://proxy.example:3128'],
    ['https://10.0.0.1:443', 'https://10.0.0.1:443'],
    ['socks5://[2001:db8::1]:1080', 'socks5://[2001:db8::1]:1080'],
  ])('take the proxy %s as %s', (server, proxyServer) => {
    expect(create({ proxy: { server } })).toMatchObject({ options: { proxyServer }, secrets: NO_SECRETS });
  });

  it('let a proxy have a user name without a password', () => {
    const { secrets } = create({ proxy: { server: 'http://p:1', username: 'ada' } });
    expect(secrets.proxy).toEqual({ username: 'ada', password: '' });
  });

  it('take an egress of which a part is left out, and one that lets nothing through', () => {
    const egressOf = (egress: unknown): unknown => create({ egress }).options.egress;
    expect(egressOf({ deny: ['*:25'] })).toEqual({ allow: null, deny: ['*:25'] });
    expect(egressOf({ allow: [], deny: null })).toEqual({ allow: [], deny: [] });
    expect(egressOf({})).toEqual({ allow: null, deny: [] });
  });

  it.each<[string, unknown, string]>([
    ['dimensions without a height', { dimensions: { width: 800 } }, '/dimensions/height'],
    ['a narrow page', { dimensions: { width: 99, height: 600 } }, '/dimensions/width'],
    ['a high page', { dimensions: { width: 800, height: 4_321 } }, '/dimensions/height'],
    ['half a pixel', { dimensions: { width: 800.5, height: 600 } }, '/dimensions/width'],
    [
      'more device pixels than fit into memory',
      { dimensions: { width: 7_680, height: 4_320 }, deviceScaleFactor: 1.1 },
      '/dimensions',
    ],
    [
      'a window narrower than windows are',
      { dimensions: { width: 499, height: 600 }, headless: false },
      '/dimensions/width',
    ],
    ['a browser that there is not', { browser: 'firefox' }, '/browser'],
    ['no name of a browser', { browser: '' }, '/browser'],
    ['windows of a browser without', { browser: 'chromium-headless-shell', headless: false }, '/headless'],
    ['a scale that is too small', { deviceScaleFactor: 0.4 }, '/deviceScaleFactor'],
    ['a scale that is too large', { deviceScaleFactor: 4.1 }, '/deviceScaleFactor'],
    ['an empty user agent', { userAgent: '' }, '/userAgent'],
    ['a user agent with a line feed', { userAgent: 'a\nX-Evil: 1' }, '/userAgent'],
    ['a user agent beyond ASCII', { userAgent: 'Größe' }, '/userAgent'],
    ['a user agent with a blank at its end', { userAgent: 'a ' }, '/userAgent'],
    ['a long user agent', { userAgent: 'x'.repeat(513) }, '/userAgent'],
    ['a locale with an underscore', { locale: 'de_DE' }, '/locale'],
    ['a locale with an extension', { locale: 'de-DE-u-co-phonebk' }, '/locale'],
    ['a locale that is a flag', { locale: '--no-sandbox' }, '/locale'],
    ['an unknown zone', { timezone: 'Europe/Nowhere' }, '/timezone'],
    ['an offset for a zone', { timezone: '+01:00' }, '/timezone'],
    ['a path for a zone', { timezone: ':/etc/passwd' }, '/timezone'],
    ['a proxy that is a string', { proxy: 'http://p:1' }, '/proxy'],
    ['a proxy of another kind', { proxy: { server: 'socks4://p:1' } }, '/proxy/server'],
    ['a proxy without a port', { proxy: { server: 'http://p' } }, '/proxy/server'],
    ['a port that does not exist', { proxy: { server: 'http://p:65536' } }, '/proxy/server'],
    ['a proxy at no IPv6 address', { proxy: { server: 'http://[:::::]:80' } }, '/proxy/server'],
    ['a proxy at no IPv4 address', { proxy: { server: 'socks5://256.1.1.1:1080' } }, '/proxy/server'],
    ['a proxy with a way out', { proxy: { server: 'http://p:1,direct://' } }, '/proxy/server'],
    ['a proxy with a rule', { proxy: { server: 'http=p:1;https=q:2' } }, '/proxy/server'],
    ['a proxy with a path', { proxy: { server: 'http://p:1/x' } }, '/proxy/server'],
    ['a password without a user name', { proxy: { server: 'http://p:1', password: 'x' } }, '/proxy/username'],
    [
      'a user name that Basic cannot carry',
      { proxy: { server: 'http://p:1', username: 'a:b', password: 'x' } },
      '/proxy/username',
    ],
    [
      'a password with a line feed',
      { proxy: { server: 'http://p:1', username: 'a', password: 'x\r\n' } },
      '/proxy/password',
    ],
    [
      'a password longer than SOCKS5 carries',
      { proxy: { server: 'http://p:1', username: 'a', password: 'ü'.repeat(128) } },
      '/proxy/password',
    ],
    ['a misspelt field of a proxy', { proxy: { server: 'http://p:1', user: 'a' } }, '/proxy/user'],
    ['an egress that is a list', { egress: ['example.org'] }, '/egress'],
    ['a misspelt field of an egress', { egress: { allowed: [] } }, '/egress/allowed'],
    ['a URL for a host', { egress: { allow: ['a.example', 'https://b.example'] } }, '/egress/allow/1'],
    ['an address in disguise', { egress: { deny: ['0x7f.1'] } }, '/egress/deny/0'],
    ['too many bits', { egress: { deny: ['10.0.0.0/33'] } }, '/egress/deny/0'],
    ['too many entries', { egress: { deny: Array.from({ length: 101 }, () => '*') } }, '/egress/deny'],
    ['a cookie for nowhere', { cookies: [{ name: 'a', value: 'b' }] }, '/cookies/0'],
    ['a cookie for a file', { cookies: [{ name: 'a', value: 'b', url: 'file:///' }] }, '/cookies/0/url'],
    [
      'cookies that are too many',
      {
        cookies: Array.from({ length: 20 }, (_, i) => ({
          name: `n${i}`,
          value: 'x'.repeat(4_000),
          domain: 'example.org',
        })),
      },
      '/cookies',
    ],
    ['headless as a word', { headless: 'new' }, '/headless'],
  ])('refuse %s and point at it', (_what, body, pointer) => {
    const error = refusal(body);
    expect([error.code, pointersOf(error)]).toEqual(['invalid_request', [pointer]]);
  });

  it('refuse credentials in the URL, say where they belong, and do not repeat them', () => {
    const { message } = refusal({ proxy: { server: 'http://ada:hunter2@p:1' } });
    expect(message).toContain('in their own fields');
    expect(message).not.toContain('hunter2');
  });

  it.each<[string, unknown]>([
    ['a password', { proxy: { server: 'http://p:1', username: 'ada', password: 'hunter2\n' } }],
    ['a cookie', { cookies: [{ name: 'a', value: 'hunter2', nonsense: true }] }],
    [
      'too many cookies',
      { cookies: Array.from({ length: 9_999 }, () => ({ name: 'a', value: 'hunter2', domain: 'b' })) },
    ],
  ])('do not repeat %s that they refuse', (_what, body) => {
    const { message, fields } = refusal(body);
    expect(JSON.stringify([message, fields])).not.toContain('hunter2');
  });
});
