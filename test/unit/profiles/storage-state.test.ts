import { ServiceError } from '../../../src/core/errors';
import type { BrowserState } from '../../../src/core/browser-state';
import { fromStorageState, toStorageState } from '../../../src/profiles/storage-state';

const PLAYWRIGHT = {
  cookies: [
    {
      name: 'sid',
      value: '1',
      domain: '.shop.example',
      path: '/',
      expires: -1,
      httpOnly: true,
      secure: true,
      sameSite: 'Lax' as const,
    },
    {
      name: 'part',
      value: '2',
      domain: 'pay.example',
      path: '/',
      expires: 1_900_000_000.5,
      httpOnly: false,
      secure: true,
      sameSite: 'None' as const,
      partitionKey: 'https://shop.example',
      _crHasCrossSiteAncestor: true,
    },
  ],
  origins: [{ origin: 'https://shop.example:8443', localStorage: [{ name: 'token', value: 'ü' }] }],
};

const problemsOf = (json: unknown): Record<string, string> => {
  try {
    fromStorageState(json);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    expect(error.code).toBe('invalid_request');
    return Object.fromEntries(error.fields.map(({ pointer, message }) => [pointer, message]));
  }
  throw new Error('it was accepted');
};
const cookieWith = (changes: object): unknown => ({ cookies: [{ ...PLAYWRIGHT.cookies[0], ...changes }] });

describe('a storageState of Playwright', () => {
  it('comes back as it was taken in', () => {
    expect(toStorageState(fromStorageState(PLAYWRIGHT))).toEqual(PLAYWRIGHT);
  });

  it('becomes what CDP takes', () => {
    expect(fromStorageState(PLAYWRIGHT)).toMatchObject({
      cookies: [
        { name: 'sid' },
        { partitionKey: { topLevelSite: 'https://shop.example', hasCrossSiteAncestor: true } },
      ],
      localStorage: [{ storageKey: 'https://shop.example:8443/', items: [['token', 'ü']] }],
    });
  });

  it('may lack what has a default, and be empty', () => {
    expect(fromStorageState({})).toEqual({ cookies: [], localStorage: [] });
    expect(
      fromStorageState({ cookies: [{ name: 'a', value: 'b', domain: 'c.example', path: '/' }] }).cookies,
    ).toEqual([
      {
        name: 'a',
        value: 'b',
        domain: 'c.example',
        path: '/',
        expires: -1,
        httpOnly: false,
        secure: false,
        sameSite: 'Lax',
      },
    ]);
  });

  it('is made without what it has no place for', () => {
    const state: BrowserState = {
      cookies: [],
      localStorage: [
        {
          storageKey: 'https://a.example/^0https://b.example',
          origin: 'https://a.example',
          items: [['k', 'v']],
        },
        { storageKey: 'https://c.example/', origin: 'https://c.example', items: [] },
      ],
    };
    expect(toStorageState(state)).toEqual({ cookies: [], origins: [] });
  });

  it.each<[what: string, pointer: string, json: unknown]>([
    ['no object', '', []],
    ['an unknown field', '/cookie', { cookie: [] }],
    ['a cookie that is none', '/cookies/0', { cookies: [1] }],
    ['a cookie without a domain', '/cookies/0/domain', cookieWith({ domain: undefined })],
    ['a cookie with an unknown SameSite', '/cookies/0/sameSite', cookieWith({ sameSite: 'lax' })],
    ['a cookie with a relative path', '/cookies/0/path', cookieWith({ path: 'a' })],
    ['a cookie without name and value', '/cookies/0', cookieWith({ name: '', value: '' })],
    ['a cookie that is too long', '/cookies/0/value', cookieWith({ value: 'x'.repeat(4_097) })],
    ['too many cookies', '/cookies', { cookies: Array.from({ length: 5_001 }, () => PLAYWRIGHT.cookies[0]) }],
    ['a URL for an origin', '/origins/0/origin', { origins: [{ origin: 'https://a.example/path' }] }],
    ['an origin of another scheme', '/origins/0/origin', { origins: [{ origin: 'chrome://settings' }] }],
    [
      'an origin that comes twice',
      '/origins/1/origin',
      { origins: [...PLAYWRIGHT.origins, ...PLAYWRIGHT.origins] },
    ],
    [
      'databases',
      '/origins/0/indexedDB',
      { origins: [{ origin: 'https://a.example', indexedDB: [{ name: 'db' }] }] },
    ],
    [
      'too much for an origin',
      '/origins/0/localStorage',
      {
        origins: [
          { origin: 'https://a.example', localStorage: [{ name: 'a', value: 'x'.repeat(11 * 2 ** 20) }] },
        ],
      },
    ],
  ])('is refused with %s, which is named', (_, pointer, json) => {
    expect(problemsOf(json)).toHaveProperty([pointer]);
  });
});
