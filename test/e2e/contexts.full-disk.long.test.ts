import { join } from 'node:path';
import { Installation, type SessionView } from '../support/installation';
import { pollUntil } from '../support/poll-until';
import { canMount, SmallDisk } from '../support/small-disk';

/* The storage of contexts has no room, or the process that saves is frozen. The browser is a null browser. */
describe('a save of a context', () => {
  let disk: SmallDisk | null;
  let installation: Installation;
  beforeAll(async () => {
    disk = canMount() ? await SmallDisk.mount(4) : null;
    const env: Record<string, string> =
      disk === null ? {} : { HOLDFAST_STORAGE: join(disk.path, 'contexts') };
    installation = await Installation.start({ env });
  });
  afterAll(async () => {
    await installation.stop();
    await disk?.remove();
  });

  const create = (name: string): Promise<SessionView> =>
    installation.create({ context: { name, persist: true } });
  const release = ({ id }: SessionView): Promise<unknown> =>
    installation.call('DELETE', `/v1/sessions/${id}`, undefined, { prefer: 'respond-async' });
  const saved = ({ id }: SessionView): Promise<SessionView> =>
    installation.until(id, ({ context }) => context?.lastSave?.id === null, 30_000);
  const untilNoBrowser = (): Promise<true> =>
    pollUntil('the browser to be gone', { timeoutMs: 5_000, everyMs: 20 }, async () =>
      (await installation.browserProcesses()).length === 0 ? true : undefined,
    );

  it('follows when there is room again, and the browser does not wait for it', async () => {
    if (disk === null) return;
    const session = await create('no room');
    disk.fill();
    await release(session);
    await untilNoBrowser();
    // One that is refused for the same reason ends nothing else.
    expect(await create('none')).toMatchObject({ status: 'live' });
    expect((await installation.read(session.id)).context?.lastSave).toBeNull();
    disk.relieve();
    expect((await saved(session)).context?.lastSave).toMatchObject({
      version: 1,
      isCurrent: true,
      error: null,
    });
    await installation.call('POST', '/v1/sessions/release');
  });

  it('on demand is repeated until there is room, and the last good version stands meanwhile', async () => {
    if (disk === null) return;
    const session = await create('on demand');
    const path = `/v1/sessions/${session.id}/context/sync`;
    const lastVersion = async (): Promise<unknown> =>
      (await installation.read(session.id)).context?.lastSave?.version;
    expect((await installation.call('POST', path)).status).toBe(200);
    disk.fill();
    const waiting = await installation.call('POST', path, undefined, { prefer: 'wait=1' });
    expect([waiting.status, await lastVersion()]).toEqual([202, 1]);
    const { body } = await installation.call('GET', `/v1/contexts/${session.context?.id}`);
    expect(body).toMatchObject({ currentVersion: 1 });
    disk.relieve();
    await pollUntil('the second version', { timeoutMs: 15_000, everyMs: 50 }, async () =>
      (await lastVersion()) === 2 ? true : undefined,
    );
    await release(session);
    expect((await saved(session)).context?.lastSave).toMatchObject({ version: 3, isCurrent: true });
  });

  it('is made by the next worker when the one that owes it is frozen', async () => {
    const session = await create('frozen');
    const worker = await installation.signal('worker', 'SIGSTOP');
    await release(session);
    await installation.replaced('worker', worker);
    expect((await saved(session)).context?.lastSave).toMatchObject({ version: 1, isCurrent: true });
    await untilNoBrowser();
  });
});
