import WebSocket from 'ws';
import { contextRefOf, newContextId, refOf, uuidv7 } from '../../src/core/ids';
import { startTestApi, type TestApi } from '../support/api';
import type { DialectCall } from '../../src/http/dialects/dialect';
import { AGENTBAY_CALLS } from '../../src/http/dialects/agentbay/calls';
import { NOTTE_CALLS } from '../../src/http/dialects/notte/calls';
import { STEEL_CALLS } from '../../src/http/dialects/steel/calls';
import type { Operation } from '../../src/http/openapi/operation';
import { OPERATIONS } from '../../src/http/openapi/operations';
import { AgentBayWire } from '../support/agentbay';
import { versionCommit } from '../support/context-samples';
import { readEvents } from '../support/sse';
import { sendRaw } from '../support/raw-http';
import { makeTempDir, type TempDir } from '../support/temp-dir';
import { tryUpgrade } from '../support/upgrade';

/*
 * Tenant `beta` knows every id of tenant `acme`, and tries each operation of the registry with them: what belongs to
 * another tenant must be answered exactly as what does not exist (I14). A new operation is in here without a line.
 */

const VICTIM = { 'x-api-key': 'acme-key-1' };
const ATTACKER = 'beta-key-1';
const JSON_TYPE = 'application/json';

/** Ids of one tenant, or of nobody. */
interface Ids {
  readonly session: string;
  readonly context: string;
  readonly file: string;
}

let dir: TempDir;
let api: TestApi;
let theirs: Ids;
let mine: { readonly viewerUrl: string; readonly websocketUrl: string };

beforeAll(async () => {
  dir = await makeTempDir();
  api = await startTestApi({
    dataDir: dir.path,
    tls: { host: '127.0.0.1', port: 0, files: null },
    apiKeys: [
      { tenant: 'acme', key: 'acme-key-1' },
      { tenant: 'beta', key: ATTACKER },
    ],
  });
  const { id: session } = await api.createLive({ name: 'secret', labels: { team: 'a' } }, VICTIM);
  const made = await api.call('POST', '/v1/contexts', { headers: VICTIM, body: { name: 'logins' } });
  const context = String(made.body['id']);
  await api.deps.contextVersions.commit(versionCommit(contextRefOf('acme', context), { baseVersion: 0 }));
  await api.deps.files.keep('file-of-acme', {
    tenant: 'acme',
    contentType: JSON_TYPE,
    content: Buffer.from('"secret"'),
  });
  theirs = { session, context, file: 'file-of-acme' };
  const own = await api.createLive({}, { 'x-api-key': ATTACKER });
  mine = { viewerUrl: own.viewerUrl, websocketUrl: String(own.websocketUrl) };
});
afterAll(async () => {
  await api.stop();
  await dir.remove();
});

const nobodys = (): Ids => ({
  session: uuidv7(Date.parse('2030-01-01')),
  context: newContextId(Date.parse('2030-01-01')),
  file: 'file-of-nobody',
});

/* The id that a path asks for first; further parts are the same in both requests. */
function filled(path: string, ids: Ids): string {
  const id =
    path.includes('/contexts/') || path.includes('/profiles/')
      ? ids.context
      : path.includes('/v1/files/')
        ? ids.file
        : ids.session;
  return path
    .replace(/\{\+?(?:id|sessionId|profileId)\}/, id)
    .replace('{version}', '1')
    .replaceAll(/\{\+?\w+\}/g, 'x');
}

/** A request with the same body and headers for both; the answer without what differs from request to request. */
async function answerTo(
  { method, path }: { readonly method: string; readonly path: string },
  ids: Ids,
  body: string,
  contentType: string,
): Promise<string> {
  const answer = await sendRaw(api.url, {
    method,
    path: filled(path, ids),
    headers: [
      ['x-api-key', ATTACKER],
      ['steel-api-key', ATTACKER],
      ['authorization', `Bearer ${ATTACKER}`],
      ['content-type', contentType],
      ['x-request-id', 'probe'],
    ],
    body,
  });
  const { session, context, file } = ids;
  const text = answer.text.replaceAll(session, '<id>').replaceAll(context, '<id>').replaceAll(file, '<id>');
  return `${answer.status} ${text}`;
}

const withId = Object.entries<Operation>(OPERATIONS).filter(
  ([, { path, scope }]) => path.includes('{id}') && scope !== 'admin',
);

const untouched = async (): Promise<void> => {
  const session = await api.call('GET', `/v1/sessions/${theirs.session}`, { headers: VICTIM });
  expect(session.body).toMatchObject({ status: 'live', name: 'secret', labels: { team: 'a' }, revision: 3 });
  const context = await api.call('GET', `/v1/contexts/${theirs.context}`, { headers: VICTIM });
  expect(context.body).toMatchObject({ name: 'logins', currentVersion: 1 });
};

describe('what belongs to another tenant', () => {
  it.each(withId)('is answered by %s as what does not exist', async (_id, operation) => {
    const streamed = Object.keys(operation.streamedBody ?? {}).find(type =>
      type.startsWith('application/octet'),
    );
    const body =
      operation.method === 'GET'
        ? ''
        : streamed === undefined
          ? JSON.stringify(operation.bodyExample ?? {})
          : 'bytes';
    const path = streamed === undefined ? operation.path : `${operation.path}?name=x`;
    const call = { method: operation.method, path };
    const contentType = streamed ?? JSON_TYPE;
    const foreign = await answerTo(call, theirs, body, contentType);
    expect(foreign).toBe(await answerTo(call, nobodys(), body, contentType));
    expect(Number(foreign.slice(0, 3))).toBeGreaterThanOrEqual(400);
    await untouched();
  });

  const dialectCalls = [['/steel', STEEL_CALLS] as const, ['/notte', NOTTE_CALLS] as const].flatMap(
    ([mount, calls]) =>
      Object.entries<DialectCall>(calls)
        .filter(([, { path, isMissing }]) => path.includes('{') && isMissing !== true)
        .map(([name, { method, path }]) => [name, { method, path: mount + path }] as const),
  );

  it.each(dialectCalls)('is answered by the dialect call %s as what does not exist', async (_name, call) => {
    const body = call.method === 'GET' ? '' : '{}';
    const foreign = await answerTo(call, theirs, body, JSON_TYPE);
    expect(foreign).toBe(await answerTo(call, nobodys(), body, JSON_TYPE));
    expect(Number(foreign.slice(0, 3))).toBeGreaterThanOrEqual(400);
    await untouched();
  });

  // Those that make something take no id of something else.
  const agentBayCalls = Object.entries<DialectCall>(AGENTBAY_CALLS).filter(
    ([name, { isMissing }]) => isMissing !== true && !['createSession', 'getContext'].includes(name),
  );

  it.each(agentBayCalls)(
    'is answered by the AgentBay action %s as what does not exist',
    async (_name, call) => {
      const wire = await AgentBayWire.of(api.tlsUrl, dir.path, ATTACKER);
      const answered = async ({ session, context }: Ids): Promise<string> => {
        const { RequestId, ...answer } = await wire.call(call.path.slice(1), {
          ...{ SessionId: session, ContextId: context, Id: context, Name: 'renamed', Labels: '{"a":"b"}' },
          ...{ Path: '/tmp/agentbay_browser', TaskType: 'upload', Option: '{}' },
        });
        expect(RequestId).not.toBe('');
        return JSON.stringify(answer).replaceAll(session, '<id>').replaceAll(context, '<id>');
      };
      expect(await answered(theirs)).toBe(await answered(nobodys()));
      await untouched();
    },
  );

  it('is in no list, count or figure of another', async () => {
    const lists = Object.values<Operation>(OPERATIONS).filter(
      ({ path, method, scope }) =>
        method === 'GET' &&
        scope !== undefined &&
        scope !== 'admin' &&
        !path.includes('{') &&
        path !== '/v1/events',
    );
    expect(lists.length).toBeGreaterThan(4);
    for (const { path } of lists) {
      const answer = await sendRaw(api.url, { method: 'GET', path, headers: [['x-api-key', ATTACKER]] });
      expect([path, answer.status]).toEqual([path, 200]);
      for (const id of [theirs.session, theirs.context, theirs.file])
        expect([path, answer.text.includes(id)]).toEqual([path, false]);
    }
    const usage = await api.call('GET', '/v1/usage', { headers: { 'x-api-key': ATTACKER } });
    expect(usage.body['contexts']).toEqual({ count: 0, bytes: 0 });
    const released = await api.call('POST', '/v1/sessions/release', { headers: { 'x-api-key': ATTACKER } });
    expect(released.status).toBe(200);
    await untouched();
  });

  it('is in no event stream of another', async () => {
    const reader = await readEvents(`${api.url}/v1/events`, { 'x-api-key': ATTACKER });
    try {
      const { id } = await api.createLive({}, VICTIM);
      await api.call('DELETE', `/v1/sessions/${id}`, { headers: VICTIM });
      const own = await api.createLive({}, { 'x-api-key': ATTACKER });
      await reader.atLeast(1);
      expect(JSON.stringify(reader.events)).toContain(own.id);
      expect(JSON.stringify(reader.events)).not.toContain(id);
    } finally {
      await reader.stop();
    }
  });

  it('opens no WebSocket for a key, a token or a viewer token of another', async () => {
    const base = api.url.replace(/^http/, 'ws');
    const token = new URL(mine.websocketUrl).searchParams.get('token') ?? '';
    const viewer = new URL(mine.viewerUrl).searchParams.get('token') ?? '';
    const outcome = async (path: string): Promise<unknown> => {
      const answer = await tryUpgrade(`${base}${path}`, { 'x-api-key': ATTACKER });
      if ('socket' in answer) answer.socket.terminate();
      return 'socket' in answer ? WebSocket.OPEN : answer;
    };
    for (const pathOf of [
      (id: string) => `/v1/sessions/${id}/cdp`,
      (id: string) => `/v1/sessions/${id}/cdp/devtools/page/1`,
      (id: string) => `/v1/sessions/${id}/cdp?token=${token}`,
      (id: string) => `/v1/sessions/${id}/cdp?token=${token.replace(/^beta/, 'acme')}`,
      (id: string) => `/v1/sessions/${id}/cdp?token=${viewer}`,
      (id: string) => `/steel/?sessionId=${id}&apiKey=${ATTACKER}`,
      (id: string) => `/steel/?sessionId=${id}&token=${token}`,
    ]) {
      const foreign = await outcome(pathOf(theirs.session));
      expect(foreign).not.toBe(WebSocket.OPEN);
      expect(foreign).toEqual(await outcome(pathOf(nobodys().session)));
    }
    for (const what of ['view', 'view/state', 'view/picture']) {
      const path = `/v1/sessions/${theirs.session}/${what}?token=${viewer}`;
      expect((await sendRaw(api.url, { method: 'GET', path })).status).toBe(401);
    }
  });

  it('is not found by the id of another tenant in a path', async () => {
    for (const id of [
      `acme/${theirs.session}`,
      encodeURIComponent(refOf('acme', theirs.session)),
      `..%2facme%2f${theirs.session}`,
    ]) {
      const path = `/v1/sessions/${id}`;
      const answer = await sendRaw(api.url, { method: 'GET', path, headers: [['x-api-key', ATTACKER]] });
      expect([path, answer.status]).toEqual([path, 404]);
    }
  });
});
