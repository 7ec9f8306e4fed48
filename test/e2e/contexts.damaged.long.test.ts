import { copyFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Installation, type SessionView } from '../support/installation';

/* Versions whose files in the storage were changed by somebody else. */
describe('a context with a damaged version', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await Installation.start({ env: { HOLDFAST_API_KEYS: 'acme=acme-key,beta=beta-key' } });
  });
  afterAll(() => installation.stop());

  const call = <T = SessionView>(tenant: string, method: string, path: string, body?: unknown) =>
    installation.call<T>(method, path, body, { authorization: `Bearer ${tenant}-key` });

  /* A session saves a version of the context; answers the path of its file. */
  const saveVersion = async (tenant: string, name: string): Promise<{ contextId: string; blob: string }> => {
    const { body: session } = await call(tenant, 'POST', '/v1/sessions', {
      context: { name, persist: true },
    });
    const contextId = session.context?.id ?? '';
    const folder = join(installation.dir.path, 'blobs/contexts', tenant, contextId);
    const before: readonly string[] = await readdir(folder).catch(() => []);
    const { body } = await call(tenant, 'DELETE', `/v1/sessions/${session.id}`);
    expect(body.context?.lastSave).toMatchObject({ isCurrent: true, error: null });
    const [blob = ''] = (await readdir(folder)).filter(file => !before.includes(file));
    return { contextId, blob: join(folder, blob) };
  };

  const flipByte = async (path: string): Promise<void> => {
    const content = await readFile(path);
    const middle = content.length >> 1;
    content.writeUInt8(content.readUInt8(middle) ^ 1, middle);
    await writeFile(path, content);
  };

  const damages: Record<string, (blob: string) => Promise<void>> = {
    'one bit of it is another': flipByte,
    'its end is missing': async blob => truncate(blob, (await readFile(blob)).length - 1),
    'it is empty': blob => truncate(blob, 0),
    'it is missing': blob => rm(blob),
    'it is that of another tenant': async blob => copyFile((await saveVersion('beta', 'own')).blob, blob),
    'it is that of an older version': async blob => {
      const [other = ''] = (await readdir(join(blob, '..'))).filter(file => !blob.endsWith(file));
      await copyFile(join(blob, '..', other), blob);
    },
  };

  it.each(Object.keys(damages))('starts no browser when %s, and its older versions stand', async name => {
    await saveVersion('acme', name);
    const { contextId, blob } = await saveVersion('acme', name);
    await damages[name]?.(blob);
    const created = await call('acme', 'POST', '/v1/sessions', { context: { id: contextId } });
    expect(created.body).toMatchObject({
      code: 'context_failed',
      status: 409,
      retryable: false,
      detail: expect.stringMatching(/^[^/\n]*version 2 of the context ctx_[^/\n]*$/),
    });
    const { body } = await call<{ sessions: SessionView[] }>('acme', 'GET', '/v1/sessions?limit=1');
    const [failed] = body.sessions;
    expect(failed).toMatchObject({ status: 'failed', endReason: 'context_failed', liveAt: null });
    const path = `/v1/sessions/${failed?.id}/events`;
    const { body: history } = await call<{ events: { event: string }[] }>('acme', 'GET', path);
    expect(history.events.map(({ event }) => event)).toEqual(['created', 'claim', 'mount_failed']);
    expect(await installation.browserProcesses()).toEqual([]);
    expect(await readdir(join(installation.dir.path, 'run/mounts'))).toEqual([]);

    const versions = await call<{ versions: unknown[] }>('acme', 'GET', `/v1/contexts/${contextId}/versions`);
    expect(versions.body.versions).toMatchObject([{ version: 2, isCurrent: true }, { version: 1 }]);
    const state = await call('acme', 'GET', `/v1/contexts/${contextId}/storage-state`);
    expect(state).toMatchObject({ status: 409, body: { code: 'context_failed' } });
    await call('acme', 'POST', `/v1/contexts/${contextId}/versions/1/restore`);
    const next = await call('acme', 'POST', '/v1/sessions', { context: { id: contextId } });
    expect(next.body).toMatchObject({ status: 'live', context: { version: 1 } });
    await call('acme', 'DELETE', `/v1/sessions/${next.body.id}`);
  });

  it('is not that of another tenant, which cannot even name it', async () => {
    const { contextId } = await saveVersion('acme', 'hidden');
    const created = await call('beta', 'POST', '/v1/sessions', { context: { id: contextId } });
    expect(created).toMatchObject({ status: 404, body: { code: 'context_not_found' } });
    const named = await call('beta', 'POST', '/v1/sessions', { context: { name: 'hidden' } });
    expect(named.body.context).toMatchObject({ version: null, id: expect.not.stringMatching(contextId) });
    await call('beta', 'DELETE', `/v1/sessions/${named.body.id}`);
  });
});
