import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import Redis from 'ioredis';
import type { ContextVersionData } from '../../src/client/contexts';
import { contextRefOf } from '../../src/core/ids';
import { keys } from '../../src/redis/keys';
import { HoldingProxy } from '../support/holding-proxy';
import { Installation, type Role, type SessionView } from '../support/installation';
import { S3Server } from '../support/s3-server';
import { pollUntil } from '../support/poll-until';

/*
 * Kills each process in the middle of a save and of a mount: the storage has acted, and its answer is held back. The
 * browser is a null browser; that its profile is the right one is tried out with Chromium, in contexts.long.test.ts.
 */
describe('a context', () => {
  let store: S3Server;
  let network: HoldingProxy;
  let installation: Installation;
  let redis: Redis;
  beforeAll(async () => {
    store = await S3Server.start();
    network = await HoldingProxy.start(store.port);
    installation = await Installation.start({ env: store.settings({ port: network.port }) });
    redis = new Redis({ path: installation.redisSocketPath, password: installation.redisPassword });
    redis.on('error', () => undefined); // it is killed here
  });
  afterAll(async () => {
    redis.disconnect();
    await installation.stop();
    await network.stop();
    await store.stop();
  });
  afterEach(async () => {
    network.pass();
    await expectNothingLeft();
  });

  const ROLES: readonly Role[] = ['worker', 'keeper', 'redis'];
  const AT_ONCE = { prefer: 'respond-async' };
  const runRoot = (): string => join(installation.dir.path, 'run');

  const kill = async (role: Role): Promise<void> => {
    await installation.replaced(role, await installation.signal(role, 'SIGKILL'));
  };

  const saved = ({ id }: SessionView): Promise<SessionView> =>
    installation.until(id, ({ context }) => context?.lastSave?.id === null, 20_000);

  const release = async ({ id }: SessionView): Promise<SessionView> =>
    (await installation.call('DELETE', `/v1/sessions/${id}`)).body;

  const versions = async ({ context }: SessionView): Promise<readonly ContextVersionData[]> => {
    const path = `/v1/contexts/${context?.id}/versions`;
    return (await installation.call<{ versions: ContextVersionData[] }>('GET', path)).body.versions;
  };

  const expectNoBrowser = (): Promise<true> =>
    pollUntil('the browser to be gone', { timeoutMs: 5_000, everyMs: 20 }, async () =>
      (await installation.browserProcesses()).length === 0 ? true : undefined,
    );

  /* Neither in the run root, nor in the storage: every blob is that of a version, or on the list of those to delete. */
  const expectNothingLeft = async (): Promise<void> => {
    const left = async (): Promise<string[]> => {
      // A folder that is being removed while it is read is still there.
      const names = await readdir(runRoot(), { recursive: true }).catch(() => ['b-being-removed']);
      return names.filter(name => /^(b-|(mounts|kept|states)\/)/.test(name));
    };
    await pollUntil('the run root to be tidy', { timeoutMs: 10_000, everyMs: 50 }, async () =>
      (await left()).length === 0 ? true : undefined,
    ).catch(async (error: unknown) => {
      throw new Error(`left: ${(await left()).join(', ')}`, { cause: error });
    });
    const doomed = await redis.zrange(keys.doomedBlobs, '0', '-1');
    expect([...(await blobsOfVersions()), ...doomed]).toEqual(expect.arrayContaining(store.keys()));
    expect(store.keys()).toEqual(expect.arrayContaining(await blobsOfVersions()));
  };

  const blobsOfVersions = async (): Promise<string[]> => {
    const { body } = await installation.call<{ contexts: { id: string }[] }>('GET', '/v1/contexts');
    const refs = body.contexts.map(({ id }) => contextRefOf('default', id));
    const found = await Promise.all(refs.map(ref => redis.hvals(keys.contextVersions(ref))));
    // SAFETY: what the commit of a version writes.
    return found.flat().map(json => (JSON.parse(json) as { blobKey: string }).blobKey);
  };

  it.each(ROLES)('gets one version of a session whose save the %s was killed in', async role => {
    const session = await installation.create({ context: { name: `saved, ${role}`, persist: true } });
    const { firstAnswer } = network.hold();
    await installation.call('DELETE', `/v1/sessions/${session.id}`, undefined, AT_ONCE);
    await firstAnswer;
    await expectNoBrowser();
    await kill(role);
    network.pass();
    expect(await saved(session)).toMatchObject({
      status: 'released',
      context: { lastSave: { version: 1, isCurrent: true, error: null } },
    });
    expect(await versions(session)).toMatchObject([{ version: 1, sessionId: session.id }]);
  });

  it.each(ROLES)(
    'gets one version of a session that was released just before the %s was killed',
    async role => {
      const session = await installation.create({ context: { name: `released, ${role}`, persist: true } });
      await installation.call('DELETE', `/v1/sessions/${session.id}`, undefined, AT_ONCE);
      const killed = kill(role);
      await expectNoBrowser();
      await killed;
      expect(await saved(session)).toMatchObject({ context: { lastSave: { version: 1, error: null } } });
      expect(await versions(session)).toHaveLength(1);
    },
  );

  it.each(ROLES)('gets one version of a sync that the %s was killed in', async role => {
    const session = await installation.create({ context: { name: `synced, ${role}`, persist: true } });
    const { firstAnswer } = network.hold();
    const path = `/v1/sessions/${session.id}/context/sync`;
    const { status, headers } = await installation.call('POST', path, undefined, AT_ONCE);
    expect(status).toBe(202);
    await firstAnswer;
    await kill(role);
    network.pass();
    const synced = await installation.until(
      session.id,
      ({ context }) => (context?.lastSave ?? null) !== null,
      20_000,
    );
    expect(synced).toMatchObject({
      status: 'live',
      context: { lastSave: { id: Number(headers.get('save-id')), version: 1, error: null } },
    });
    expect(await versions(session)).toMatchObject([{ version: 1, source: 'sync' }]);
    expect((await release(synced)).context?.lastSave).toMatchObject({ version: 2, isCurrent: true });
  });

  it('has as its current version what a session was released with, though a sync took longer', async () => {
    const session = await installation.create({ context: { name: 'overtaken', persist: true } });
    const { firstAnswer } = network.hold();
    await installation.call('POST', `/v1/sessions/${session.id}/context/sync`, undefined, AT_ONCE);
    await firstAnswer;
    await installation.call('DELETE', `/v1/sessions/${session.id}`, undefined, AT_ONCE);
    await expectNoBrowser();
    network.pass();
    expect(await saved(session)).toMatchObject({ context: { lastSave: { version: 2, isCurrent: true } } });
    expect(await versions(session)).toMatchObject([
      { version: 2, source: 'session', isCurrent: true },
      { version: 1, source: 'sync' },
    ]);
  });

  it.each(ROLES)('is mounted by the next attempt when the %s was killed while it was mounted', async role => {
    const name = `mounted, ${role}`;
    await release(await installation.create({ context: { name, persist: true } }));
    const { firstAnswer } = network.hold();
    const { body } = await installation.call('POST', '/v1/sessions', { context: { name } }, AT_ONCE);
    await firstAnswer;
    expect(await readdir(join(runRoot(), 'mounts'))).toHaveLength(1);
    await kill(role);
    network.pass();
    const live = await installation.until(body.id, ({ status }) => status === 'live', 20_000);
    expect(live.context).toMatchObject({ version: 1 });
    await release(live);
  });
});
