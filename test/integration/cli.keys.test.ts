import { startTestApi, type TestApi } from '../support/api';
import { runCommand, type Printed } from '../support/command-line';

describe('API keys on the command line', () => {
  let api: TestApi;
  beforeAll(async () => (api = await startTestApi()));
  afterAll(() => api.stop());

  const holdfast = async (...argv: string[]): Promise<Printed> => runCommand(api.url, 'keys', argv);

  it('are created on an open installation, listed without the key, and revoked by their name', async () => {
    const created = await holdfast(
      'create',
      'nightly',
      '--scope',
      'view',
      '--scope',
      'jobs',
      '--expires-in',
      '90d',
    );
    expect(created.stderr).toBe('Keep the key now: it is never shown again.\n');
    const key = /^key +(hf_\S+)$/m.exec(created.stdout)?.[1] ?? '';
    expect((await api.call('GET', '/v1/sessions', { headers: { 'x-api-key': key } })).status).toBe(200);
    const table = (await holdfast('list')).stdout;
    expect(table).toMatch(/^ID +NAME +TENANT +SCOPES +AGE +USED +EXPIRES\n/);
    expect(table).toMatch(/nightly +default +view,jobs .* 90d$|nightly +default +view,jobs .* 89d\d*h?/m);
    expect(table).not.toContain(key);
    expect(await holdfast('revoke', 'nightly')).toMatchObject({ code: 0 });
    expect((await api.call('GET', '/v1/sessions', { headers: { 'x-api-key': key } })).status).toBe(401);
    expect(await holdfast('revoke', 'nightly')).toMatchObject({ code: 3 });
  });

  it('come alone for a script, and with a scope that exists', async () => {
    const { stdout, stderr } = await holdfast('create', 'for a script', '-o', 'name');
    expect([stdout.trim(), stderr]).toEqual([expect.stringMatching(/^hf_\S{60}$/), '']);
    expect(await holdfast('create', 'odd', '--scope', 'root')).toMatchObject({ code: 2 });
    expect(await holdfast('create', ' ')).toMatchObject({ code: 2 });
  });
});
