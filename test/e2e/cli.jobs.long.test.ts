import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { freePort } from '../support/free-port';
import { Installation } from '../support/installation';
import { pollUntil } from '../support/poll-until';

const BIN = join(process.cwd(), 'bin/holdfast');

describe('jobs on the command line', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await Installation.start({ env: { HOLDFAST_REDIS_PORT: String(await freePort()) } });
  });
  afterAll(() => installation.stop());

  const holdfast = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [BIN, ...args], {
      encoding: 'utf8',
      env: {
        PATH: process.env['PATH'],
        HOLDFAST_URL: installation.url,
        HOLDFAST_DATA_DIR: installation.dir.path,
      },
    });

  it('are sent through the printed URL, shown, tried again and discarded', async () => {
    const url = holdfast('redis-url');
    expect([url.status, url.stderr]).toEqual([0, '']);
    const queue = new Queue('ingress', { prefix: '{hf-in}', connection: { url: url.stdout.trim() } });
    try {
      await queue.add('session.create', { v: 2, name: '\u001b[31mred' });
      await queue.add('explode', {});
    } finally {
      await queue.close();
    }
    const [newest = '', oldest = ''] = await pollUntil(
      'two jobs',
      { timeoutMs: 10_000, everyMs: 100 },
      () => {
        const ids = holdfast('jobs', 'list', '-o', 'name').stdout.trim().split('\n');
        return ids.length === 2 ? ids : undefined;
      },
    );
    const table = holdfast('jobs', 'list', '--queue', 'ingress').stdout;
    expect(table).toMatch(/^ID +AGE +QUEUE +NAME +REASON +DETAIL$/m);
    expect(table).toContain('unknown_name');

    const shown = holdfast('jobs', 'show', oldest);
    expect(shown.stdout).toContain('malformed');
    expect(shown.stdout).not.toContain('\u001b');
    expect(JSON.parse(holdfast('jobs', 'show', oldest, '--json').stdout)).toMatchObject({
      data: JSON.stringify({ v: 2, name: '\u001b[31mred' }),
    });

    const retried = holdfast('jobs', 'retry', oldest);
    expect([retried.status, retried.stderr]).toEqual([1, expect.stringContaining('job_not_retryable')]);
    expect(holdfast('jobs', 'discard', oldest, newest).status).toBe(0);
    expect(holdfast('jobs', 'discard', oldest)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('job_not_found'),
    });
    expect(JSON.parse(holdfast('jobs', 'list', '--json').stdout)).toEqual({ jobs: [] });
  });

  it('have no URL where the Redis is not opened', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, 'redis-url'], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOLDFAST_DATA_DIR: join(installation.dir.path, 'nothing-here') },
    });
    expect([status, stdout]).toEqual([3, '']);
    expect(stderr).toContain('HOLDFAST_REDIS_PORT');
  });
});
