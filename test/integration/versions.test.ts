import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MACHINE_VERSION } from '../../machines/session/session.versions';
import { refOf, type SessionRef } from '../../src/core/ids';
import { keys } from '../../src/redis/keys';
import { startTestApi, type TestApi } from '../support/api';
import { makeNewer } from '../support/newer-rows';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

const NEWER_VERSION = { status: 503, body: { code: 'newer_version', retryable: true } };

describe('a process beside rows of another version', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
  });
  afterAll(() => api.stop());

  const live = async (
    labels: Record<string, string> = {},
  ): Promise<{ id: string; ref: SessionRef; path: string }> => {
    const { id } = await api.createLive({ labels, name: 'known', timeout: 60_000, idleTimeout: 50_000 });
    return { id, ref: refOf('default', id), path: `/v1/sessions/${id}` };
  };

  const quarantined = (): Promise<number> => api.deps.redis.zcard(keys.quarantine);

  describe('that are newer', () => {
    it('shows what it can read of one, and marks it as partial', async () => {
      const { ref, path } = await live({ team: 'a' });
      const { body: before } = await api.call('GET', path);
      await makeNewer(api.deps.redis, ref);
      const { status, headers, body } = await api.call('GET', path);
      expect(status).toBe(200);
      expect(headers.get('etag')).toBe(`"${String(before['revision'])}"`);
      const unknown = ['timeout', 'idleTimeout', 'expiresAt', 'duration'];
      const known = Object.entries(before).filter(([name]) => !unknown.includes(name));
      expect(body).toMatchObject({ ...Object.fromEntries(known), isPartial: true });
      expect((await api.call('GET', `${path}/events`)).status).toBe(200);
      expect((await api.call('GET', `${path}/live`)).status).toBe(200);
    });

    it('lists them among the others', async () => {
      const [known, newer] = [await live({ list: 'a' }), await live({ list: 'a' })];
      await makeNewer(api.deps.redis, newer.ref, () => ({}));
      await api.deps.redis.hset(keys.row((await live({ list: 'a' })).ref), 'snap', '{');
      const { status, body } = await api.call('GET', '/v1/sessions?labelSelector=list=a&status=live');
      expect(status).toBe(200);
      expect(body['sessions']).toMatchObject([
        { isPartial: true, status: 'live', labels: { list: 'a' } },
        { id: newer.id, isPartial: true, status: 'live', labels: { list: 'a' } },
        { id: known.id, status: 'live', labels: { list: 'a' } },
      ]);
      for (const path of ['/v1/usage', '/v1/capacity', '/v1/workers', '/readyz', '/metrics'])
        expect(await api.call('GET', path)).toMatchObject({ status: 200 });
    });

    it('does not end one, answers so in time, and leaves the command to a newer process', async () => {
      const { ref, path } = await live();
      const makeReadable = await makeNewer(api.deps.redis, ref);
      const startMs = performance.now();
      const refused = await api.call('POST', `${path}/release`);
      expect(performance.now() - startMs).toBeLessThan(scaled(2_500));
      expect(refused).toMatchObject(NEWER_VERSION);
      expect(refused.headers.get('retry-after')).not.toBeNull();
      // As if a newer process had come: it can read the row, takes the waiting job and ends the session.
      await makeReadable();
      await pollUntil('the end', { timeoutMs: 10_000, everyMs: 50 }, async () =>
        (await api.call('GET', path)).body['status'] === 'released' ? true : undefined,
      );
      expect(await quarantined()).toBe(0);
    }, 20_000);

    it('answers at once, as usual, for one that has ended', async () => {
      const { ref, path } = await live();
      await api.call('DELETE', path);
      await makeNewer(api.deps.redis, ref);
      const ended = { status: 'released', endReason: 'released_by_client', isPartial: true };
      expect(await api.call('POST', `${path}/release`)).toMatchObject({ status: 200, body: ended });
      expect(await api.call('PATCH', path, { body: { name: 'x' } })).toMatchObject({
        status: 409,
        body: { code: 'session_ended', endReason: 'released_by_client' },
      });
    });

    it('does not change one', async () => {
      const { ref, path } = await live();
      await makeNewer(api.deps.redis, ref);
      const before = await api.deps.redis.hgetall(keys.row(ref));
      expect(await api.call('PATCH', path, { body: { name: 'x' } })).toMatchObject(NEWER_VERSION);
      expect(await api.deps.redis.hgetall(keys.row(ref))).toEqual(before);
    });

    it('releases all others of a selection', async () => {
      const [newer, ...others] = [
        await live({ bulk: 'a' }),
        await live({ bulk: 'a' }),
        await live({ bulk: 'a' }),
      ];
      await makeNewer(api.deps.redis, newer.ref);
      const answer = await api.call('POST', '/v1/sessions/release', { body: { labelSelector: 'bulk=a' } });
      expect(answer).toMatchObject({
        status: 200,
        body: { matched: 3, released: 2, failed: 1, success: false },
      });
      for (const { path } of others)
        expect((await api.call('GET', path)).body).toMatchObject({ endReason: 'released_by_bulk' });
    });

    it('reaches a browser whose address it can read, and gives the reason for another', async () => {
      const [known, unknown] = [await live(), await live()];
      await makeNewer(api.deps.redis, known.ref);
      await makeNewer(api.deps.redis, unknown.ref, context => ({ ...context, endpoint: { socket: 'new' } }));
      expect((await api.call('GET', `${known.path}/live`)).body).toMatchObject({ pagesKnown: true });
      expect((await api.call('GET', `${unknown.path}/live`)).body).toMatchObject({ pagesKnown: false });
      expect(await api.call('GET', `${unknown.path}/cookies`)).toMatchObject(NEWER_VERSION);
    });
  });

  describe('that are older', () => {
    /* A live session as an older version has stored it, where the API finds it. */
    const stored = async (mv: string): Promise<{ ref: SessionRef; path: string }> => {
      const { ref, path } = await live();
      const file = join(__dirname, '../fixtures/snapshots', mv, 'live.json');
      // SAFETY: a golden snapshot.
      const golden = JSON.parse(readFileSync(file, 'utf8')) as { context: Record<string, unknown> };
      const { record } = await api.deps.sessions.load(ref);
      if (record === null) throw new Error(`${ref} is gone`);
      const { id, tenant, deadlines, owner, createdAtMs, liveAtMs } = record.snapshot.context;
      const context = { ...golden.context, id, tenant, deadlines, owner, createdAtMs, liveAtMs };
      await api.deps.redis.hset(keys.row(ref), { mv, snap: JSON.stringify({ ...golden, context }) });
      return { ref, path };
    };

    it.each(['1', '5'])('shows, changes and ends one of version %s, and upgrades it', async mv => {
      const { ref, path } = await stored(mv);
      const { body } = await api.call('GET', path);
      expect(body).toMatchObject({ status: 'live', name: 'sample', headless: true });
      expect(body['isPartial']).toBeUndefined();
      expect(await api.call('PATCH', path, { body: { name: 'newer' } })).toMatchObject({ status: 200 });
      expect(await api.deps.redis.hget(keys.row(ref), 'mv')).toBe(String(MACHINE_VERSION));
      expect(await api.call('DELETE', path)).toMatchObject({ status: 200, body: { status: 'released' } });
    });

    it('ends one whose time is up', async () => {
      const { ref } = await stored('1');
      const { record } = await api.deps.sessions.load(ref);
      const { session = 0 } = record?.snapshot.context.deadlines ?? {};
      expect(await api.deps.timeouts.fire(ref, 'session', session, 'job')).toMatchObject({
        deadlineMs: session,
      });
    });
  });
});
