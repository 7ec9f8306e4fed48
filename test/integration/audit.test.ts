import { AUDIT_ACTIONS } from '../../src/core/audit';
import { AUDIT_MAX } from '../../src/store/audit-store';
import { keys } from '../../src/redis/keys';
import { KEYS_OF_ADMIN_AND_OTHER, startTestApi, type Answer, type TestApi } from '../support/api';
import { pollUntil } from '../support/poll-until';

interface Entry {
  readonly id: string;
  readonly at: string;
  readonly action: string;
  readonly actor: string;
  readonly subject: string;
  readonly detail: string | null;
}

const ADMIN = { 'x-api-key': 'acme-key-1' };

describe('the audit log', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi({
      apiKeys: KEYS_OF_ADMIN_AND_OTHER,
      ingressTenant: 'acme',
    });
  });
  afterAll(() => api.stop());

  const ask = async (method: string, path: string, body?: unknown, headers = ADMIN): Promise<Answer> =>
    api.call(method, path, { headers, ...(body === undefined ? {} : { body }) });
  const page = async (query = ''): Promise<Record<string, unknown>> =>
    (await ask('GET', `/v1/audit${query}`)).body;
  const entries = async (): Promise<readonly Entry[]> => (await page('?limit=100'))['entries'] as Entry[];

  it('says who did what to which key, worker, job and session, and has no secret', async () => {
    const created = await ask('POST', '/v1/keys', { name: 'nightly', scopes: ['sessions'], tenant: 'beta' });
    const { id: keyId, key } = created.body as { id: string; key: string };
    const session = await api.createLive({}, { 'x-api-key': 'beta-key-1' });
    await ask('POST', `/v1/sessions/${session.id}/rotate-token`, undefined, { 'x-api-key': key });
    await ask('DELETE', `/v1/sessions/${session.id}`, undefined, { 'x-api-key': key });
    const own = await api.createLive({}, { 'x-api-key': key });
    await ask('DELETE', `/v1/sessions/${own.id}`, undefined, { 'x-api-key': key });
    await api.createLive({}, { 'x-api-key': key });
    await ask('POST', '/v1/sessions/release', {}, { 'x-api-key': key });
    const bad = { queue: 'sessions', jobId: '1', name: 'probe', reason: 'failed', detail: 'no' } as const;
    const data = JSON.stringify({ v: 1, command: 'probe', commandId: 'again' });
    const [retried, discarded] = [
      await api.deps.quarantine.put({ ...bad, data }),
      await api.deps.quarantine.put({ ...bad, data }),
    ];
    await ask('POST', `/v1/jobs/${retried.id}/retry`);
    await ask('DELETE', `/v1/jobs/${discarded.id}`);
    await api.deps.redis.sadd(keys.drained, 'worker-1');
    await ask('POST', '/v1/workers/worker-1/drain');
    await ask('POST', '/v1/workers/worker-1/undrain');
    await ask('DELETE', `/v1/keys/${keyId}`);

    const actor = `key:beta:${keyId}`;
    const told = ({ action, actor: who, subject, detail }: Entry) => [action, who, subject, detail];
    const expected = [
      ['key_created', 'key:acme', keyId, 'beta, sessions: nightly'],
      ['token_rotated', actor, `beta/${session.id}`, null],
      ['session_released', actor, `beta/${session.id}`, 'created by key:beta'],
      ['sessions_released', actor, 'beta', '1 sessions'],
      ['job_retried', 'key:acme', retried.id, null],
      ['job_discarded', 'key:acme', discarded.id, null],
      ['worker_drained', 'key:acme', 'worker-1', null],
      ['worker_undrained', 'key:acme', 'worker-1', null],
      ['key_revoked', 'key:acme', keyId, 'beta, sessions: nightly'],
    ];
    const found = await pollUntil('the entries', { timeoutMs: 5_000, everyMs: 50 }, async () => {
      const all = await entries();
      return all.length >= expected.length ? all : undefined;
    });
    expect(found.map(told).sort()).toEqual(expected.sort());
    expect(new Set(found.map(({ action }) => action))).toEqual(new Set(AUDIT_ACTIONS));
    const text = JSON.stringify(found);
    for (const secret of [key.split('_').slice(2).join('_'), 'acme-key-1', 'beta-key-1', 'token='])
      expect(text).not.toContain(secret);
  });

  it('is read page by page, newest first', async () => {
    const all = await entries();
    expect(all.map(({ at }) => at)).toEqual(
      all
        .map(({ at }) => at)
        .sort()
        .reverse(),
    );
    const read: Entry[] = [];
    for (let query = '?limit=2'; ;) {
      const { entries: some, nextCursor } = (await page(query)) as {
        entries: Entry[];
        nextCursor: string | null;
      };
      read.push(...some);
      if (nextCursor === null) break;
      query = `?limit=2&cursor=${nextCursor}`;
    }
    expect(read).toEqual(all);
  });

  it('has no entry for what was refused', async () => {
    const before = (await entries()).length;
    await ask('POST', '/v1/keys', { name: 'a', scopes: ['admin'] }, { 'x-api-key': 'beta-key-1' });
    await ask('DELETE', '/v1/keys/0123456789abcdef');
    await ask('POST', '/v1/workers/nobody/drain');
    expect(await entries()).toHaveLength(before);
  });

  it.each(['cursor=x', 'cursor=1-', 'limit=0', 'action=key_created'])('is not read by %s', async query => {
    expect((await ask('GET', `/v1/audit?${query}`)).status).toBe(422);
  });

  it('is bounded', async () => {
    const entry = { action: 'job_retried', actor: 'key:acme', subject: 'x', detail: null } as const;
    for (let added = 0; added < AUDIT_MAX + 500; added += 500)
      await Promise.all(Array.from({ length: 500 }, async () => api.deps.audit.add(entry)));
    expect(await api.deps.redis.xlen(keys.audit)).toBeLessThan(AUDIT_MAX + 300);
  });
});
