import { once } from 'node:events';
import { WebSocket } from 'ws';
import { refOf } from '../../../src/core/ids';
import { AgentBayWire } from '../../support/agentbay';
import { startTestApi, type TestApi } from '../../support/api';
import { pollUntil } from '../../support/poll-until';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

let dir: TempDir;
let api: TestApi;
let a: AgentBayWire;
let b: AgentBayWire;

beforeAll(async () => {
  dir = await makeTempDir();
  api = await startTestApi({
    dataDir: dir.path,
    tls: { host: '127.0.0.1', port: 0, files: null },
    apiKeys: [
      { tenant: 'a', key: 'key-of-a' },
      { tenant: 'b', key: 'key-of-b' },
    ],
  });
  a = await AgentBayWire.of(api.tlsUrl, dir.path, 'key-of-a');
  b = a.withKey('key-of-b');
});
afterAll(async () => {
  await api.stop();
  await dir.remove();
});

const NO_SESSION = {
  status: 400,
  Code: 'InvalidMcpSession.NotFound',
  Message: 'Resource [McpSession] is not found.',
};
const PROFILE = '/tmp/agentbay_browser';

interface Created {
  readonly SessionId: string;
  readonly ResourceUrl: string;
}

interface Task {
  readonly contextId: string;
  readonly taskType: string;
  readonly status: string;
}

const create = (form: Record<string, string> = {}, client = a): Promise<Created> =>
  client.data<Created>('CreateMcpSession', form);

async function tasksOf(SessionId: string): Promise<readonly Task[]> {
  const { ContextStatus } = await a.data<{ ContextStatus: string }>('GetContextInfo', { SessionId });
  // SAFETY: two levels of JSON, as its clients parse them.
  const [{ data }] = JSON.parse(ContextStatus) as [{ data: string }];
  return JSON.parse(data) as Task[];
}

async function contextOf(Name: string): Promise<string> {
  return (await a.data<{ Id: string }>('GetContext', { Name, AllowCreate: 'true' })).Id;
}

const binding = (ContextId: string, Path = PROFILE, Policy: object = {}): Record<string, string> => ({
  PersistenceDataList: JSON.stringify([{ ContextId, Path, Policy: JSON.stringify(Policy) }]),
});

const timesOf = async (id: string): Promise<Record<string, unknown>> =>
  (await api.call('GET', `/v1/sessions/${id}`, { headers: { 'x-api-key': 'key-of-a' } })).body;

describe("AgentBay's transport", () => {
  it('answers in its envelope, to chunked forms, forms with a length, and queries alike', async () => {
    for (const answered of [
      await a.call('ListSession', { Labels: '{}', MaxResults: '10' }),
      await a.callFromPython('ListSession', { Labels: '{}', MaxResults: '10' }),
      await a.callByQuery('ListSession', { Labels: '{}', MaxResults: '10' }),
    ]) {
      expect(answered).toMatchObject({
        status: 200,
        Success: true,
        Code: 'ok',
        HttpStatusCode: 200,
        Message: '',
      });
      expect(answered.RequestId).not.toBe('');
      expect(answered).toMatchObject({
        NextToken: expect.any(String),
        MaxResults: 10,
        TotalCount: expect.any(Number),
      });
    }
  });

  it('takes the action from the header alone, and refuses two that differ', async () => {
    const headers = { 'x-acs-action': 'ListSession', 'content-type': 'application/x-www-form-urlencoded' };
    const body = 'Authorization=Bearer%20key-of-a';
    expect(await a.raw({ path: '/', headers, body })).toMatchObject({ status: 200, Code: 'ok' });
    const two = await a.raw({ path: '/?Action=GetContext', headers, body });
    expect(two).toMatchObject({ status: 400, Code: 'InvalidParameter' });
  });

  it.each<[string, string, Record<string, string>, string, number, string]>([
    ['no action', '/', {}, '', 404, 'InvalidAction.NotFound'],
    ['an action of no name', '/?Action=../../v1', {}, '', 404, 'InvalidAction.NotFound'],
    ['an unknown action', '/?Action=MakeCoffee', {}, '', 404, 'InvalidAction.NotFound'],
    ['an action that it does not have', '/?Action=CallMcpTool', {}, '', 404, 'InvalidAction.NotFound'],
    ['two values', '/?Action=GetLabel&SessionId=a', {}, 'SessionId=b', 400, 'InvalidParameter'],
    [
      'JSON as a body',
      '/?Action=ListSession',
      { 'content-type': 'application/json' },
      '{}',
      400,
      'InvalidParameter',
    ],
    [
      'a body that is too large',
      '/?Action=ListSession',
      {},
      `Labels=${'x'.repeat(300_000)}`,
      400,
      'InvalidParameter',
    ],
    [
      'a compressed body',
      '/?Action=ListSession',
      { 'content-encoding': 'gzip' },
      'x',
      400,
      'InvalidParameter',
    ],
  ])('answers %s in its error shape', async (_what, path, headers, body, status, Code) => {
    const sent = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
    const key = `${path.includes('?') ? '&' : '?'}Authorization=Bearer%20key-of-a`;
    const answered = await a.raw({ path: path + key, headers: sent, body });
    expect(answered).toMatchObject({ status, Success: false, Code, HttpStatusCode: status });
    expect(answered.RequestId).not.toBe('');
    expect(answered.Message).not.toBe('');
  });

  it('knows no one without a key, or with a wrong one', async () => {
    for (const Authorization of ['', 'key-of-a', 'Bearer', 'Bearer key-of-c', 'Basic key-of-a']) {
      const path = `/?Action=ListSession&Authorization=${encodeURIComponent(Authorization)}`;
      expect(await a.raw({ path })).toMatchObject({ status: 400, Code: 'NOT_LOGIN' });
    }
  });

  it.each([
    ['a page of this service', { origin: 'https://localhost' }],
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }],
    ['an address that a person has typed', { 'sec-fetch-site': 'none' }],
    ['a host that the certificate is not for', { host: 'evil.example' }],
  ])('refuses %s', async (_what, headers) => {
    const path = '/?Action=ListSession&Authorization=Bearer%20key-of-a';
    const options = { checkServerIdentity: () => undefined };
    expect(await a.raw({ path, headers }, options)).toMatchObject({ status: 400, Code: 'ForbiddenOrigin' });
  });

  it('is reached at the host that newer clients call', async () => {
    const host = 'agentbay.cn-hangzhou.aliyuncs.com';
    const path = '/?Action=ListSession&Authorization=Bearer%20key-of-a';
    const answered = await a.raw({ path, headers: { host } }, { servername: host });
    expect(answered).toMatchObject({ status: 200, Code: 'ok' });
  });

  it('is nowhere but at POST /', async () => {
    const headers = { 'x-api-key': 'key-of-a' };
    expect((await a.raw({ path: '/CreateMcpSession', headers })).status).toBe(404);
    expect((await api.call('POST', '/?Action=ListSession', { headers })).status).toBe(405);
  });
});

describe("AgentBay's sessions", () => {
  it('are made with labels, found by them, relabelled and released once', async () => {
    const labels = { project: 'demo', run: '1' };
    const { SessionId } = await create({
      ImageId: 'linux_latest',
      Labels: JSON.stringify(labels),
      VpcResource: 'False',
    });
    const listed = await a.call('ListSession', { Labels: JSON.stringify(labels), MaxResults: '10' });
    expect(listed).toMatchObject({
      Data: [{ SessionId, SessionStatus: 'RUNNING' }],
      NextToken: '',
      TotalCount: 1,
    });
    await a.data('SetLabel', { SessionId, Labels: '{"run": "2", "who": "me"}' });
    const { Labels } = await a.data<{ Labels: string }>('GetLabel', { SessionId });
    expect(JSON.parse(Labels)).toEqual({ run: '2', who: 'me' });
    expect(await a.call('ReleaseMcpSession', { SessionId })).toMatchObject({ status: 200, Success: true });
    for (const action of [
      'ReleaseMcpSession',
      'DeleteSessionAsync',
      'GetSession',
      'GetMcpResource',
      'GetLabel',
    ])
      expect(await a.call(action, { SessionId })).toMatchObject(NO_SESSION);
    expect((await a.call('ListSession', { Labels: '{"who":"me"}' })).Data).toEqual([]);
  });

  it('last as long as the installation allows, and are idle as long as they ask', async () => {
    const bare = await create();
    expect(await timesOf(bare.SessionId)).toMatchObject({ timeout: 86_400_000, idleTimeout: null });
    const seconds = await create({ Timeout: '300' });
    expect(await timesOf(seconds.SessionId)).toMatchObject({ idleTimeout: 300_000 });
    const minutes = await create({ Timeout: '5', MaxRuntime: '60' });
    expect(await timesOf(minutes.SessionId)).toMatchObject({ timeout: 3_600_000, idleTimeout: 300_000 });
    const manual = await create({ Timeout: '5', ManualRelease: 'true' });
    expect(await timesOf(manual.SessionId)).toMatchObject({ idleTimeout: null });
  });

  it('show what opens them, and a CDP URL that needs no key', async () => {
    const { SessionId, ResourceUrl } = await create({ ImageId: 'browser_latest' });
    expect(ResourceUrl).toContain('resourceId=');
    expect((await fetch(ResourceUrl)).status).toBe(200);
    const info = await a.data<Record<string, unknown>>('GetMcpResource', { SessionId });
    expect(info).toMatchObject({
      ...{ SessionId, ResourceUrl },
      DesktopInfo: { AppId: expect.any(String), AuthCode: expect.any(String), ResourceType: 'AIAgent' },
    });
    const got = await a.data('GetSession', { SessionId });
    expect(got).toMatchObject({ SessionId, ResourceUrl, Status: 'RUNNING', contexts: [] });
    const BrowserOption = '{"useStealth":false,"viewport":{"width":800,"height":600}}';
    const inited = await a.data('InitBrowser', { SessionId, PersistentPath: PROFILE, BrowserOption });
    expect(inited).toEqual({ Port: expect.any(Number) });
    for (const action of ['GetCdpLink', 'GetLink']) {
      const { Url } = await a.data<{ Url: string }>(action, { SessionId });
      const socket = new WebSocket(Url);
      await once(socket, 'open');
      socket.terminate();
    }
  });

  it('are deleted in the newer way: polled until they are finished', async () => {
    const { SessionId } = await create();
    const detail = `/?Action=GetSessionDetail&SessionId=${SessionId}`;
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const poll = async (): Promise<unknown> =>
      (await a.raw({ path: detail, headers, body: 'Authorization=Bearer+key-of-a' })).Data;
    expect(await poll()).toEqual({ Status: 'RUNNING' });
    await a.data('DeleteSessionAsync', { SessionId });
    expect(await poll()).toEqual({ Status: 'FINISH' });
    const { Data } = await a.call('ListSession', { Status: 'DELETED', MaxResults: '100' });
    expect(Data).toContainEqual({ SessionId, SessionStatus: 'DELETED' });
    expect((await a.call('ListSession', { Status: 'PAUSED' })).Data).toEqual([]);
  });

  it('are kept alive by the call that says so, and by no poll', async () => {
    const { SessionId } = await create({ Timeout: '3600' });
    const activity = async (): Promise<number | null> =>
      (await api.deps.sessions.read(refOf('a', SessionId))).record?.lastActivityMs ?? null;
    await a.data('GetSessionDetail', { SessionId });
    await a.data('GetSession', { SessionId });
    expect(await activity()).toBeNull();
    await a.data('RefreshSessionIdleTime', { SessionId });
    expect(await activity()).toEqual(expect.any(Number));
  });

  it('cannot be paused', async () => {
    const { SessionId } = await create();
    for (const action of ['PauseSessionAsync', 'ResumeSessionAsync'])
      expect(await a.call(action, { SessionId })).toMatchObject({ status: 400, Code: 'NotSupported' });
  });

  it.each<[string, string, Record<string, string>, string]>([
    ['labels that are not JSON', 'CreateMcpSession', { Labels: '{a' }, 'InvalidParameter'],
    ['labels that are no texts', 'CreateMcpSession', { Labels: '{"a":1}' }, 'InvalidParameter'],
    ['labels that are a list', 'ListSession', { Labels: '[]' }, 'InvalidParameter'],
    ['a negative time-out', 'CreateMcpSession', { Timeout: '-1' }, 'InvalidParameter'],
    ['a run time beyond the limit', 'CreateMcpSession', { MaxRuntime: '99999' }, 'InvalidParameter'],
    ['a flag that is none', 'CreateMcpSession', { VpcResource: 'yes' }, 'InvalidParameter'],
    ['a private network', 'CreateMcpSession', { VpcResource: 'True' }, 'NotSupported'],
    ['a network of its own', 'CreateMcpSession', { NetworkId: 'n-1' }, 'NotSupported'],
    ['contexts that are not JSON', 'CreateMcpSession', { PersistenceDataList: '[' }, 'InvalidParameter'],
    [
      'an unknown context',
      'CreateMcpSession',
      binding(`ctx_${'0'.repeat(8)}-0000-0000-0000-000000000000`),
      'InvalidContext.NotFound',
    ],
    ['a context at another path', 'CreateMcpSession', binding('ctx', '/tmp/data'), 'NotSupported'],
    ['an unknown status', 'ListSession', { Status: 'SLEEPING' }, 'InvalidParameter'],
    ['a filter by image', 'ListSession', { ImageId: 'linux_latest' }, 'NotSupported'],
    ['a page of no size', 'ListSession', { MaxResults: '0' }, 'InvalidParameter'],
    ['a token of another list', 'ListSession', { NextToken: 'abc' }, 'InvalidParameter'],
    ['a session without an id', 'GetSession', {}, 'InvalidParameter'],
    ['an id that is none', 'GetSession', { SessionId: '../x' }, 'InvalidMcpSession.NotFound'],
    ['a port of a session', 'GetLink', { SessionId: 'x', Port: '30100' }, 'NotSupported'],
    ['an option that is not JSON', 'InitBrowser', { SessionId: 'x', BrowserOption: '{' }, 'InvalidParameter'],
    [
      'a proxy that comes too late',
      'InitBrowser',
      { SessionId: 'x', BrowserOption: '{"proxies":[{}]}' },
      'NotSupported',
    ],
  ])('refuse %s', async (_what, action, form, Code) => {
    const answered = await a.call(action, form);
    expect(answered).toMatchObject({ status: 400, Success: false, Code });
    expect(answered.Message).not.toBe('');
  });

  it('of another key are unknown', async () => {
    const { SessionId } = await create({ Labels: '{"secret":"a"}' });
    const actions = [
      'GetSession',
      'GetSessionDetail',
      'GetMcpResource',
      'GetLabel',
      'GetContextInfo',
      'GetCdpLink',
    ];
    const more = [
      'InitBrowser',
      'SyncContext',
      'RefreshSessionIdleTime',
      'PauseSessionAsync',
      'ReleaseMcpSession',
    ];
    for (const action of [...actions, ...more, 'DeleteSessionAsync', 'ListContexts'])
      expect(await b.call(action, { SessionId })).toMatchObject(NO_SESSION);
    expect(await b.call('SetLabel', { SessionId, Labels: '{}' })).toMatchObject(NO_SESSION);
    expect((await b.call('ListSession', { Labels: '{"secret":"a"}' })).Data).toEqual([]);
    expect((await a.call('GetSession', { SessionId })).status).toBe(200);
  });

  it('are made fifty at once, each its own', async () => {
    const made = await Promise.all(Array.from({ length: 50 }, () => create({ Labels: '{"at":"once"}' })));
    expect(new Set(made.map(({ SessionId }) => SessionId)).size).toBe(50);
    const first = await a.call('ListSession', { Labels: '{"at":"once"}', MaxResults: '20' });
    expect(first.TotalCount).toBe(50);
  });

  it('are all seen by a traversal while others come and go', async () => {
    const Labels = '{"walk":"1"}';
    const ids: string[] = [];
    for (let i = 0; i < 7; i += 1) ids.push((await create({ Labels })).SessionId);
    const seen: string[] = [];
    for (let NextToken = '', pages = 0; pages < 20; pages += 1) {
      const page = await a.call('ListSession', { Labels, MaxResults: '2', ...(NextToken && { NextToken }) });
      // SAFETY: the Data of a list.
      const found = (page.Data as { SessionId: string }[]).map(({ SessionId }) => SessionId);
      expect(found.length).toBeGreaterThan(0);
      seen.push(...found);
      await create({ Labels });
      await a.data('ReleaseMcpSession', { SessionId: found.at(-1) ?? '' });
      NextToken = page.NextToken ?? '';
      if (NextToken === '') break;
    }
    expect(seen).toEqual([...ids].reverse());
  });
});

describe("AgentBay's contexts", () => {
  it('are got or made by name, listed, renamed, cleared and deleted', async () => {
    expect(await a.call('GetContext', { Name: 'mine', AllowCreate: 'False' })).toMatchObject({
      status: 400,
      Success: false,
    });
    const Id = await contextOf('mine');
    const got = await a.call('GetContext', { Name: 'mine', AllowCreate: 'false' });
    expect(got.Data).toMatchObject({ Id, Name: 'mine', State: 'available' });
    expect((await a.call('ListContexts', { MaxResults: '10' })).Data).toContainEqual(got.Data);
    await a.call('ModifyContext', { Id, Name: 'yours' });
    expect(await a.data('GetContext', { ContextId: Id })).toMatchObject({ Id, Name: 'yours' });
    expect(await a.call('ClearContext', { Id })).toMatchObject({ status: 200, Success: true });
    for (const action of ['ModifyContext', 'ClearContext', 'DeleteContext'])
      expect(await b.call(action, { Id, Name: 'x' })).toMatchObject({
        status: 400,
        Code: 'InvalidContext.NotFound',
      });
    expect(await a.call('DeleteContext', { Id })).toMatchObject({ status: 200, Success: true });
    expect(await a.call('DeleteContext', { Id })).toMatchObject({
      status: 400,
      Code: 'InvalidContext.NotFound',
    });
    expect(await a.call('GetContext', {})).toMatchObject({ status: 400, Code: 'InvalidParameter' });
  });

  it('are mounted when the create answers', async () => {
    const Id = await contextOf('mounted');
    const { SessionId } = await create(binding(Id, PROFILE, { uploadPolicy: { autoUpload: true } }));
    expect(await tasksOf(SessionId)).toMatchObject([
      { contextId: Id, taskType: 'download', status: 'Success' },
    ]);
    const contexts = [{ id: Id, name: 'mounted' }];
    expect(await a.data('GetSession', { SessionId })).toMatchObject({ contexts });
    expect((await a.call('ListContexts', { SessionId })).Data).toMatchObject([{ Id }]);
    expect(await timesOf(SessionId)).toMatchObject({
      context: { id: Id, persist: true, onConflict: 'replace' },
    });
  });

  it('are not saved by a session whose policy says so', async () => {
    const Id = await contextOf('read');
    const { SessionId } = await create(binding(Id, PROFILE, { uploadPolicy: { autoUpload: false } }));
    expect(await timesOf(SessionId)).toMatchObject({ context: { id: Id, persist: false } });
    expect(await a.call('SyncContext', { SessionId })).toMatchObject({
      status: 400,
      Code: 'ContextNotPersisted',
    });
  });

  it('are uploading as soon as a sync answers', async () => {
    const Id = await contextOf('synced');
    const { SessionId } = await create(binding(Id));
    // The key is in the query, the rest in the form.
    const answered = await a.raw({
      path: '/?Action=SyncContext&Authorization=Bearer%20key-of-a',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `SessionId=${SessionId}`,
    });
    expect(answered).toMatchObject({ status: 200, Success: true });
    const uploads = async (): Promise<unknown> =>
      (await tasksOf(SessionId)).filter(({ taskType }) => taskType === 'upload').map(({ status }) => status);
    expect(await uploads()).toEqual(['Running']);
    // What a worker does when it has saved.
    await api.deps.saves.finish(refOf('a', SessionId), 1);
    await pollUntil('the upload to be over', { timeoutMs: 2_000, everyMs: 10 }, async () => {
      const running = JSON.stringify(await uploads()).includes('Running');
      return running ? undefined : true;
    });
    expect(await a.call('SyncContext', { SessionId, ContextId: 'ctx' })).toMatchObject({
      Code: 'InvalidContext.NotFound',
    });
    expect(await a.call('SyncContext', { SessionId, Mode: 'download' })).toMatchObject({
      Code: 'NotSupported',
    });
  });

  it('leave out what a client binds for its own files, and have nothing to sync without one', async () => {
    const Id = await contextOf('file-transfer-context-1');
    const { SessionId } = await create(binding(Id, '/temp/file-transfer'));
    expect(await tasksOf(SessionId)).toEqual([]);
    expect(await a.call('SyncContext', { SessionId })).toMatchObject({ status: 200, Success: true });
    expect(await tasksOf(SessionId)).toEqual([]);
  });
});
