import { contextRefOf, newContextId } from '../../src/core/ids';
import { createContext, versionCommit } from '../support/context-samples';
import {
  KEYS_OF_ADMIN_AND_OTHER,
  startTestApi,
  type Answer,
  type CallOptions,
  type TestApi,
} from '../support/api';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({
    apiKeys: KEYS_OF_ADMIN_AND_OTHER,
  });
});
afterAll(() => api.stop());

const as =
  (tenant: string) =>
  async (
    method: string,
    path: string,
    body?: unknown,
    headers: CallOptions['headers'] = {},
  ): Promise<Answer> =>
    api.call(method, path, {
      ...(body === undefined ? {} : { body }),
      headers: { 'x-api-key': `${tenant}-key-1`, ...headers },
    });
const acme = as('acme');
const create = async (body: unknown = {}, headers: CallOptions['headers'] = {}): Promise<Answer> =>
  acme('POST', '/v1/contexts', body, headers);
const idOf = ({ body }: Answer): string => String(body['id']);
const pathOf = (answer: Answer): string => `/v1/contexts/${idOf(answer)}`;
const idsIn = ({ body }: Answer): string[] => (body['contexts'] as { id: string }[]).map(({ id }) => id);
/** Saves a version, as a worker does. */
const save = async (answer: Answer, baseVersion: number): Promise<void> => {
  await api.deps.contextVersions.commit(versionCommit(contextRefOf('acme', idOf(answer)), { baseVersion }));
};

describe('creating a context', () => {
  it('answers with an empty one that can be read at once', async () => {
    const made = await create({ name: 'github', labels: { team: 'a' } });
    expect(made).toMatchObject({
      status: 201,
      body: {
        id: expect.stringMatching(/^ctx_[0-9a-f-]{36}$/),
        name: 'github',
        labels: { team: 'a' },
        currentVersion: null,
        latestVersion: null,
        bytes: 0,
        revision: 1,
      },
    });
    expect(made.headers.get('location')).toBe(pathOf(made));
    expect(made.headers.get('etag')).toBe('"1"');
    expect((await acme('GET', pathOf(made))).body).toEqual(made.body);
  });

  it('refuses a name that is taken, and says by which one', async () => {
    const made = await create({ name: 'taken' });
    expect(await create({ name: 'taken' })).toMatchObject({
      status: 409,
      body: { code: 'context_exists', contextId: idOf(made), errors: [{ pointer: '/name' }] },
    });
  });

  it('takes two spellings of one text in Unicode for the same name', async () => {
    expect(await create({ name: 'cafe\u0301' })).toMatchObject({ status: 201, body: { name: 'caf\u00e9' } });
    expect(await create({ name: 'caf\u00e9' })).toMatchObject({ status: 409 });
  });

  it('gets the one of a name, or makes it: one of twenty requests at once does', async () => {
    const body = { name: 'shared', ifExists: 'return', labels: { by: 'first' } };
    const answers = await Promise.all(Array.from({ length: 20 }, () => create(body)));
    expect(new Set(answers.map(idOf)).size).toBe(1);
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(19).fill(200), 201]);
    expect(await create({ ...body, labels: { by: 'other' } })).toMatchObject({
      status: 200,
      body: { labels: { by: 'first' }, revision: 1 },
    });
  });

  it('makes one context of repeated requests with one key, and refuses the key with another body', async () => {
    const key = { 'idempotency-key': 'c-1' };
    const first = await create({ name: 'once' }, key);
    const again = await create({ name: 'once' }, key);
    expect([first.status, again.status, idOf(again)]).toEqual([201, 201, idOf(first)]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await create({ name: 'twice' }, key)).toMatchObject({ body: { code: 'idempotency_key_reused' } });
    // Keys are the tenant's, whatever it creates.
    expect(await acme('POST', '/v1/sessions', {}, key)).toMatchObject({
      body: { code: 'idempotency_key_reused' },
    });
    await acme('DELETE', pathOf(first));
    expect(await create({ name: 'once' }, key)).toMatchObject({ body: { code: 'context_not_found' } });
  });

  it.each([
    [{ nmae: 'x' }, '/nmae', /did you mean `name`/],
    [{ name: '' }, '/name', /empty/],
    [{ name: '  ' }, '/name', /empty/],
    [{ name: 'a\nb' }, '/name', /printable/],
    [{ name: 'x'.repeat(129) }, '/name', /128/],
    [{ ifExists: 'return' }, '/ifExists', /needs a name/],
    [{ name: 'x', ifExists: 'maybe' }, '/ifExists', /refuse/],
    [{ labels: { a: 1 } }, '/labels/a', /string/],
    [{ labels: Object.fromEntries('abcdefghi'.split('').map(x => [x, ''])) }, '/labels', /8/],
  ])('refuses %j', async (body, pointer, message) => {
    expect(await create(body)).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: [{ pointer, message: expect.stringMatching(message) }] },
    });
  });
});

describe('listing contexts', () => {
  it('finds them by name, by labels, page by page, and never those of another tenant (I14)', async () => {
    const beta = as('beta');
    const made: string[] = [];
    for (let i = 0; i < 5; i += 1)
      made.unshift(idOf(await beta('POST', '/v1/contexts', { name: `n-${i}`, labels: { odd: `${i % 2}` } })));
    const first = await beta('GET', '/v1/contexts?limit=3');
    expect(first.body).toMatchObject({ hasMore: true });
    const rest = await beta('GET', `/v1/contexts?limit=3&cursor=${String(first.body['nextCursor'])}`);
    expect(rest.body).toMatchObject({ hasMore: false, nextCursor: null });
    expect([...idsIn(first), ...idsIn(rest)]).toEqual(made);
    expect(idsIn(await beta('GET', '/v1/contexts?labelSelector=odd%3D1'))).toEqual([made[1], made[3]]);
    expect(idsIn(await beta('GET', '/v1/contexts?name=n-4'))).toEqual([made[0]]);
    expect(idsIn(await beta('GET', '/v1/contexts?name=none'))).toEqual([]);
    expect(idsIn(await acme('GET', '/v1/contexts?name=n-4'))).toEqual([]);
    expect((await acme('GET', `/v1/contexts/${made[0] ?? ''}`)).body).toMatchObject({
      code: 'context_not_found',
    });
  });

  it.each(['name=a&labelSelector=b', 'nmae=a', 'limit=0', 'cursor=x', 'status=live'])(
    'refuses ?%s',
    async query => {
      expect(await acme('GET', `/v1/contexts?${query}`)).toMatchObject({
        status: 422,
        body: { code: 'invalid_request' },
      });
    },
  );
});

describe('changing a context', () => {
  it('merges labels, renames, and needs the revision that If-Match names', async () => {
    const made = await create({ name: 'before', labels: { keep: '1', drop: '2' } });
    const body = { name: 'after', labels: { drop: null, add: '3' } };
    const changed = await acme('PATCH', pathOf(made), body, { 'if-match': '"1"' });
    expect(changed).toMatchObject({
      status: 200,
      body: { name: 'after', labels: { keep: '1', add: '3' }, revision: 2 },
    });
    expect(changed.headers.get('etag')).toBe('"2"');
    expect(await acme('PATCH', pathOf(made), { name: 'x' }, { 'if-match': '"1"' })).toMatchObject({
      status: 412,
      body: { code: 'precondition_failed' },
    });
    expect((await acme('GET', pathOf(made), undefined, { 'if-none-match': '"2"' })).status).toBe(304);
    await create({ name: 'before' });
  });

  it('is applied once for all repeats of a request, also with the revision that it has changed', async () => {
    const made = await create();
    const headers = { 'idempotency-key': 'u-1', 'if-match': '"1"' };
    for (let i = 0; i < 2; i += 1)
      expect(await acme('PATCH', pathOf(made), { name: 'once-changed' }, headers)).toMatchObject({
        status: 200,
        body: { name: 'once-changed', revision: 2 },
      });
  });

  it('takes the same key with another change for another request, also if it only removes what the first kept', async () => {
    const made = await create({ name: 'named', labels: { a: '1' } });
    const key = { 'idempotency-key': 'u-2' };
    await acme('PATCH', pathOf(made), { labels: { a: '2' } }, key);
    expect(await acme('PATCH', pathOf(made), { name: null, labels: { a: '2' } }, key)).toMatchObject({
      body: { name: null, revision: 3 },
    });
  });

  it('applies each of twenty changes at once', async () => {
    const made = await create({ labels: { a: '0' } });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => acme('PATCH', pathOf(made), { labels: { a: `${i}` } })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(20).fill(200));
    expect((await acme('GET', pathOf(made))).body).toMatchObject({ revision: 21 });
  });

  it.each([
    [{}, /at least one/],
    [{ label: {} }, /did you mean `labels`/],
    [{ labels: Object.fromEntries('abcdefghi'.split('').map(x => [x, ''])) }, /more than 8/],
  ])('refuses %j', async (body, message) => {
    const made = await create();
    const answer = await acme('PATCH', pathOf(made), body);
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
    expect(answer.body['message']).toMatch(message);
  });
});

describe('deleting a context', () => {
  it('takes its versions and its name with it, and a repeat with the same key is told the same', async () => {
    const made = await create({ name: 'short-lived' });
    await save(made, 0);
    const key = { 'idempotency-key': 'd-1' };
    expect(await acme('DELETE', pathOf(made), undefined, { 'if-match': '"1"' })).toMatchObject({
      status: 412,
    });
    expect((await acme('DELETE', pathOf(made), undefined, key)).status).toBe(204);
    expect((await acme('DELETE', pathOf(made), undefined, key)).status).toBe(204);
    expect(await acme('DELETE', pathOf(made))).toMatchObject({ body: { code: 'context_not_found' } });
    expect(await acme('GET', `${pathOf(made)}/versions`)).toMatchObject({
      body: { code: 'context_not_found' },
    });
    expect(await create({ name: 'short-lived' })).toMatchObject({
      status: 201,
      body: { currentVersion: null },
    });
  });
});

describe('the versions of a context', () => {
  it('are listed newest first, without where they are stored, and can be restored', async () => {
    const made = await create();
    await save(made, 0);
    await save(made, 1);
    await save(made, 1);
    const { body } = await acme('GET', `${pathOf(made)}/versions`);
    expect(body).toEqual({
      versions: [
        [3, false, 1],
        [2, true, 1],
        [1, false, null],
      ].map(([version, isCurrent, baseVersion]) => ({
        ...{ version, isCurrent, baseVersion },
        createdAt: expect.any(String),
        bytes: 100,
        source: 'session',
        sessionId: expect.stringMatching(/^s-./),
        chromiumVersion: '156.0.1',
      })),
    });
    const restored = await acme('POST', `${pathOf(made)}/versions/3/restore`, undefined, {
      'if-match': '"4"',
    });
    expect(restored).toMatchObject({
      status: 200,
      body: { currentVersion: 3, latestVersion: 3, revision: 5 },
    });
    expect(
      await acme('POST', `${pathOf(made)}/versions/1/restore`, undefined, { 'if-match': '"4"' }),
    ).toMatchObject({ status: 412 });
    for (const version of ['9', '0', 'x', '1e3'])
      expect(await acme('POST', `${pathOf(made)}/versions/${version}/restore`)).toMatchObject({
        status: 404,
        body: { code: 'context_version_not_found' },
      });
  });

  it('are part of the usage of the tenant', async () => {
    const before = (await as('beta')('GET', '/v1/usage')).body['contexts'] as {
      count: number;
      bytes: number;
    };
    const ref = await createContext(api.deps.contexts, { tenant: 'beta' });
    await api.deps.contextVersions.commit(versionCommit(ref, { bytes: 1_234 }));
    expect((await as('beta')('GET', '/v1/usage')).body['contexts']).toEqual({
      count: before.count + 1,
      bytes: before.bytes + 1_234,
    });
    expect((await acme('GET', '/metrics')).body['text']).toMatch(/^holdfast_context_bytes [1-9]\d*$/m);
  });
});

describe('an unknown context', () => {
  it.each([newContextId(0), 'github', 'ctx_', '..%2f'])('%s is not found on any route', async id => {
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['GET', '/versions'],
      ['POST', '/versions/1/restore'],
    ] as const) {
      const body = method === 'PATCH' ? { name: 'x' } : undefined;
      expect(await acme(method, `/v1/contexts/${id}${path}`, body)).toMatchObject({
        status: 404,
        body: { code: 'context_not_found' },
      });
    }
  });
});
