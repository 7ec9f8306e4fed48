import { randomUUID } from 'node:crypto';
import { leaveMark, readMark } from '../support/clients';
import { Installation, type Role } from '../support/installation';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

/** What a process that is killed at each of its starts has to be outlived. */
const LEAST_KILLS = 6;

/* Kills each process in turn while a session with a real browser is live: the session must be the same afterwards. */
describe('a live session', () => {
  let installation: Installation;

  beforeAll(async () => {
    installation = await Installation.start({ browser: 'shell' });
  });
  afterAll(() => installation.stop());

  const survives = async (hurt: () => Promise<void>): Promise<void> => {
    const session = await installation.create({ timeout: 120_000 });
    const mark = randomUUID();
    await leaveMark(session, mark);
    await hurt();
    const after = await installation.until(session.id, ({ status }) => status === 'live');
    expect(await readMark(after)).toBe(mark);
    const released = await installation.call('POST', `/v1/sessions/${session.id}/release`);
    expect(released.body).toMatchObject({ status: 'released', endReason: 'released_by_client' });
    await expectNoBrowsers();
  };

  const expectNoBrowsers = (): Promise<true> =>
    pollUntil('the last browser process to be gone', { timeoutMs: 5_000, everyMs: 50 }, async () =>
      (await installation.browserProcesses()).length === 0 ? true : undefined,
    );

  it.each<Role>(['worker', 'keeper', 'api', 'redis'])('survives the %s, killed', async role => {
    await survives(async () => {
      const killed = await installation.signal(role, 'SIGKILL');
      await installation.replaced(role, killed);
    });
  });

  it('survives the supervisor, killed and started again within the lease', async () => {
    await survives(async () => {
      await installation.signal('supervisor', 'SIGKILL');
      await installation.restart();
    });
  });

  it('is adopted by the successor of a killed worker within a second, once', async () => {
    const session = await installation.create();
    const killedAtMs = Date.now();
    await installation.signal('worker', 'SIGKILL');
    await installation.until(session.id, ({ revision }) => revision > session.revision);
    const adoption = (await installation.history(session.id)).filter(({ event }) => event === 'adopt');
    expect(adoption).toHaveLength(1);
    expect(Date.parse(adoption[0]?.at ?? '') - killedAtMs).toBeLessThan(scaled(3_000));
    await installation.call('POST', `/v1/sessions/${session.id}/release`);
    await expectNoBrowsers();
  });

  it('survives a frozen worker, which the keeper replaces', async () => {
    await survives(async () => {
      const frozen = await installation.signal('worker', 'SIGSTOP');
      await installation.replaced('worker', frozen);
    });
  });

  it.each([
    // Longer than the limit of the keeper and a lease: the worker never lives long enough to renew anything.
    ['worker', 12_000],
    ['keeper', 4_000],
  ] as const)('survives a %s that is killed at each of its starts, for %i ms', async (role, forMs) => {
    await survives(async () => {
      const beganMs = performance.now();
      let killed = await installation.signal(role, 'SIGKILL');
      // On a busy machine a start takes longer, and fewer kills in the same time would prove less.
      for (let kills = 1; performance.now() - beganMs < forMs || kills < LEAST_KILLS; kills += 1) {
        await installation.replaced(role, killed);
        killed = await installation.signal(role, 'SIGKILL');
      }
      await installation.replaced(role, killed);
    });
  });

  it('survives keeper and API frozen and the worker killed, all at once', async () => {
    await survives(async () => {
      const [keeper, api] = [
        await installation.signal('keeper', 'SIGSTOP'),
        await installation.signal('api', 'SIGSTOP'),
      ];
      await installation.signal('worker', 'SIGKILL');
      await installation.replaced('keeper', keeper);
      await installation.replaced('api', api, 15_000);
    });
  });

  it('survives all of worker, keeper and API killed together', async () => {
    await survives(async () => {
      const killed = await Promise.all(
        (['worker', 'keeper', 'api'] as const).map(role => installation.signal(role, 'SIGKILL')),
      );
      await installation.replaced('worker', killed[0] ?? (await installation.find('worker')));
      await installation.replaced('api', killed[2] ?? (await installation.find('api')));
    });
  });
});
