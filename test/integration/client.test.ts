import { Browser } from '../../src/client/browser';
import { SessionEndedError } from '../../src/client/errors';
import type { Session, SessionEvent } from '../../src/client/session';
import { contextRefOf } from '../../src/core/ids';
import { startTestApi, type TestApi } from '../support/api';
import { versionCommit } from '../support/context-samples';
import { startCuttingProxy, type CuttingProxy } from '../support/cutting-proxy';
import { pollUntil } from '../support/poll-until';

describe('the client and the service', () => {
  let api: TestApi;
  let proxy: CuttingProxy;
  let client: Browser;
  beforeAll(async () => {
    api = await startTestApi();
    proxy = await startCuttingProxy(api.url);
    client = new Browser({ baseUrl: proxy.url });
  });
  afterAll(async () => {
    await proxy.stop();
    await api.stop();
  });
  beforeEach(async () => {
    api.worker.launches = 'live';
    proxy.answersToLose = 0;
    await client.sessions.releaseAll();
  });

  const statusesOf = async (labelSelector: string): Promise<string[]> => {
    const statuses: string[] = [];
    for await (const { status } of client.sessions.list({ labelSelector })) statuses.push(status);
    return statuses;
  };

  it('create a session that is live, and read it again', async () => {
    const session = await client.sessions.create({ timeout: 60_000, labels: { team: 'a' }, name: 'one' });
    expect(session).toMatchObject({ status: 'live', timeout: 60_000, labels: { team: 'a' }, name: 'one' });
    expect(await client.sessions.retrieve(session.id)).toEqual({ ...session, duration: expect.any(Number) });
    expect(JSON.parse(JSON.stringify(session))).toEqual({ ...session });
  });

  it('make one session however many answers are lost', async () => {
    proxy.answersToLose = 2;
    const session = await client.sessions.create({ labels: { lost: 'answers' } });
    expect(session.status).toBe('live');
    expect(proxy.answersToLose).toBe(0);
    expect(await statusesOf('lost=answers')).toEqual(['live']);
  });

  it('leave nothing behind when all answers are lost', async () => {
    proxy.answersToLose = 3;
    await expect(client.sessions.create({ labels: { lost: 'all' } })).rejects.toMatchObject({
      code: 'connection_failed',
    });
    const ended = async (): Promise<true | undefined> =>
      (await statusesOf('lost=all')).join() === 'released' ? true : undefined;
    await pollUntil('the session to be released', { timeoutMs: 10_000, everyMs: 20 }, ended);
  });

  it('leave nothing behind when the caller gives up', async () => {
    api.worker.launches = 'ignored';
    const abort = new AbortController();
    const asked = client.sessions.create({ labels: { given: 'up' } }, { signal: abort.signal });
    await pollUntil('the session', { timeoutMs: 5_000, everyMs: 10 }, async () =>
      (await statusesOf('given=up')).length > 0 ? true : undefined,
    );
    abort.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
    await pollUntil('the session to be released', { timeoutMs: 10_000, everyMs: 20 }, async () =>
      (await statusesOf('given=up')).join() === 'released' ? true : undefined,
    );
  });

  it('do not release a session whose caller has chosen the key and can come back for it', async () => {
    proxy.answersToLose = 3;
    const request = { idempotencyKey: `order-${Date.now()}` };
    const wish = { labels: { come: 'back' } };
    await expect(client.sessions.create(wish, request)).rejects.toMatchObject({ code: 'connection_failed' });
    const session = await client.sessions.create(wish, request);
    expect(session.status).toBe('live');
    expect(await client.sessions.create(wish, request)).toMatchObject({ id: session.id });
    expect(await statusesOf('come=back')).toEqual(['live']);
    await expect(client.sessions.create({ labels: {} }, request)).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    });
  });

  it('say why a session never became live', async () => {
    api.worker.launches = 'failed';
    await expect(client.sessions.create()).rejects.toMatchObject({
      code: 'launch_failed',
      status: 502,
      sessionId: expect.any(String),
      sessionStatus: 'failed',
      endReason: 'launch_failed',
      message: expect.stringContaining('no display'),
    });
  });

  it('report the same end whether it comes while the service waits or later, with one create', async () => {
    api.worker.launches = 'ignored';
    const before = (await client.sessions.list()).sessions.length;
    const creating = client.sessions.create({ queueTimeout: 1_000 });
    await expect(creating).rejects.toBeInstanceOf(SessionEndedError);
    const told = {
      code: 'queue_timeout',
      sessionStatus: 'failed',
      endReason: 'queue_timeout',
      retryable: true,
    };
    await expect(creating).rejects.toMatchObject({ ...told, status: 503 });
    expect((await client.sessions.list()).sessions.length).toBe(before + 1);
    // Only a call that may make another session can succeed later.
    const named = { idempotencyKey: 'fails-again' };
    await expect(client.sessions.create({ queueTimeout: 1_000 }, named)).rejects.toMatchObject({
      ...told,
      retryable: false,
    });

    // As an answer that comes after the longest wait of the service.
    const early: typeof fetch = async (input, init) => {
      const headers = new Headers(init?.headers);
      if (init?.method === 'POST') headers.set('prefer', 'respond-async');
      return fetch(input, { ...init, headers });
    };
    const waits = new Browser({ baseUrl: api.url, fetch: early });
    await expect(waits.sessions.create({ queueTimeout: 1_000 })).rejects.toMatchObject({
      ...told,
      status: null,
      sessionId: expect.any(String),
    });
  });

  it('accept a session without waiting, and wait for it later', async () => {
    api.worker.launches = 'ignored';
    const session = await client.sessions.create({}, { wait: false });
    expect(session).toMatchObject({ status: 'created', websocketUrl: null });
    await expect(client.sessions.waitFor(session, 'live', { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'wait_timeout',
    });
    const why = { code: 'session_ended', endReason: 'released_by_client' };
    const waiting = expect(client.sessions.waitFor(session, 'live')).rejects.toMatchObject(why);
    const ended = client.sessions.waitFor(session, 'ended');
    await client.sessions.release(session);
    await waiting;
    expect(await ended).toMatchObject({ status: 'released' });
  });

  it('change a live session once, also when the answer is lost', async () => {
    const session = await client.sessions.create({ timeout: 60_000, labels: { keep: '1', drop: '1' } });
    proxy.answersToLose = 1;
    const changes = { timeout: 120_000, labels: { drop: null, add: '1' }, name: 'renamed' };
    const changed = await client.sessions.update(session, changes, { ifRevision: session.revision });
    expect(changed).toMatchObject({ name: 'renamed', labels: { keep: '1', add: '1' }, timeout: 120_000 });
    expect(changed.revision).toBe(session.revision + 1);
    const extendedMs = Date.parse(changed.expiresAt ?? '') - Date.parse(session.expiresAt ?? '');
    expect(extendedMs).toBe(60_000);
    await expect(
      client.sessions.update(session, { name: 'late' }, { ifRevision: session.revision }),
    ).rejects.toMatchObject({ code: 'precondition_failed', status: 412 });

    await client.sessions.release(session);
    await expect(client.sessions.update(session, { timeout: 180_000 })).rejects.toMatchObject({
      code: 'session_ended',
      sessionStatus: 'released',
    });
  });

  it('create, change and delete a context once, also when the answers are lost', async () => {
    const { contexts } = client;
    proxy.answersToLose = 1;
    const made = await contexts.create({ name: 'github', labels: { team: 'a' } });
    expect(await contexts.get(made)).toEqual(made);
    await expect(contexts.create({ name: 'github' })).rejects.toMatchObject({ code: 'context_exists' });
    expect((await contexts.create({ name: 'github', ifExists: 'return' })).id).toBe(made.id);

    proxy.answersToLose = 1;
    const renamed = await contexts.update(made, { name: 'hub' }, { ifRevision: made.revision });
    expect(renamed).toMatchObject({ name: 'hub', revision: made.revision + 1 });
    await expect(
      contexts.update(made, { name: 'late' }, { ifRevision: made.revision }),
    ).rejects.toMatchObject({ code: 'precondition_failed' });

    const ref = contextRefOf('default', made.id);
    for (const baseVersion of [0, 1])
      await api.deps.contextVersions.commit(versionCommit(ref, { baseVersion }));
    expect((await contexts.versions(made.id)).map(({ version }) => version)).toEqual([2, 1]);
    proxy.answersToLose = 1;
    expect(await contexts.restore(made, 1)).toMatchObject({ currentVersion: 1, latestVersion: 2 });
    expect((await client.usage()).contexts).toEqual({ count: 1, bytes: 200 });

    proxy.answersToLose = 1;
    await contexts.delete(made);
    await expect(contexts.get(made)).rejects.toMatchObject({ code: 'context_not_found', status: 404 });
  });

  it('list contexts by name and by label, over all pages', async () => {
    const made: string[] = [];
    for (const name of ['a', 'b', 'c'])
      made.unshift((await client.contexts.create({ name, labels: { run: 'list' } })).id);
    const found: string[] = [];
    for await (const { id } of client.contexts.list({ labelSelector: 'run=list', limit: 2 })) found.push(id);
    expect(found).toEqual(made);
    for await (const { id } of client.contexts.list({ name: 'a' })) expect(id).toBe(made[2]);
    for (const id of made) await client.contexts.delete(id);
  });

  it('refuse what is not offered yet, by code and field', async () => {
    await expect(client.sessions.create({ recording: true })).rejects.toMatchObject({
      code: 'not_supported',
      status: 422,
      requestId: expect.any(String),
      fields: [{ pointer: '/recording' }],
    });
  });

  it('release a session, once more, and all of them', async () => {
    const session = await client.sessions.create({ labels: { bulk: '1' } });
    const ended = await client.sessions.release(session.id);
    expect(ended).toMatchObject({ status: 'released', endReason: 'released_by_client' });
    expect(await client.sessions.release(session)).toMatchObject({ endedAt: ended.endedAt });

    await Promise.all([1, 2, 3].map(async () => client.sessions.create({ labels: { bulk: '1' } })));
    const dry = await client.sessions.releaseAll({ labelSelector: 'bulk=1', dryRun: true });
    expect(dry).toMatchObject({ matched: 3, released: 0 });
    expect(await client.sessions.releaseAll({ labelSelector: 'bulk=1' })).toEqual({
      success: true,
      message: 'All sessions released successfully',
      matched: 3,
      released: 3,
      failed: 0,
    });
  });

  it('stream the events of a session, as they happen and from the beginning', async () => {
    const session = await client.sessions.create();
    const seen: SessionEvent[] = [];
    const watching = (async () => {
      for await (const event of client.sessions.watch(session.id)) seen.push(event);
    })();
    await pollUntil('the first events', { timeoutMs: 5_000, everyMs: 10 }, () =>
      seen.some(({ to }) => to === 'live') ? true : undefined,
    );
    await client.sessions.release(session);
    await watching;
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_event, index) => index + 1));
    expect(seen.at(-1)).toMatchObject({ to: 'released', cause: 'released_by_client', actor: 'key:default' });
    expect(await client.sessions.events(session)).toEqual(seen);
    const rest: SessionEvent[] = [];
    for await (const event of client.sessions.watch(session, { afterSeq: seen.length - 1 })) rest.push(event);
    expect(rest).toEqual(seen.slice(-1));
  });

  it('stop watching when the signal is aborted', async () => {
    const session = await client.sessions.create();
    const abort = new AbortController();
    const watching = (async () => {
      for await (const { to } of client.sessions.watch(session, { signal: abort.signal })) {
        if (to === 'live') abort.abort(new Error('enough'));
      }
    })();
    await expect(watching).rejects.toThrow('enough');
  });

  it('page through a list that grows meanwhile, each once', async () => {
    const made: Session[] = [];
    for (let n = 0; n < 5; n += 1) made.push(await client.sessions.create({ labels: { page: '1' } }));
    const ids: string[] = [];
    for await (const { id } of client.sessions.list({ labelSelector: 'page=1', limit: 2 })) {
      ids.push(id);
      if (ids.length === 2) await client.sessions.create({ labels: { page: '1' } });
    }
    expect(ids).toEqual(made.map(({ id }) => id).reverse());
  });

  it('give a session to a callback, and release it when the callback ends', async () => {
    const used = await client.withSession({ name: 'block' }, session => session);
    expect(await client.sessions.retrieve(used)).toMatchObject({ endReason: 'released_by_client' });

    let failed: Session | null = null;
    const work = client.withSession({}, session => {
      failed = session;
      throw new Error('of the work');
    });
    await expect(work).rejects.toThrow('of the work');
    expect(await client.sessions.retrieve(failed ?? '')).toMatchObject({ status: 'released' });

    const disposed = await client.sessions.create();
    await disposed[Symbol.asyncDispose]();
    expect(await client.sessions.retrieve(disposed)).toMatchObject({ status: 'released' });
  });

  it('show the open pages of a live session, and how an ended one ended', async () => {
    const session = await client.sessions.create();
    const { websocketUrl } = session;
    expect(await client.sessions.liveDetails(session.id)).toMatchObject({
      wsUrl: websocketUrl,
      clientsAttached: 0,
    });
    await client.sessions.release(session);
    await expect(client.sessions.liveDetails(session)).rejects.toMatchObject({
      code: 'session_ended',
      sessionStatus: 'released',
      endReason: 'released_by_client',
    });
  });
});
