import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { leaveMark, readMark, withPuppeteer } from '../support/clients';
import { Installation } from '../support/installation';
import { pollUntil } from '../support/poll-until';

/* The whole product as an ordinary user without privileges. If the tests run as root, another user is taken. */

const NOBODY = { uid: 65_534, gid: 65_534 };
const isRoot = process.getuid?.() === 0;
const user = isRoot ? NOBODY : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

let installation: Installation;
beforeAll(async () => {
  installation = await Installation.start({ browser: 'chromium', ...(isRoot ? { user } : {}) });
});
afterAll(() => installation.stop());

/** Fields of /proc/<pid>/status. */
async function statusOf(pid: number): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  return new Map(
    text.split('\n').map(line => {
      const [name = '', value = ''] = line.split(':');
      return [name, value.trim()] as const;
    }),
  );
}

test('every process and every browser belongs to that user', async () => {
  const session = await installation.create();
  const roles = ['supervisor', 'redis', 'api', 'keeper', 'worker'] as const;
  const ours = await Promise.all(roles.map(async role => (await installation.find(role)).pid));
  for (const pid of [...ours, ...(await installation.browsers())]) {
    expect((await stat(`/proc/${pid}`)).uid).toBe(user.uid);
  }
  await installation.call('DELETE', `/v1/sessions/${session.id}`);
});

test('the sandbox of its browsers is on', async () => {
  const session = await installation.create();
  const report = await withPuppeteer(session, async page => {
    await page.goto('chrome://sandbox');
    return String(await page.evaluate('document.body.innerText'));
  });
  expect(report).toContain('You are adequately sandboxed.');
  await installation.call('DELETE', `/v1/sessions/${session.id}`);
});

test('a session sees no file and no process of the service, and no other session', async () => {
  const [mine, theirs] = await Promise.all([installation.create(), installation.create()]);
  const own = installation.dir.path;
  const { pid } = await installation.find('keeper');
  const paths = ['redis/access.json', 'redis/', 'run/records/', 'run/keeper.sock', 'children.json']
    .map(name => join(own, name))
    .concat([
      '/etc/shadow',
      '/home/',
      `/proc/${pid}/environ`,
      `/proc/${pid}/cwd/`,
      `/proc/self/root${own}/redis/`,
    ]);
  const read = await withPuppeteer(mine, async page => {
    const found: string[] = [];
    for (const path of paths) {
      const answer = await page.goto(`file://${path}`).catch(() => null);
      if (answer !== null) found.push(path);
    }
    return found;
  });
  expect(read).toEqual([]);
  for (const { id } of [mine, theirs]) await installation.call('DELETE', `/v1/sessions/${id}`);
});

test('a session survives a killed worker and a killed keeper, and leaves nothing when it ends', async () => {
  const session = await installation.create();
  await leaveMark(session, 'mine');
  for (const role of ['worker', 'keeper'] as const) {
    const killed = await installation.signal(role, 'SIGKILL');
    await installation.replaced(role, killed);
  }
  expect(await readMark(await installation.until(session.id, ({ status }) => status === 'live'))).toBe(
    'mine',
  );
  await installation.call('POST', `/v1/sessions/${session.id}/release`);
  await pollUntil('the last browser process to be gone', { timeoutMs: 5_000, everyMs: 50 }, async () =>
    (await installation.browserProcesses()).length === 0 ? true : undefined,
  );
});

test('what it writes is closed to other users', async () => {
  const mode = async (path: string): Promise<number> =>
    (await stat(join(installation.dir.path, path))).mode & 0o077;
  expect(await mode('redis')).toBe(0);
  expect(await mode('run/keeper.sock')).toBe(0);
  expect(await mode('run/records')).toBe(0);
  const { pid } = await installation.find('redis');
  expect((await statusOf(pid)).get('CapEff')).toBe('0000000000000000');
});
