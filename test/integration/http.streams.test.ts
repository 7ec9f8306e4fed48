import { contextRefOf, refOf } from '../../src/core/ids';
import type { OpenApiDocument } from '../../src/http/openapi/open-api';
import { NOTICES_MAX, publishNotice } from '../../src/store/notice-stream';
import { KEYS_OF_TWO, startTestApi, type TestApi } from '../support/api';
import { createContext, versionCommit } from '../support/context-samples';
import { Contract } from '../support/openapi';
import { readEvents, type EventReader, type ReadEvent } from '../support/sse';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

const ACME = { 'x-api-key': 'acme-key-1' };
const BETA = { 'x-api-key': 'beta-key-1' };

const kinds = (events: readonly ReadEvent[]): string[] =>
  events.map(({ event, data }) =>
    event === 'transition' ? `${String(data['from'])}→${String(data['to'])}` : event,
  );
const ids = (events: readonly ReadEvent[]): string[] => events.map(({ id }) => id);

describe('event streams', () => {
  let api: TestApi;
  let readers: EventReader[];
  const open = async (path: string, headers: Record<string, string> = {}): Promise<EventReader> => {
    const reader = await readEvents(`${api.url}${path}`, headers);
    readers.push(reader);
    return reader;
  };
  beforeEach(async () => {
    readers = [];
    const apiKeys = KEYS_OF_TWO;
    // Written to disk at once, so that nothing is lost in a restart.
    api = await startTestApi({ apiKeys }, { appendonly: true, appendfsync: 'always' });
  });
  afterEach(async () => {
    await Promise.all(readers.map(reader => reader.stop()));
    await api.stop();
  });

  describe('of one session', () => {
    const streamOf = (id: string): string => `/v1/sessions/${id}/events/stream`;

    it('send the history, then new events, and end when the browser is gone', async () => {
      const { id } = await api.createLive({}, ACME);
      const reader = await open(streamOf(id), ACME);
      expect(reader.response.status).toBe(200);
      expect(Object.fromEntries(reader.response.headers)).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
      });
      await reader.atLeast(3);
      api.worker.closesBrowsers = false;
      await api.call('DELETE', `/v1/sessions/${id}`, { headers: { ...ACME, prefer: 'respond-async' } });
      await reader.atLeast(4);
      expect(kinds(reader.events)).toEqual([
        'null→created',
        'created→created',
        'created→live',
        'live→released',
      ]);
      const { record } = await api.deps.sessions.load(refOf('acme', id));
      await api.deps.closing.acknowledge(
        refOf('acme', id),
        record?.snapshot.context.owner?.fence.claimId ?? '',
      );
      await reader.ended();
      expect(ids(reader.events)).toEqual(['1', '2', '3', '4', 'closed']);
      const history = await api.call('GET', `/v1/sessions/${id}/events`, { headers: ACME });
      expect(reader.events.slice(0, 4).map(({ data }) => data)).toEqual(history.body['events']);
    });

    it('go on where the reader was, by header or by query', async () => {
      const { id } = await api.createLive({}, ACME);
      const byHeader = await open(streamOf(id), { ...ACME, 'last-event-id': '2' });
      const byQuery = await open(`${streamOf(id)}?since=2`, ACME);
      for (const reader of [byHeader, byQuery]) expect(ids(await reader.atLeast(1))).toEqual(['3']);
    });

    it('begin again, and say so, for an id that is not in the history', async () => {
      const { id } = await api.createLive({}, ACME);
      for (const unknown of ['7', 'nonsense', '-1', 'closed']) {
        const reader = await open(streamOf(id), { ...ACME, 'last-event-id': unknown });
        await reader.atLeast(4);
        expect([unknown, ids(reader.events)]).toEqual([unknown, ['0', '1', '2', '3']]);
        expect(reader.events[0]?.event).toBe('reset');
      }
    });

    it('of an ended session send its history and end; a reader that has seen all of it gets 204', async () => {
      const { id } = await api.createLive({}, ACME);
      await api.call('DELETE', `/v1/sessions/${id}`, { headers: ACME });
      const reader = await open(streamOf(id), ACME);
      await reader.ended();
      expect(ids(reader.events)).toEqual(['1', '2', '3', '4', 'closed']);
      const again = await open(streamOf(id), { ...ACME, 'last-event-id': reader.lastEventId });
      expect(again.response.status).toBe(204);
    });

    it('are open only to their own tenant', async () => {
      const { id } = await api.createLive({}, ACME);
      expect((await open(streamOf(id), BETA)).response.status).toBe(404);
      expect((await open(streamOf(id))).response.status).toBe(401);
      expect((await open(streamOf('unknown'), ACME)).response.status).toBe(404);
    });

    it('lose nothing when Redis restarts under a reader that stays', async () => {
      const { id } = await api.createLive({}, ACME);
      const reader = await open(streamOf(id), ACME);
      await reader.atLeast(3);
      await api.redis.kill('SIGKILL');
      await api.redis.restart();
      await pollUntil('the release', { timeoutMs: 8_000, everyMs: 50 }, async () => {
        const { status } = await api.call('DELETE', `/v1/sessions/${id}`, { headers: ACME });
        return status === 200 ? true : undefined;
      });
      await reader.ended();
      expect(kinds(reader.events).slice(2)).toEqual(['created→live', 'live→released', 'closed']);
      expect(ids(reader.events)).toEqual(['1', '2', '3', '4', 'closed']);
    });
  });

  describe('of all sessions', () => {
    it('send the events of the tenant’s own sessions, from now on', async () => {
      await api.createLive({}, ACME);
      const reader = await open('/v1/events', ACME);
      await api.createLive({}, BETA);
      const { id } = await api.createLive({}, ACME);
      await api.call('DELETE', `/v1/sessions/${id}`, { headers: ACME });
      await reader.atLeast(5);
      expect(kinds(reader.events)).toEqual([
        'null→created',
        'created→created',
        'created→live',
        'live→released',
        'closed',
      ]);
      expect(new Set(reader.events.map(({ data }) => data['sessionId']))).toEqual(new Set([id]));
      expect(reader.events[3]?.data).toMatchObject({ endReason: 'released_by_client', revision: 4 });
    });

    it('tell every change of the tenant’s own contexts once, saves included, as documented', async () => {
      const reader = await open('/v1/events', ACME);
      const { contexts, contextVersions } = api.deps;
      await createContext(contexts, { tenant: 'beta' });
      const created = await api.call('POST', '/v1/contexts', { body: {}, headers: ACME });
      const contextId = String(created.body['id']);
      const path = `/v1/contexts/${contextId}`;
      const save = versionCommit(contextRefOf('acme', contextId));
      for (let i = 0; i < 2; i += 1) await contextVersions.commit(save);
      await contextVersions.commit(versionCommit(save.ref));
      await api.call('PATCH', path, { body: { name: 'n' }, headers: ACME });
      // The second restore changes nothing.
      for (let i = 0; i < 2; i += 1) await api.call('POST', `${path}/versions/2/restore`, { headers: ACME });
      await api.call('DELETE', path, { headers: ACME });
      const events = await reader.atLeast(6);
      expect(
        events.map(({ event, data: { change, revision, version, isCurrent } }) => [
          ...[event, change, revision, version, isCurrent],
        ]),
      ).toEqual([
        ['context', 'created', 1, null, null],
        ['context', 'saved', 2, 1, true],
        ['context', 'saved', 3, 2, false],
        ['context', 'updated', 4, null, null],
        ['context', 'restored', 5, 2, true],
        ['context', 'deleted', 6, null, null],
      ]);
      const document = (await api.call('GET', '/openapi.json')).body as unknown as OpenApiDocument;
      const contract = new Contract(document);
      for (const { data } of events) {
        expect(data['contextId']).toBe(contextId);
        const schema = document.components.schemas['ContextChange'] ?? {};
        expect(contract.wrongBySchema(schema, data)).toEqual([]);
      }
    });

    it('go on after the last event a reader has seen, also from another process', async () => {
      const first = await open('/v1/events', ACME);
      await api.createLive({}, ACME);
      await first.atLeast(3);
      const seen = first.lastEventId;
      await first.stop();
      await api.createLive({}, ACME);
      const other = await api.another();
      const second = await readEvents(`${other.url}/v1/events?since=${seen}`, ACME);
      readers.push(second);
      await second.atLeast(3);
      await api.createLive({}, ACME);
      await second.atLeast(6);
      const once = ['null→created', 'created→created', 'created→live'];
      expect(kinds(second.events)).toEqual([...once, ...once]);
    });

    it('send a reset when events may have been missed', async () => {
      for (const unknown of ['1-1', '99999999999999-0', 'nonsense']) {
        const reader = await open('/v1/events', { ...ACME, 'last-event-id': unknown });
        await reader.atLeast(1);
        expect(kinds(reader.events)).toEqual(['reset']);
        // From that id on the stream is complete: a reader that comes back with it is not reset again.
        await api.createLive({}, ACME);
        const again = await open('/v1/events', { ...ACME, 'last-event-id': reader.events[0]?.id ?? '' });
        await again.atLeast(3);
        await reader.atLeast(4);
        expect(reader.events.slice(1)).toEqual(again.events);
      }
    });

    it('send a reset when the reader was away for longer than notices are kept', async () => {
      const reader = await open('/v1/events', ACME);
      await api.createLive({}, ACME);
      await reader.atLeast(3);
      const seen = reader.lastEventId;
      await api.redis.cli('XTRIM', '{hf}:notices', 'MAXLEN', '1');
      const again = await open('/v1/events', { ...ACME, 'last-event-id': seen });
      const trimmed = await open('/v1/events', { ...ACME, 'last-event-id': reader.events[0]?.id ?? '' });
      await trimmed.atLeast(1);
      expect(kinds(trimmed.events)).toEqual(['reset']);
      // The newest notice is kept, and a reader that has seen it has missed nothing. Readiness probes may have pushed
      // it out.
      expect(kinds(again.events).every(kind => kind === 'reset')).toBe(true);
    });

    it('lose nothing when Redis restarts under a reader that stays', async () => {
      const reader = await open('/v1/events', ACME);
      const { id } = await api.createLive({}, ACME);
      await reader.atLeast(3);
      await api.redis.kill('SIGKILL');
      await api.redis.restart();
      await pollUntil('the release', { timeoutMs: 8_000, everyMs: 50 }, async () => {
        const { status } = await api.call('DELETE', `/v1/sessions/${id}`, { headers: ACME });
        return status === 200 ? true : undefined;
      });
      await reader.atLeast(5);
      expect(kinds(reader.events).slice(3)).toEqual(['live→released', 'closed']);
    });

    it('let a reader catch up that was slower than its inbox', async () => {
      const reader = await open('/v1/events', ACME);
      const count = 2_000;
      await Promise.all(
        Array.from({ length: count }, (_, i) =>
          publishNotice(api.deps.redis, { type: 'closed', ref: refOf('acme', `s-${i}`) }),
        ),
      );
      await reader.atLeast(count, 10_000);
      expect(count).toBeLessThan(NOTICES_MAX);
      expect(reader.events.map(({ data }) => data['sessionId'])).toEqual(
        Array.from({ length: count }, (_, i) => `s-${i}`),
      );
    });
  });

  it('are refused while Redis is away', async () => {
    const { id } = await api.createLive({}, ACME);
    await api.redis.kill('SIGSTOP');
    try {
      for (const path of ['/v1/events', `/v1/sessions/${id}/events/stream`]) {
        const startedMs = performance.now();
        const { response } = await open(path, ACME);
        expect(response.status).toBe(503);
        expect(performance.now() - startedMs).toBeLessThan(scaled(2_500));
      }
    } finally {
      await api.redis.kill('SIGCONT');
    }
  });

  it('answer HEAD with headers only', async () => {
    const { id } = await api.createLive({}, ACME);
    for (const path of ['/v1/events', `/v1/sessions/${id}/events/stream`]) {
      const answer = await api.call('HEAD', path, { headers: ACME });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    }
  });

  it('are ended in order when the process shuts down, and go on at another process', async () => {
    const other = await api.another();
    const { id } = await api.createLive({}, ACME);
    const path = `/v1/sessions/${id}/events/stream`;
    const streams = await Promise.all(
      ['/v1/events', path].map(each => readEvents(`${other.url}${each}`, ACME)),
    );
    readers.push(...streams);
    await streams[1]?.atLeast(3);
    const startedMs = performance.now();
    await other.close();
    // The answer ended in order: an aborted one would reject.
    await Promise.all(streams.map(stream => stream.ended()));
    expect(performance.now() - startedMs).toBeLessThan(scaled(2_000));
    const resumed = await open(path, { ...ACME, 'last-event-id': streams[1]?.lastEventId ?? '' });
    await api.call('DELETE', `/v1/sessions/${id}`, { headers: ACME });
    await resumed.ended();
    expect(kinds(resumed.events)).toEqual(['live→released', 'closed']);
  });
});
