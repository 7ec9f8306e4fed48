import { Browser } from '../../src/client/browser';
import { refOf, type SessionRef } from '../../src/core/ids';
import { HISTORY_CHANGES_MAX } from '../../src/engine/command-handler';
import { keys } from '../../src/redis/keys';
import { startTestApi, type TestApi } from '../support/api';
import { readEvents } from '../support/sse';

/** As many changes as a session may have, and adoptions on top. */
const LONGEST = HISTORY_CHANGES_MAX + 1_500;

interface EventsPage {
  readonly events: { readonly seq: number }[];
  readonly nextCursor: string | null;
  readonly hasMore: boolean;
}

describe('a long history', () => {
  let api: TestApi;
  let id: string;
  let ref: SessionRef;

  beforeAll(async () => {
    api = await startTestApi();
    ({ id } = await api.createLive());
    ref = refOf('default', id);
    await lengthen(ref, LONGEST);
  }, 30_000);
  afterAll(() => api.stop());

  /* As if the session had been changed this often. */
  const lengthen = async (of: SessionRef, revision: number): Promise<void> => {
    const [first = '{}'] = await api.deps.redis.lrange(keys.history(of), 0, 0);
    const entry = JSON.parse(first) as Record<string, unknown>;
    const from = (await api.deps.redis.llen(keys.history(of))) + 1;
    const lines = Array.from({ length: revision - from + 1 }, (_, i) =>
      JSON.stringify({ ...entry, seq: from + i, event: 'update', from: 'live', to: 'live' }),
    );
    for (let i = 0; i < lines.length; i += 1_000)
      await api.deps.redis.rpush(keys.history(of), ...lines.slice(i, i + 1_000));
    await api.deps.redis.hset(keys.row(of), 'rev', String(revision));
  };

  const page = async (query: string): Promise<EventsPage> => {
    const answer = await api.call('GET', `/v1/sessions/${id}/events${query}`);
    expect(answer.status).toBe(200);
    // SAFETY: a 200 of this route is a page of the history.
    return answer.body as unknown as EventsPage;
  };

  const seqs = ({ events }: EventsPage): number[] => events.map(({ seq }) => seq);

  it('comes in pages, after the line that the caller names', async () => {
    expect(await page('?limit=3').then(seqs)).toEqual([1, 2, 3]);
    expect(await page('?after=3&limit=2')).toMatchObject({
      events: [{ seq: 4 }, { seq: 5 }],
      nextCursor: '5',
      hasMore: true,
    });
    expect(await page('').then(seqs)).toHaveLength(1_000);
    expect(await page(`?after=${LONGEST - 1}`)).toMatchObject({
      events: [{ seq: LONGEST }],
      nextCursor: null,
      hasMore: false,
    });
    expect(await page(`?after=${LONGEST + 5}`)).toMatchObject({ events: [], nextCursor: null });
    const { headers } = await api.call('GET', `/v1/sessions/${id}/events?limit=2`);
    expect(headers.get('link')).toBe(`</v1/sessions/${id}/events?limit=2&after=2>; rel="next"`);
  });

  it.each(['after=-1', 'after=x', 'after=1.5', 'limit=0', 'limit=1001', 'after=', 'limit='])(
    'refuses %s',
    async query => {
      const answer = await api.call('GET', `/v1/sessions/${id}/events?${query}`);
      expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
    },
  );

  it('is 404 for a session that does not exist, with and without a cursor', async () => {
    for (const query of ['', '?after=7'])
      expect(await api.call('GET', `/v1/sessions/nobody/events${query}`)).toMatchObject({ status: 404 });
  });

  it('is read to its end by the client library, from the first line or from a later one', async () => {
    const client = new Browser({ baseUrl: api.url });
    const all = await client.sessions.events(id);
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: LONGEST }, (_, i) => i + 1));
    expect(await client.sessions.events(id, { afterSeq: LONGEST - 2 })).toHaveLength(2);
  });

  it('streams whole and in order', async () => {
    const reader = await readEvents(`${api.url}/v1/sessions/${id}/events/stream`);
    try {
      await reader.atLeast(LONGEST, 20_000);
      expect(reader.events.map(event => Number(event.id))).toEqual(
        Array.from({ length: LONGEST }, (_, i) => i + 1),
      );
    } finally {
      await reader.stop();
    }
  }, 30_000);

  it('is never read from Redis in more than a page at a time, by any reader', async () => {
    const { redis } = api.deps;
    await redis.config('SET', 'slowlog-max-len', '1000000');
    await redis.config('SET', 'slowlog-log-slower-than', '0');
    const reader = await readEvents(`${api.url}/v1/sessions/${id}/events/stream`);
    try {
      await new Browser({ baseUrl: api.url }).sessions.events(id);
      await page('');
      await reader.atLeast(1_000);
    } finally {
      await redis.config('SET', 'slowlog-log-slower-than', '-1');
      await reader.stop();
    }
    // SAFETY: an entry of the slow log is [id, time, duration, command, …].
    const logged = (await redis.slowlog('GET', 1_000_000)) as [number, number, number, string[]][];
    const read = logged
      .map(([, , , command]) => command)
      .filter(([name, key]) => name?.toLowerCase() === 'lrange' && key === keys.history(ref));
    const widths = read.map(([, , from, to]) => Number(to) - Number(from));
    expect(widths.length).toBeGreaterThan(LONGEST / 1_000);
    expect(Math.min(...widths)).toBeGreaterThan(0);
    expect(Math.max(...widths)).toBeLessThanOrEqual(1_001);
  }, 30_000);

  it('refuses changes when it is full, and everything else goes on', async () => {
    const session = await api.createLive();
    const path = `/v1/sessions/${session.id}`;
    await lengthen(refOf('default', session.id), HISTORY_CHANGES_MAX - 1);
    const change = (name: string) => api.call('PATCH', path, { body: { name } });
    expect(await change('the last')).toMatchObject({ status: 200, body: { revision: HISTORY_CHANGES_MAX } });
    expect(await change('one too many')).toMatchObject({
      status: 409,
      body: { code: 'too_many_changes', retryable: false },
    });
    expect(await api.call('GET', path)).toMatchObject({ body: { name: 'the last', status: 'live' } });
    expect(await api.call('DELETE', path)).toMatchObject({ status: 200, body: { status: 'released' } });
    const last = await api.call('GET', `${path}/events?after=${HISTORY_CHANGES_MAX - 1}`);
    expect(last.body['events']).toMatchObject([
      { seq: HISTORY_CHANGES_MAX, event: 'update' },
      { seq: HISTORY_CHANGES_MAX + 1, event: 'release' },
    ]);
  });
});
