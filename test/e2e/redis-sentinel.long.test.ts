import { expectLegal, untilCreates } from '../support/failover';
import { Installation } from '../support/installation';
import { pollUntil } from '../support/poll-until';
import { startSentinels, type Sentinels } from '../support/sentinels';

/* A Redis with a replica, and sentinels that put it in the place of a primary that is gone. */

let sentinels: Sentinels;
let installation: Installation;

beforeEach(async () => {
  sentinels = await startSentinels();
  installation = await Installation.start({ env: { REDIS_URL: sentinels.url } });
});
afterEach(async () => {
  await installation.stop();
  await sentinels.stop();
});

/** The primary dies as given; resolves when the service works with its successor. */
async function failover(signal: 'SIGKILL' | 'SIGSTOP'): Promise<void> {
  const before = await sentinels.primaryPort();
  const dying = sentinels.servers[sentinels.ports.indexOf(before)];
  await dying?.kill(signal);
  await pollUntil('the next primary', { timeoutMs: 20_000, everyMs: 20 }, async () =>
    (await sentinels.primaryPort()) === before ? undefined : true,
  );
  await untilCreates(installation);
}

test.each(['SIGKILL', 'SIGSTOP'] as const)(
  'sessions go on when the primary gets %s, and end as they should',
  async signal => {
    const [kept, due] = [await installation.create(), await installation.create({ timeout: 8_000 })];
    await failover(signal);
    expect((await installation.read(kept.id)).status).toBe('live');
    await installation.call('POST', `/v1/sessions/${kept.id}/release`);
    await installation.until(kept.id, ({ status }) => status === 'released');
    const over = await installation.until(due.id, ({ status }) => status === 'timed_out', 20_000);
    expect(Date.parse(over.endedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(over.expiresAt ?? ''));
    await expectLegal(installation, [kept, due]);
  },
);

test('a primary that comes back after its successor was chosen is not written to', async () => {
  await failover('SIGSTOP');
  const session = await installation.create();
  await sentinels.servers[0].kill('SIGCONT');
  await pollUntil('the former primary to be a replica', { timeoutMs: 30_000, everyMs: 100 }, async () =>
    (await sentinels.servers[0].cli('info', 'replication')).includes('role:slave') ? true : undefined,
  );
  expect((await installation.read(session.id)).status).toBe('live');
  await installation.call('POST', `/v1/sessions/${session.id}/release`);
  await installation.until(session.id, ({ status }) => status === 'released');
  await expectLegal(installation, [session]);
});
