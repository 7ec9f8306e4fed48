import { refOf } from '../../../src/core/ids';
import { Authenticator } from '../../../src/http/edge/authenticator';
import { connectToken, refOfToken } from '../../../src/contract/connect-token';
import { refOfViewerToken, viewerToken } from '../../../src/contract/viewer-token';

const keys = [
  { tenant: 'acme', key: 'acme-key-1' },
  { tenant: 'acme', key: 'acme-key-2' },
  { tenant: 'beta', key: 'beta-key-1' },
];

describe('API keys', () => {
  const authenticator = new Authenticator(keys);

  it.each([
    ['authorization', 'Bearer acme-key-1', 'acme'],
    ['authorization', 'bearer   beta-key-1', 'beta'],
    ['x-api-key', 'acme-key-2', 'acme'],
    ['steel-api-key', 'beta-key-1', 'beta'],
  ])('are taken from %s: %s', (header, value, tenant) => {
    expect(authenticator.tenantOf({ [header]: value })).toBe(tenant);
  });

  it.each([
    {},
    { authorization: 'Bearer' },
    { authorization: 'Basic acme-key-1' },
    { 'x-api-key': 'acme-key' },
    { 'x-api-key': 'acme-key-1 ' },
    { 'x-api-key': '' },
    { 'x-api-key': 'x'.repeat(10_000) },
    { cookie: 'x-api-key=acme-key-1' },
  ])('are refused in %j', headers => {
    expect(authenticator.tenantOf(headers)).toBeNull();
  });

  it('are taken from the password of a browser only on pages for users', () => {
    const basic = (credentials: string): string => `Basic ${Buffer.from(credentials).toString('base64')}`;
    for (const name of ['', 'me', 'ä']) {
      const headers = { authorization: basic(`${name}:acme-key-1`) };
      expect(authenticator.tenantOfPerson(headers)).toBe('acme');
      expect(authenticator.tenantOf(headers)).toBeNull();
    }
    for (const authorization of [
      basic('acme-key-1'),
      basic('me:acme-key-'),
      'Basic',
      'Basic %%%',
      basic(''),
    ]) {
      expect(authenticator.tenantOfPerson({ authorization })).toBeNull();
    }
    expect(authenticator.tenantOfPerson({ 'x-api-key': 'beta-key-1' })).toBe('beta');
    expect(authenticator.isShared).toBe(true);
    expect(new Authenticator(keys.slice(0, 2)).isShared).toBe(false);
    expect(new Authenticator([]).tenantOfPerson({})).toBe('default');
  });

  it('are not asked for where none are configured', () => {
    const open = new Authenticator([]);
    expect(open.tenantOf({})).toBe('default');
    expect(open.tenantOf({ 'x-api-key': 'whatever' })).toBe('default');
  });
});

describe('connect tokens', () => {
  const secret = 'a secret of the installation';
  const ref = refOf('acme', 's-1');
  const token = connectToken(secret, ref);

  it('open the session they are made for, and are always the same', () => {
    expect(token).toMatch(/^acme\.[A-Za-z0-9_-]{43}$/);
    expect(connectToken(secret, ref)).toBe(token);
    expect(refOfToken(secret, 's-1', token)).toBe(ref);
  });

  it.each([
    ['another session', secret, 's-2', token],
    ['the same id of another tenant', secret, 's-1', token.replace('acme', 'beta')],
    ['another installation', 'another secret', 's-1', token],
    ['a changed signature', secret, 's-1', `${token.slice(0, -2)}AA`],
    ['a shortened signature', secret, 's-1', token.slice(0, -1)],
    ['no signature', secret, 's-1', 'acme.'],
    ['no tenant', secret, 's-1', token.slice('acme'.length)],
    ['nothing', secret, 's-1', ''],
  ])('do not open %s', (_what, withSecret, id, given) => {
    expect(refOfToken(withSecret, id, given)).toBeNull();
  });
});

describe('viewer tokens', () => {
  const secret = 'a secret of the installation';
  const ref = refOf('acme', 's-1');

  it('are for looking at their session only, and connect tokens are not for looking', () => {
    const token = viewerToken(secret, ref);
    expect(token).toMatch(/^acme\.[A-Za-z0-9_-]{43}$/);
    expect(refOfViewerToken(secret, 's-1', token)).toBe(ref);
    expect(refOfToken(secret, 's-1', token)).toBeNull();
    expect(refOfViewerToken(secret, 's-1', connectToken(secret, ref))).toBeNull();
    expect(refOfViewerToken(secret, 's-2', token)).toBeNull();
  });
});
