import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { pause } from '../../src/core/abort';
import { Installation } from '../support/installation';

/* How much Holdfast asks of Redis. What scripts do inside Redis is not counted: it costs no round trip. */

/** Commands and scripts that an interval has seen. */
interface Load {
  readonly commands: number;
  readonly scripts: number;
  readonly elapsedMs: number;
}

let installation: Installation;
let monitor: Socket;
const seen = { commands: 0, scripts: 0 };
beforeAll(async () => {
  installation = await Installation.start();
  // By hand: ioredis fails if the first command is seen in the moment in which it begins to watch.
  monitor = connect(installation.redisSocketPath);
  await once(monitor, 'connect');
  monitor.write(`AUTH default ${installation.redisPassword}\r\nMONITOR\r\n`);
  createInterface({ input: monitor }).on('line', line => {
    const [, client, name = ''] = /^\+[\d.]+ \[\d+ (\S+)\] "(\w+)"/.exec(line) ?? [];
    if (client === undefined || client === 'lua') return;
    seen.commands += 1;
    if (/^(?:eval|fcall)/i.test(name)) seen.scripts += 1;
  });
});
afterAll(async () => {
  monitor.destroy();
  await installation.stop();
});

async function during(work: () => Promise<unknown>): Promise<Load> {
  const before = { ...seen };
  const startedMs = performance.now();
  await work();
  return {
    commands: seen.commands - before.commands,
    scripts: seen.scripts - before.scripts,
    elapsedMs: performance.now() - startedMs,
  };
}

/** Of two processes that step machines: an API and a worker. */
const IDLE_COMMANDS_PER_SECOND = 70;
/** From the request to the browser that is gone, beyond what an idle installation sends. */
const COMMANDS_PER_LIFECYCLE = 41;
const SCRIPTS_PER_LIFECYCLE = 25;

test('an idle installation and a lifecycle stay within their numbers of commands', async () => {
  const idle = await during(() => pause(4_000));
  const idlePerMs = idle.commands / idle.elapsedMs;
  expect(idle.scripts).toBeGreaterThan(0);
  expect(idlePerMs * 1_000).toBeLessThan(IDLE_COMMANDS_PER_SECOND);

  const ROUNDS = 20;
  const busy = await during(async () => {
    for (let i = 0; i < ROUNDS; i += 1) {
      const { id } = await installation.create();
      await installation.call('POST', `/v1/sessions/${id}/release`);
    }
  });
  const perLifecycle = (count: number, idleCount: number): number =>
    (count - (idleCount / idle.elapsedMs) * busy.elapsedMs) / ROUNDS;
  expect(perLifecycle(busy.commands, idle.commands)).toBeLessThan(COMMANDS_PER_LIFECYCLE);
  expect(perLifecycle(busy.scripts, idle.scripts)).toBeLessThan(SCRIPTS_PER_LIFECYCLE);
});
