import { contextRefOf } from '../../src/core/ids';
import { startTestApi, type TestApi } from '../support/api';
import { runCommand, type Printed } from '../support/command-line';
import { versionCommit } from '../support/context-samples';

describe('contexts on the command line', () => {
  let api: TestApi;
  beforeAll(async () => (api = await startTestApi()));
  afterAll(() => api.stop());

  const holdfast = async (...argv: string[]): Promise<Printed> => runCommand(api.url, 'contexts', argv);

  it('are made once, found, renamed, put back to an older version and deleted, all by their name', async () => {
    const id = (await holdfast('create', 'git hub', '--label', 'team=a', '-o', 'name')).stdout.trim();
    expect((await holdfast('create', 'git hub', '--or-get', '-o', 'name')).stdout.trim()).toBe(id);
    expect(await holdfast('create', 'git hub')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is a context "git hub" already.'),
    });
    const ref = contextRefOf('default', id);
    for (const baseVersion of [0, 1])
      await api.deps.contextVersions.commit(versionCommit(ref, { baseVersion, bytes: 700_000 }));

    const table = (await holdfast('list', '-l', 'team=a')).stdout;
    expect(table).toMatch(/^ID +NAME +VERSION +SIZE +CHANGED +LABELS\n/);
    expect(table).toMatch(new RegExp(`^${id}  git hub  +2  1.4 MB  .*  team=a$`, 'm'));
    expect((await holdfast('versions', 'git hub')).stdout).toMatch(/^ +2  current .*\n +1  –/m);
    const restored = JSON.parse((await holdfast('restore', 'git hub', '1', '--json')).stdout);
    expect(restored).toMatchObject({ currentVersion: 1, latestVersion: 2 });
    expect(await holdfast('restore', 'git hub', '9')).toMatchObject({ code: 3 });
    expect((await holdfast('update', 'git hub', '--name', 'hub', '--label', 'team-')).code).toBe(0);
    expect((await holdfast('show', 'hub')).stdout).toMatch(/^labels +–$/m);
    expect(await holdfast('delete', 'hub')).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse((await holdfast('list', '--json')).stdout)).toEqual({ contexts: [] });
  });
});
