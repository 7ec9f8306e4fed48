import { randomBytes } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContextVersionData } from '../../src/client/contexts';
import { Installation, type SessionView } from '../support/installation';
import { readEvents } from '../support/sse';

/*
 * Several sessions of one context. They have null browsers: what is saved does not matter here, but whether and as
 * what.
 */
describe('sessions with one context', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await Installation.start();
  });
  afterAll(() => installation.stop());

  const writing = (name: string, onConflict = 'keep'): Promise<SessionView> =>
    installation.create({ context: { name, persist: true, onConflict } });
  const reading = (name: string): Promise<SessionView> => installation.create({ context: { name } });
  const refused = async (name: string, onConflict = 'keep'): Promise<unknown> => {
    const context = { name, persist: true, onConflict };
    const { status, body } = await installation.call('POST', '/v1/sessions', { context });
    return { status, body };
  };

  const release = async ({ id }: SessionView): Promise<SessionView> =>
    (await installation.call('DELETE', `/v1/sessions/${id}`)).body;

  const versions = async ({ context }: SessionView): Promise<readonly ContextVersionData[]> => {
    const path = `/v1/contexts/${context?.id}/versions`;
    return (await installation.call<{ versions: ContextVersionData[] }>('GET', path)).body.versions;
  };

  const killBrowsers = async (): Promise<void> => {
    for (const pid of await installation.browsers()) process.kill(pid, 'SIGKILL');
  };

  it('keep the later save beside the current version, with `keep`, and an event says so', async () => {
    const [first, later] = [await writing('keep'), await writing('keep')];
    const events = await readEvents(`${installation.url}/v1/events`);
    expect((await release(first)).context?.lastSave).toMatchObject({ version: 1, isCurrent: true });
    expect((await release(later)).context?.lastSave).toMatchObject({
      version: 2,
      isCurrent: false,
      error: null,
    });
    const saves = (): unknown[] =>
      events.events.filter(({ event }) => event === 'context').map(({ data }) => data);
    await events.atLeast(6);
    await events.stop();
    expect(saves()).toMatchObject([
      { contextId: first.context?.id, change: 'saved', version: 1, isCurrent: true },
      { contextId: first.context?.id, change: 'saved', version: 2, isCurrent: false },
    ]);
    const next = await reading('keep');
    expect(next.context?.version).toBe(1);
    await release(next);
  });

  it('take the later save as the current version, with `replace`', async () => {
    const [first, later] = [await writing('replace'), await writing('replace', 'replace')];
    await release(first);
    expect((await release(later)).context?.lastSave).toMatchObject({ version: 2, isCurrent: true });
    expect(await versions(later)).toMatchObject([
      { version: 2, isCurrent: true, baseVersion: null, sessionId: later.id },
      { version: 1, isCurrent: false },
    ]);
  });

  it('are one at a time with `refuse`, in both directions, and readers are always welcome', async () => {
    const only = await writing('refuse', 'refuse');
    const inUse = { status: 409, body: { code: 'context_in_use', sessionId: only.id, retryable: false } };
    expect(await refused('refuse')).toMatchObject(inUse);
    expect(await refused('refuse', 'refuse')).toMatchObject(inUse);
    const readers = await Promise.all([reading('refuse'), reading('refuse'), reading('refuse')]);
    await release(only);
    const writer = await writing('refuse');
    expect(await refused('refuse', 'refuse')).toMatchObject({
      status: 409,
      body: { code: 'context_in_use', sessionId: writer.id },
    });
    await Promise.all([...readers, writer].map(release));
    const next = await writing('refuse', 'refuse');
    expect(next.context?.version).toBe(2);
    await release(next);
  });

  it('let exactly one of many in that are created at once with `refuse`', async () => {
    const context = { name: 'raced', persist: true, onConflict: 'refuse' };
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => installation.call('POST', '/v1/sessions', { context })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
    const [winner] = answers.filter(({ status }) => status === 201);
    if (winner !== undefined) await release(winner.body);
  });

  it('are free again after the session has failed that kept others out', async () => {
    const only = await writing('failed', 'refuse');
    await killBrowsers();
    await installation.until(only.id, ({ status }) => status === 'failed');
    const next = await installation.create({
      context: { name: 'failed', persist: true, onConflict: 'refuse' },
    });
    await release(next);
  });

  it('repeat a create with its Idempotency-Key instead of keeping themselves out', async () => {
    const body = { context: { name: 'repeated', persist: true, onConflict: 'refuse' } };
    const key = { 'idempotency-key': 'once' };
    const first = await installation.call('POST', '/v1/sessions', body, key);
    const again = await installation.call('POST', '/v1/sessions', body, key);
    expect([first.status, again.status, again.body.id]).toEqual([201, 201, first.body.id]);
    await release(first.body);
  });

  it('get what a session has saved that was released right before', async () => {
    await release(await writing('chain'));
    const session = await writing('chain');
    await installation.call('DELETE', `/v1/sessions/${session.id}`, undefined, { prefer: 'respond-async' });
    const next = await reading('chain');
    expect(next.context?.version).toBe(2);
    await release(next);
  });

  it('go on when their context is deleted, and say that nothing was saved', async () => {
    const session = await writing('deleted');
    const deleted = await installation.call('DELETE', `/v1/contexts/${session.context?.id}`);
    expect(deleted.status).toBe(204);
    const synced = await installation.call('POST', `/v1/sessions/${session.id}/context/sync`);
    const lost = { version: null, isCurrent: false, error: { code: 'context_not_found' } };
    expect(synced.body).toMatchObject({ status: 'live', context: { lastSave: lost } });
    expect(await release(session)).toMatchObject({ status: 'released', context: { lastSave: lost } });
    expect((await installation.call('GET', `/v1/contexts/${session.context?.id}`)).status).toBe(404);
  });
});

describe('a session whose context may not grow', () => {
  const MAX_BYTES = 4 * 2 ** 20;
  const QUOTA = 2 ** 20;
  let installation: Installation;
  beforeAll(async () => {
    installation = await Installation.start({
      env: {
        HOLDFAST_CONTEXT_MAX_BYTES: String(MAX_BYTES),
        HOLDFAST_CONTEXTS_MAX_BYTES: String(QUOTA),
      },
    });
  });
  afterAll(() => installation.stop());

  /* A browser that has stored so much. */
  const withStored = async (name: string, content: Buffer): Promise<SessionView> => {
    const session = await installation.create({ context: { name, persist: true } });
    const run = join(installation.dir.path, 'run');
    const [browser = ''] = (await readdir(run)).filter(entry => entry.startsWith('b-'));
    const folder = join(run, browser, 'profile/Default/IndexedDB');
    await mkdir(folder);
    await writeFile(join(folder, 'much'), content);
    return session;
  };

  it.each([
    ['context_too_large', Buffer.alloc(MAX_BYTES + 1)],
    ['contexts_quota_exceeded', randomBytes(QUOTA + 1)],
  ])('ends in order, its save says %s, and the last version stands', async (code, content) => {
    const first = await installation.create({ context: { name: code, persist: true } });
    await installation.call('DELETE', `/v1/sessions/${first.id}`);
    const session = await withStored(code, content);
    const refused = { version: null, isCurrent: false, error: { code } };
    const synced = await installation.call('POST', `/v1/sessions/${session.id}/context/sync`);
    expect(synced).toMatchObject({ status: 200, body: { status: 'live', context: { lastSave: refused } } });
    const { body } = await installation.call('DELETE', `/v1/sessions/${session.id}`);
    expect(body).toMatchObject({ status: 'released', error: null, context: { lastSave: refused } });
    const context = await installation.call('GET', `/v1/contexts/${session.context?.id}`);
    expect(context.body).toMatchObject({ currentVersion: 1, latestVersion: 1 });
  });
});
