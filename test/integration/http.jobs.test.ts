import type { BadJob } from '../../src/core/quarantine';
import { refOf } from '../../src/core/ids';
import { awaitRecord } from '../support/await-record';
import { startTestApi, type Answer, type TestApi } from '../support/api';

const INGRESS_JOB: BadJob = {
  queue: 'ingress',
  jobId: '7',
  name: 'session.create',
  reason: 'malformed',
  detail: '/v: must be 1',
  data: '{"v":1,"name":"again"}',
};
const commandOf = (tenant: string): BadJob => ({
  queue: 'sessions',
  jobId: 'c.1',
  name: 'release',
  reason: 'failed',
  detail: 'it failed',
  data: JSON.stringify({
    v: 1,
    command: 'release',
    commandId: 'r-1',
    ref: `${tenant}/nobody`,
    reason: 'released_by_client',
    actor: 'test',
  }),
});

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({
    apiKeys: [
      { tenant: 'acme', key: 'acme-key-1', isAdmin: true },
      { tenant: 'beta', key: 'beta-key-1', isAdmin: true },
    ],
    ingressTenant: 'acme',
  });
});
afterAll(() => api.stop());

const as = async (tenant: string, method: string, path: string): Promise<Answer> =>
  api.call(method, path, { headers: { 'x-api-key': `${tenant}-key-1` } });
const put = async (job: BadJob): Promise<string> => (await api.deps.quarantine.put(job)).id;
const idsOf = ({ body }: Answer): string[] => (body['jobs'] as { id: string }[]).map(({ id }) => id);

describe('jobs in quarantine', () => {
  it('are listed from the newest to the oldest, page by page, by queue', async () => {
    const ids = [];
    for (let i = 0; i < 5; i += 1) ids.unshift(await put(INGRESS_JOB));
    const command = await put(commandOf('acme'));
    const first = await as('acme', 'GET', '/v1/jobs?limit=2&queue=ingress');
    expect(first.body).toMatchObject({ hasMore: true });
    expect(idsOf(first)).toEqual(ids.slice(0, 2));
    const second = await as(
      'acme',
      'GET',
      `/v1/jobs?limit=3&queue=ingress&cursor=${String(first.body['nextCursor'])}`,
    );
    expect(second.body).toMatchObject({ hasMore: false, nextCursor: null });
    expect(idsOf(second)).toEqual(ids.slice(2));
    expect(idsOf(await as('acme', 'GET', '/v1/jobs?queue=sessions'))).toEqual([command]);
  });

  it('are shown with their payload only when one is read by its id', async () => {
    const id = await put(INGRESS_JOB);
    const { data, ...rest } = INGRESS_JOB;
    const one = await as('acme', 'GET', `/v1/jobs/${id}`);
    expect(one.body).toEqual({
      ...rest,
      id,
      at: expect.stringMatching(/^20.*Z$/),
      size: data.length,
      data,
      truncated: false,
    });
    const [listed] = (await as('acme', 'GET', '/v1/jobs?limit=1')).body['jobs'] as unknown[];
    expect(listed).toEqual({ ...rest, id, at: one.body['at'], size: data.length });
  });

  it('of another tenant are not there (I14)', async () => {
    const ours = [await put(INGRESS_JOB), await put(commandOf('acme'))];
    const theirs = await put(commandOf('beta'));
    expect(idsOf(await as('beta', 'GET', '/v1/jobs'))).toEqual([theirs]);
    for (const id of ours) {
      expect((await as('beta', 'GET', `/v1/jobs/${id}`)).body).toMatchObject({ code: 'job_not_found' });
      expect((await as('beta', 'POST', `/v1/jobs/${id}/retry`)).status).toBe(404);
      expect((await as('beta', 'DELETE', `/v1/jobs/${id}`)).status).toBe(404);
      expect((await as('acme', 'GET', `/v1/jobs/${id}`)).status).toBe(200);
    }
    expect(idsOf(await as('acme', 'GET', '/v1/jobs'))).not.toContain(theirs);
  });

  it('of other services make their session when they are tried again', async () => {
    const id = await put({ ...INGRESS_JOB, data: '{"v":1,"sessionId":"by-retry"}' });
    const { status, body } = await as('acme', 'POST', `/v1/jobs/${id}/retry`);
    expect([status, body]).toEqual([200, { queue: 'ingress', jobId: `retry-${id}` }]);
    const live = await awaitRecord(
      api.deps,
      refOf('acme', 'by-retry'),
      ({ snapshot }) => snapshot.context.liveAtMs !== null,
      10_000,
    );
    expect(live?.snapshot.context.liveAtMs).not.toBeNull();
    expect((await as('acme', 'GET', `/v1/jobs/${id}`)).status).toBe(404);
  });

  it('of internal queues are carried out when they are tried again', async () => {
    const { id: sessionId } = await api.createLive({}, { 'x-api-key': 'acme-key-1' });
    const data = commandOf('acme').data.replace('nobody', sessionId);
    const id = await put({ ...commandOf('acme'), data });
    expect((await as('acme', 'POST', `/v1/jobs/${id}/retry`)).status).toBe(200);
    const over = await awaitRecord(
      api.deps,
      refOf('acme', sessionId),
      ({ snapshot }) => snapshot.context.endReason !== null,
      10_000,
    );
    expect(over?.snapshot.context.endReason).toBe('released_by_client');
  });

  it.each([
    ['not JSON', { data: '{' }, /not JSON/],
    ['of no name we know', { name: 'explode' }, /name must be one of/],
    ['without a version', { data: '{}' }, /must be 1/],
    ['of fields that mean nothing', { data: '{"v":1,"timeout":-1}' }, /timeout/],
    ['cut', { data: `{"v":1,"fill":"${'x'.repeat(70_000)}"}` }, /only a part/],
    ['a command of another version', { ...commandOf('acme'), data: '{"v":2}' }, /quarantine again/],
  ])('are not tried again while they are %s', async (_what, change, why) => {
    const id = await put({ ...INGRESS_JOB, ...change });
    const { status, body } = await as('acme', 'POST', `/v1/jobs/${id}/retry`);
    expect([status, body['code']]).toEqual([422, 'job_not_retryable']);
    expect(body['message']).toMatch(why);
    expect((await as('acme', 'GET', `/v1/jobs/${id}`)).status).toBe(200);
  });

  it('are gone when they are discarded', async () => {
    const id = await put(INGRESS_JOB);
    expect((await as('acme', 'DELETE', `/v1/jobs/${id}`)).status).toBe(204);
    expect((await as('acme', 'DELETE', `/v1/jobs/${id}`)).body).toMatchObject({ code: 'job_not_found' });
  });

  it('are found by their own ids only', async () => {
    for (const id of ['7', 'x'.repeat(36), '..%2Fsessions', '00000000-0000-7000-8000-000000000000']) {
      expect((await as('acme', 'GET', `/v1/jobs/${id}`)).body).toMatchObject({ code: 'job_not_found' });
    }
    for (const query of ['cursor=x', 'limit=0', 'limit=101', 'queue=bull']) {
      expect((await as('acme', 'GET', `/v1/jobs?${query}`)).status).toBe(422);
    }
  });
});
