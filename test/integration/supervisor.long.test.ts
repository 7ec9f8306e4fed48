import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { pause } from '../../src/core/abort';
import { systemClock } from '../../src/core/clock';
import { sendSignal, systemProcesses } from '../../src/core/process-identity';
import { Stage, untilGone } from '../support/supervisor/harness';
import { pollUntil } from '../support/poll-until';
import { scaled } from '../support/slowdown';

let stage: Stage;
beforeEach(async () => (stage = await Stage.make()));
afterEach(() => stage.dispose());

describe('a supervisor that starts', () => {
  test('prints one ready line when all processes serve, after a warning that the API is open', async () => {
    const supervisor = stage.run();
    await supervisor.until();
    const plain = supervisor
      .stdout()
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('{'));
    expect(plain).toEqual([
      expect.stringContaining('No API keys are set'),
      'Holdfast is ready at http://127.0.0.1:40000',
    ]);
    expect((await stage.journal()).filter(entry => entry.event === 'start')).toHaveLength(3);
  });

  test('prints no warning about API keys when some are set', async () => {
    const supervisor = stage.run('start', { HOLDFAST_API_KEYS: 'default=a-key-for-tests' });
    await supervisor.until();
    expect(supervisor.stdout()).not.toContain('No API keys');
  });

  test('hands REDIS_URL on, and runs only the programs of its mode', async () => {
    const supervisor = stage.run('worker', { REDIS_URL: 'redis://127.0.0.1:2' });
    await supervisor.until('Holdfast worker is ready');
    const journal = await stage.journal();
    expect(new Set(journal.map(entry => entry.role))).toEqual(new Set(['worker', 'keeper']));
    // The keeper knows no Redis.
    expect(journal.filter(entry => entry.event === 'redis redis://127.0.0.1:2')).toMatchObject([
      { role: 'worker' },
    ]);
  });

  test('prints every problem of the configuration and ends with 2', async () => {
    const supervisor = stage.run('start', { HOLDFAST_PORT: 'x', HOLDFAST_SLOTS: '0' });
    expect(await supervisor.ended()).toBe(2);
    expect(supervisor.stderr()).toContain('HOLDFAST_PORT');
    expect(supervisor.stderr()).toContain('HOLDFAST_SLOTS');
  });

  test('names a certificate that cannot be used, and ends with 2', async () => {
    const files = { HOLDFAST_TLS_CERT: '/nonexistent/cert.pem', HOLDFAST_TLS_KEY: '/nonexistent/key.pem' };
    const supervisor = stage.run('start', { HOLDFAST_TLS_PORT: '65000', ...files });
    expect(await supervisor.ended()).toBe(2);
    expect(supervisor.stderr()).toContain('HOLDFAST_TLS_CERT');
  });

  test('ends with 2 when one of its processes refuses the settings at its first start', async () => {
    await stage.misbehave('keeper', 'refuses-its-settings');
    const supervisor = stage.run();
    expect(await supervisor.ended()).toBe(2);
    expect(supervisor.stderr()).toContain('the keeper refuses it');
    expect((await stage.journal()).filter(entry => entry.role === 'keeper')).toHaveLength(1);
  });

  test('refuses to be a worker without a shared Redis', async () => {
    const supervisor = stage.run('worker', { REDIS_URL: '' });
    expect(await supervisor.ended()).toBe(2);
    expect(supervisor.stderr()).toContain('REDIS_URL');
  });

  test('reports that the port belongs to another program', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    // SAFETY: a TCP server that listens has such an address.
    const { port } = other.address() as AddressInfo;
    try {
      const supervisor = stage.run('start', { HOLDFAST_PORT: String(port) });
      expect(await supervisor.ended()).toBe(1);
      expect(supervisor.stderr()).toContain(`127.0.0.1:${port} is in use`);
      expect(existsSync(join(stage.dataDir, 'supervisor.lock'))).toBe(false);
    } finally {
      other.close();
    }
  });
});

describe('a data folder', () => {
  test('that cannot be used is named', async () => {
    writeFileSync(stage.dataDir, '');
    const supervisor = stage.run();
    expect(await supervisor.ended()).toBe(1);
    expect(supervisor.stderr()).toMatch(/^the data folder .* cannot be used: EEXIST.*\n$/);
  });

  test('has one supervisor: a second one says where the first one is and ends with 1', async () => {
    const first = stage.run();
    await first.until();
    const second = stage.run();
    expect(await second.ended()).toBe(1);
    expect(second.stderr()).toContain('already running at http://127.0.0.1:40000');
    expect(await stage.starts('worker')).toHaveLength(1);
  });

  test('has one supervisor again when two start at once over the lock of a dead one', async () => {
    const dead = stage.run();
    await dead.until();
    dead.kill('SIGKILL');
    await dead.ended();
    const [one, two] = [stage.run(), stage.run()];
    const loser = await pollUntil('the loser', { timeoutMs: 10_000, everyMs: 10 }, () =>
      [one, two].find(supervisor => supervisor.process.exitCode !== null),
    );
    expect(await loser.ended()).toBe(1);
    await (loser === one ? two : one).until();
    expect(await stage.starts('keeper')).toHaveLength(1);
  });
});

describe('a process that dies', () => {
  test('is started again at once, and the API on the port it had', async () => {
    const supervisor = stage.run();
    await supervisor.until();
    for (const role of ['worker', 'keeper', 'api']) {
      sendSignal(await stage.started(role, 1), 'SIGKILL');
      await stage.started(role, 2, 1_000);
    }
    await pollUntil(
      'second readiness of the API',
      { timeoutMs: 5_000, everyMs: 10 },
      () => supervisor.logLines('process is ready').filter(line => line['role'] === 'api')[1],
    );
    const urls = supervisor.logLines('process is ready').filter(line => line['role'] === 'api');
    expect(urls.map(line => line['url'])).toEqual(['http://127.0.0.1:40000', 'http://127.0.0.1:40000']);
    expect(supervisor.logLines('process ended')[0]).toMatchObject({ role: 'worker', signal: 'SIGKILL' });
  });

  test('again and again is started after a second at most, well before its sessions are given up', async () => {
    await stage.misbehave('worker', 'dies-at-once');
    const supervisor = stage.run();
    await stage.started('worker', 6, 15_000);
    const waits = supervisor.logLines('starting the process again').map(line => line['restartInMs']);
    expect(waits.slice(0, 5)).toEqual([0, 250, 500, 1_000, 1_000]);
    supervisor.kill('SIGTERM');
    expect(await supervisor.ended()).toBe(0);
  });
});

describe('a supervisor that is killed', () => {
  test('leaves the keeper, which its successor takes over and watches', async () => {
    const first = stage.run();
    await first.until();
    const [keeper, worker, api] = [
      await stage.started('keeper', 1),
      await stage.started('worker', 1),
      await stage.started('api', 1),
    ];
    first.kill('SIGKILL');
    await first.ended();
    await Promise.all([untilGone(worker), untilGone(api)]);
    expect(await systemProcesses.identify(keeper)).not.toBeNull();

    const second = stage.run();
    await second.until();
    expect(await stage.starts('keeper')).toEqual([keeper]);
    expect(await stage.starts('worker')).toHaveLength(2);

    sendSignal(keeper, 'SIGKILL');
    const next = await stage.started('keeper', 2, 1_500);
    second.kill('SIGTERM');
    expect(await second.ended()).toBe(0);
    await untilGone(next, 100);
  });

  test('leaves a frozen worker, which its successor kills before it starts another', async () => {
    const first = stage.run();
    await first.until();
    const frozen = await stage.started('worker', 1);
    sendSignal(frozen, 'SIGSTOP');
    first.kill('SIGKILL');
    await first.ended();
    const second = stage.run();
    await second.until();
    expect(await systemProcesses.identify(frozen)).toBeNull();
  });
});

describe('a drain', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'by %s ends worker, keeper and API in this order, with 0',
    async signal => {
      const supervisor = stage.run();
      await supervisor.until();
      supervisor.kill(signal);
      expect(await supervisor.ended()).toBe(0);
      const terms = (await stage.journal()).filter(entry => entry.event === 'term').map(entry => entry.role);
      expect(terms).toEqual(['worker', 'keeper', 'api']);
      expect(existsSync(join(stage.dataDir, 'supervisor.lock'))).toBe(false);
      expect(existsSync(join(stage.dataDir, 'children.json'))).toBe(false);
    },
  );

  test('kills processes that do not end, and is over within 10 s', async () => {
    for (const role of ['worker', 'keeper', 'api']) await stage.misbehave(role, 'ignores-term');
    const supervisor = stage.run();
    await supervisor.until();
    const beganMs = systemClock.monotonicMs();
    supervisor.kill('SIGTERM');
    expect(await supervisor.ended()).toBe(0);
    expect(systemClock.monotonicMs() - beganMs).toBeLessThan(scaled(10_000));
  });

  test('kills nobody for being silent: a keeper that does not answer gets its order', async () => {
    await stage.misbehave('worker', 'ignores-term');
    const supervisor = stage.run();
    await supervisor.until();
    const keeper = await stage.started('keeper', 1);
    sendSignal(keeper, 'SIGSTOP');
    supervisor.kill('SIGTERM');
    expect(await supervisor.ended()).toBe(0);
    expect(supervisor.logLines('does not respond')).toEqual([]);
    const ends = (await stage.journal()).filter(entry => entry.role === 'keeper' && entry.event === 'term');
    expect(ends.map(({ pid }) => pid)).toEqual([keeper]);
  });

  test('is cut short by a second signal and then ends with 1, but not by one right after the first', async () => {
    await stage.misbehave('worker', 'ignores-term');
    const supervisor = stage.run();
    await supervisor.until();
    const worker = await stage.started('worker', 1);
    supervisor.kill('SIGINT');
    await supervisor.until('draining');
    supervisor.kill('SIGINT');
    // This tests the time itself: two signals within half a second count as one.
    await pause(600);
    expect(await systemProcesses.identify(worker)).not.toBeNull();
    supervisor.kill('SIGINT');
    expect(await supervisor.ended()).toBe(1);
    await untilGone(worker, 100);
  });

  test.each(['worker', 'keeper'] as const)(
    'waits for a %s that is on its way back, since nobody else can end what it has started',
    async role => {
      const supervisor = stage.run();
      await supervisor.until();
      await stage.misbehave(role, 'dies-at-once');
      sendSignal(await stage.started(role, 1), 'SIGKILL');
      // The next start is a second away.
      await stage.started(role, 4);
      await stage.behave(role, 'dies-at-once');
      supervisor.kill('SIGTERM');
      expect(await supervisor.ended()).toBe(0);
      const last = await stage.started(role, 5);
      const ends = (await stage.journal()).filter(entry => entry.role === role && entry.event === 'term');
      expect(ends.map(({ pid }) => pid)).toEqual([last]);
      await untilGone(last, 100);
    },
  );

  test('is over within 10 s when a process does not come back', async () => {
    const supervisor = stage.run();
    await supervisor.until();
    for (const role of ['worker', 'keeper']) {
      await stage.misbehave(role, 'dies-at-once');
      sendSignal(await stage.started(role, 1), 'SIGKILL');
      await stage.started(role, 4);
    }
    const beganMs = systemClock.monotonicMs();
    supervisor.kill('SIGTERM');
    expect(await supervisor.ended()).toBe(0);
    expect(systemClock.monotonicMs() - beganMs).toBeLessThan(scaled(10_000));
  });

  test('in the middle of a start ends what was started', async () => {
    const supervisor = stage.run();
    await stage.started('keeper', 1);
    supervisor.kill('SIGTERM');
    expect(await supervisor.ended()).toBe(0);
    for (const { pid } of await stage.journal()) await untilGone(pid, 100);
  });
});
