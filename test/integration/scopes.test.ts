import { SCOPES, allows, type Scope } from '../../src/core/scopes';
import type { DialectCall } from '../../src/http/dialects/dialect';
import { AGENTBAY_CALLS } from '../../src/http/dialects/agentbay/calls';
import { NOTTE_CALLS } from '../../src/http/dialects/notte/calls';
import { STEEL_CALLS } from '../../src/http/dialects/steel/calls';
import { TESTMU_CALLS } from '../../src/http/dialects/testmu/calls';
import type { Operation } from '../../src/http/openapi/operation';
import { OPERATIONS } from '../../src/http/openapi/operations';
import { KEYS_OF_ADMIN_AND_OTHER, startTestApi, type Answer, type TestApi } from '../support/api';
import { tryUpgrade } from '../support/upgrade';

/* Every operation with a key of each scope: a new one is in here without a line. */

const ADMIN = { 'x-api-key': 'acme-key-1' };
const SCOPED = Object.entries<Operation>(OPERATIONS).filter(([, { scope }]) => scope !== undefined);
/* `connect` is a WebSocket, see below. */
const CALLS = SCOPED.filter(([id]) => id !== 'connect');

let api: TestApi;
const keyOf = new Map<Scope, string>();
beforeAll(async () => {
  api = await startTestApi({
    apiKeys: KEYS_OF_ADMIN_AND_OTHER,
  });
  for (const scope of SCOPES) {
    const body = { name: scope, scopes: [scope], tenant: 'walk' };
    const created = await api.call('POST', '/v1/keys', { headers: ADMIN, body });
    keyOf.set(scope, String(created.body['key']));
  }
});
afterAll(() => api.stop());

/* A path of an operation about things that do not exist: no call changes anything. */
const pathOf = (path: string): string => path.replaceAll(/\{\+?\w+\}/g, 'nothing');

async function call({ method, path }: Pick<Operation, 'method' | 'path'>, key: string): Promise<Answer> {
  const abort = new AbortController();
  const headers = { 'x-api-key': key, 'steel-api-key': key, 'x-notte-api-key': key };
  const isStream = path.endsWith('/events') || path.endsWith('/stream');
  if (!isStream) return api.call(method, path, { headers });
  // The head of a stream is enough.
  const response = await fetch(`${api.url}${path}`, { headers, signal: abort.signal });
  const isProblem = response.headers.get('content-type')?.includes('json') === true;
  const body = isProblem ? ((await response.json()) as Answer['body']) : {};
  abort.abort();
  return { status: response.status, headers: response.headers, body };
}

describe('operations', () => {
  it.each(CALLS)('%s answers 403 to every key without its scope, and to no other', async (_id, operation) => {
    for (const scope of SCOPES) {
      const answer = await call({ ...operation, path: pathOf(operation.path) }, keyOf.get(scope) ?? '');
      const needed = operation.scope ?? 'admin';
      if (allows([scope], needed)) expect([scope, answer.status]).not.toEqual([scope, 403]);
      else {
        expect([scope, answer.status]).toEqual([scope, 403]);
        expect(answer.body).toMatchObject({ code: 'forbidden', missingScope: needed });
        expect(answer.body['detail']).toContain(needed);
      }
    }
  });

  it('act on the whole installation with the scope admin only', () => {
    const admins = CALLS.filter(([, { scope }]) => scope === 'admin').map(([id]) => id);
    expect(admins).toEqual(
      expect.arrayContaining([
        ...['getMetrics', 'drainWorker', 'undrainWorker', 'createKey', 'listKeys', 'revokeKey'],
        ...['listJobs', 'getJob', 'retryJob', 'discardJob'],
      ]),
    );
    const changing = CALLS.filter(([, { scope }]) => scope === 'view').map(([, { method }]) => method);
    expect(new Set(changing)).toEqual(new Set(['GET']));
  });

  it('are described with their scope', async () => {
    const { body } = await api.call('GET', '/openapi.json');
    const paths = body['paths'] as Record<
      string,
      Record<string, { 'x-scope'?: string; description: string }>
    >;
    for (const [, { path, method, scope }] of SCOPED) {
      const described = paths[path]?.[method.toLowerCase()];
      expect([path, described?.['x-scope']]).toEqual([path, scope]);
      expect(described?.description).toContain(`scope \`${String(scope)}\``);
    }
  });

  it('with the only key of one tenant in the environment are all allowed', async () => {
    const single = await startTestApi({ apiKeys: [{ tenant: 'acme', key: 'acme-key-1' }] });
    try {
      for (const path of ['/metrics', '/v1/jobs', '/v1/keys', '/queues', '/v1/sessions'])
        expect([path, (await single.call('GET', path, { headers: ADMIN })).status]).toEqual([path, 200]);
      const drained = await single.call('POST', '/v1/workers/nothing/drain', { headers: ADMIN });
      expect(drained.status).toBe(404);
    } finally {
      await single.stop();
    }
  });

  it('of the installation are refused to the unmarked key of one of several tenants', async () => {
    const headers = { 'x-api-key': 'beta-key-1' };
    for (const path of ['/metrics', '/v1/jobs', '/v1/keys', '/queues'])
      expect([path, (await api.call('GET', path, { headers })).status]).toEqual([path, 403]);
    expect((await api.call('GET', '/v1/sessions', { headers })).status).toBe(200);
  });
});

describe('calls of dialects', () => {
  const dialects: readonly (readonly [string, Readonly<Record<string, DialectCall>>])[] = [
    ['/steel', STEEL_CALLS],
    ['/notte', NOTTE_CALLS],
    ['/testmu', TESTMU_CALLS],
  ];
  const calls = dialects.flatMap(([mount, of]) =>
    Object.values(of)
      .filter(({ isOpen }) => isOpen !== true)
      .map(({ method, path }) => [method, mount + pathOf(path)] as const),
  );

  it.each(calls)('%s %s need the scope sessions', async (method, path) => {
    const authorization = (key: string): string =>
      path.startsWith('/testmu') ? `Basic ${Buffer.from(`me:${key}`).toString('base64')}` : `Bearer ${key}`;
    for (const scope of ['view', 'jobs', 'sessions'] as const) {
      const key = keyOf.get(scope) ?? '';
      const headers = { authorization: authorization(key), 'steel-api-key': key };
      const { status } = await api.call(method, path, { headers });
      if (scope === 'sessions') expect([scope, status]).not.toEqual([scope, 403]);
      else expect([scope, status]).toEqual([scope, 403]);
    }
  });

  it('are in here of every dialect', () => {
    // AgentBay's are behind TLS, and go through the same router.
    expect(Object.values<DialectCall>(AGENTBAY_CALLS).every(({ isOpen }) => isOpen === undefined)).toBe(true);
    expect(calls.length).toBeGreaterThan(40);
  });
});

describe('WebSockets', () => {
  const sessionsOf = async (): Promise<number> => {
    const { body } = await api.call('GET', '/v1/sessions', {
      headers: { 'x-api-key': keyOf.get('view') ?? '' },
    });
    return (body['sessions'] as unknown[]).length;
  };
  const urls = (key: string): readonly string[] => [
    '/v1/sessions/nothing/cdp',
    '/v1/sessions/nothing/cdp/devtools/page/1',
    `/steel/?sessionId=nothing&apiKey=${key}`,
    `/notte/sessions/connect?token=${key}`,
    `/testmu/puppeteer?capabilities=${encodeURIComponent(JSON.stringify({ 'LT:Options': { accessKey: key } }))}`,
  ];

  it.each(['view', 'jobs'] as const)('are refused to a key with the scope %s', async scope => {
    const key = keyOf.get(scope) ?? '';
    const before = await sessionsOf();
    for (const path of urls(key)) {
      const headers: Record<string, string> = path.includes(key) ? {} : { 'x-api-key': key };
      const answer = await tryUpgrade(`${api.url.replace(/^http/, 'ws')}${path}`, headers);
      expect([path, 'status' in answer ? answer.status : 101]).toEqual([path, 403]);
    }
    expect(await sessionsOf()).toBe(before);
  });
});
