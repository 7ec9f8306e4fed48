import type { IncomingHttpHeaders } from 'node:http';
import { Socket } from 'node:net';
import type { Sender } from '../../../src/http/edge/open-access';
import type { ApiKey } from '../../../src/config/api-keys';
import { newKey } from '../../../src/core/api-key';
import { refOf } from '../../../src/core/ids';
import type { FailedKeys } from '../../../src/engine/failed-keys';
import { Authenticator } from '../../../src/http/edge/authenticator';
import { connectToken, grantOfToken } from '../../../src/contract/connect-token';
import { refOfViewerToken, viewerToken } from '../../../src/contract/viewer-token';

const keys = [
  { tenant: 'acme', key: 'acme-key-1' },
  { tenant: 'acme', key: 'acme-key-2' },
  { tenant: 'beta', key: 'beta-key-1' },
] as const;

const NO_STORED_KEYS = { find: async () => Promise.resolve(null) };
/** Tests of who is refused are in engine/failed-keys. */
const EVERY_KEY: Pick<FailedKeys, 'check'> = { check: async (_sender, _key, find) => find() };
const authenticatorOf = (apiKeys: readonly ApiKey[]): Authenticator =>
  new Authenticator(apiKeys, NO_STORED_KEYS, async () => Promise.resolve(), EVERY_KEY);
const sent = (headers: IncomingHttpHeaders): Sender => ({ headers, socket: new Socket() });

describe('API keys', () => {
  const authenticator = authenticatorOf(keys);
  const tenantOf = async (headers: IncomingHttpHeaders): Promise<string | null> =>
    (await authenticator.callerOf(sent(headers), null))?.tenant ?? null;
  const tenantOfPerson = async (headers: IncomingHttpHeaders): Promise<string | null> =>
    (await authenticator.callerOfPerson(sent(headers), null))?.tenant ?? null;

  it.each([
    ['authorization', 'Bearer acme-key-1', 'acme'],
    ['authorization', 'bearer   beta-key-1', 'beta'],
    ['x-api-key', 'acme-key-2', 'acme'],
    ['steel-api-key', 'beta-key-1', 'beta'],
  ])('are taken from %s: %s', async (header, value, tenant) => {
    expect(await tenantOf({ [header]: value })).toBe(tenant);
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
  ])('are refused in %j', async headers => {
    expect(await tenantOf(headers)).toBeNull();
  });

  it('are taken from the password of a browser only on pages for users', async () => {
    const basic = (credentials: string): string => `Basic ${Buffer.from(credentials).toString('base64')}`;
    for (const name of ['', 'me', 'ä']) {
      const headers = { authorization: basic(`${name}:acme-key-1`) };
      expect(await tenantOfPerson(headers)).toBe('acme');
      expect(await tenantOf(headers)).toBeNull();
    }
    for (const authorization of [
      basic('acme-key-1'),
      basic('me:acme-key-'),
      'Basic',
      'Basic %%%',
      basic(''),
    ]) {
      expect(await tenantOfPerson({ authorization })).toBeNull();
    }
    expect(await tenantOfPerson({ 'x-api-key': 'beta-key-1' })).toBe('beta');
    expect(authenticator.isShared).toBe(true);
    expect(authenticatorOf(keys.slice(0, 2)).isShared).toBe(false);
  });

  it('are not asked for where none are configured', async () => {
    const open = authenticatorOf([]);
    for (const headers of [{}, { 'x-api-key': 'whatever' }, { 'x-api-key': `hf_not-a-stored-one` }])
      expect(await open.callerOf(sent(headers), 'admin')).toMatchObject({ tenant: 'default' });
    expect(await open.callerOfPerson(sent({}), 'admin')).toMatchObject({ tenant: 'default' });
  });

  it('that have the form of stored ones are checked also where none are needed', async () => {
    expect(await authenticatorOf([]).callerOf(sent({ 'x-api-key': newKey().key }), null)).toBeNull();
  });
});

describe('the keys that administer the installation', () => {
  const adminsAmong = async (apiKeys: readonly ApiKey[]): Promise<string[]> => {
    const authenticator = authenticatorOf(apiKeys);
    const callers = apiKeys.map(async ({ key }) => ({
      key,
      caller: await authenticator.callerOf(sent({ 'x-api-key': key }), null),
    }));
    return (await Promise.all(callers)).flatMap(({ key, caller }) =>
      caller?.scopes.includes('admin') === true ? [key] : [],
    );
  };
  const [one, two, other] = keys;

  it('are all of a single tenant', async () => {
    expect(await adminsAmong([one, two])).toEqual(['acme-key-1', 'acme-key-2']);
  });

  it('are the marked ones, if there are any', async () => {
    expect(await adminsAmong([one, { ...two, isAdmin: true }])).toEqual(['acme-key-2']);
    expect(await adminsAmong([one, { ...other, isAdmin: true }])).toEqual(['beta-key-1']);
  });

  it('are none of several tenants without a mark, and a refusal names the missing scope', async () => {
    expect(await adminsAmong(keys)).toEqual([]);
    const asking = authenticatorOf(keys).callerOf(sent({ 'x-api-key': one.key }), 'admin');
    await expect(asking).rejects.toMatchObject({ code: 'forbidden', details: { missingScope: 'admin' } });
  });
});

describe('connect tokens', () => {
  const secret = 'a secret of the installation';
  const ref = refOf('acme', 's-1');
  const token = connectToken(secret, ref, 0);

  it('open the session they are made for, and are always the same', () => {
    expect(token).toMatch(/^acme\.[A-Za-z0-9_-]{43}$/);
    expect(connectToken(secret, ref, 0)).toBe(token);
    expect(grantOfToken(secret, 's-1', token)).toEqual({ ref, generation: 0 });
    const rotated = connectToken(secret, ref, 12);
    expect(rotated).toMatch(/^acme\.12\.[A-Za-z0-9_-]{43}$/);
    expect(grantOfToken(secret, 's-1', rotated)).toEqual({ ref, generation: 12 });
  });

  it.each([
    ['another session', secret, 's-2', token],
    ['the same id of another tenant', secret, 's-1', token.replace('acme', 'beta')],
    ['another installation', 'another secret', 's-1', token],
    ['a changed signature', secret, 's-1', `${token.slice(0, -2)}AA`],
    ['a shortened signature', secret, 's-1', token.slice(0, -1)],
    ['no signature', secret, 's-1', 'acme.'],
    ['no tenant', secret, 's-1', token.slice('acme'.length)],
    ['another generation', secret, 's-1', token.replace('acme.', 'acme.1.')],
    ['a generation written otherwise', secret, 's-1', connectToken(secret, ref, 1).replace('.1.', '.01.')],
    ['nothing', secret, 's-1', ''],
  ])('do not open %s', (_what, withSecret, id, given) => {
    expect(grantOfToken(withSecret, id, given)).toBeNull();
  });
});

describe('viewer tokens', () => {
  const secret = 'a secret of the installation';
  const ref = refOf('acme', 's-1');

  it('are for looking at their session only, and connect tokens are not for looking', () => {
    const token = viewerToken(secret, ref);
    expect(token).toMatch(/^acme\.[A-Za-z0-9_-]{43}$/);
    expect(refOfViewerToken(secret, 's-1', token)).toBe(ref);
    expect(grantOfToken(secret, 's-1', token)).toBeNull();
    expect(refOfViewerToken(secret, 's-1', connectToken(secret, ref, 0))).toBeNull();
    expect(refOfViewerToken(secret, 's-2', token)).toBeNull();
  });
});
