import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { systemClock } from '../../../src/core/clock';
import { systemProcesses } from '../../../src/core/process-identity';
import { KeeperRunningError } from '../../../workers/keeper/door/socket-server';
import { PLAIN_LAUNCH } from '../../../workers/keeper/door/protocol';
import { fence, KeeperFixture } from '../../support/keeper-fixture';
import { pollUntil } from '../../support/poll-until';

let fixture: KeeperFixture;

afterEach(async () => {
  await fixture.close();
});

/** A connection that sends the lines that a test gives it. */
class RawWorker {
  #lines: AsyncIterator<string> | null = null;

  private constructor(readonly socket: Socket) {}

  static async connect(): Promise<RawWorker> {
    const socket = connect(fixture.app.socketPath);
    await once(socket, 'connect');
    return new RawWorker(socket);
  }

  /** Sends a line and reads the next one that is a reply. */
  async ask(line: string): Promise<unknown> {
    this.#lines ??= createInterface({ input: this.socket })[Symbol.asyncIterator]();
    this.socket.write(`${line}\n`);
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error('the keeper has hung up');
      const message: unknown = JSON.parse(value);
      if (typeof message === 'object' && message !== null && 'id' in message) return message;
    }
  }

  async untilClosed(): Promise<void> {
    const closed = (): true | undefined => (this.socket.closed ? true : undefined);
    await pollUntil('the keeper to hang up', { timeoutMs: 2_000, everyMs: 5 }, closed);
  }
}

test('the socket is for its owner only', async () => {
  fixture = await KeeperFixture.open();
  expect((await stat(fixture.app.socketPath)).mode & 0o777).toBe(0o600);
});

test('every client may read, only the registered worker may give orders', async () => {
  fixture = await KeeperFixture.open();
  const raw = await RawWorker.connect();
  expect(await raw.ask('{"id":1,"op":"list","args":{}}')).toMatchObject({ id: 1, ok: { browsers: [] } });
  const launch = JSON.stringify({
    id: 2,
    op: 'launch',
    args: { ref: 't/a', fence: fence(), timeoutMs: 1_000, options: PLAIN_LAUNCH },
  });
  expect(await raw.ask(launch)).toMatchObject({ id: 2, error: { code: 'not_registered' } });
  raw.socket.destroy();
});

test.each([
  ['an operation there is not', '{"id":1,"op":"constructor","args":{}}'],
  ['missing arguments', '{"id":1,"op":"close","args":{"ref":"t/a"}}'],
  [
    'a claim that is a path',
    '{"id":1,"op":"launch","args":{"ref":"a","fence":{"n":1,"claimId":"../x"},"timeoutMs":1}}',
  ],
  ['no arguments', '{"id":1,"op":"register"}'],
])('a request with %s is refused', async (_what, line) => {
  fixture = await KeeperFixture.open();
  const raw = await RawWorker.connect();
  expect(await raw.ask(line)).toMatchObject({ id: 1, error: { code: 'bad_request' } });
  raw.socket.destroy();
});

test.each([
  ['that is not JSON', 'hello\n'],
  ['without an id', '{"op":"list"}\n'],
  ['of more than a megabyte', 'x'.repeat(1_100_000)],
])('a line %s ends the connection and nothing else', async (_what, text) => {
  fixture = await KeeperFixture.open();
  const raw = await RawWorker.connect();
  raw.socket.on('error', () => undefined);
  raw.socket.write(text);
  await raw.untilClosed();
  const worker = await fixture.worker();
  expect(await worker.list()).toEqual([]);
});

test('a second worker takes the place of the first', async () => {
  fixture = await KeeperFixture.open();
  const first = await RawWorker.connect();
  await first.ask('{"id":1,"op":"register","args":{"workerPid":1,"workerStartedAt":"never"}}');
  const second = await RawWorker.connect();
  await second.ask('{"id":1,"op":"register","args":{"workerPid":1,"workerStartedAt":"never"}}');
  await first.untilClosed();
  expect(await second.ask('{"id":2,"op":"beat","args":{}}')).toMatchObject({ id: 2, ok: {} });
  second.socket.destroy();
});

test('a worker that keeps its socket open but is silent is killed', async () => {
  fixture = await KeeperFixture.open({ rhythm: { silentAfterMs: 600 } });
  const frozen = spawn('sleep', ['60'], { stdio: 'ignore' });
  const exited = once(frozen, 'exit');
  const identity = await systemProcesses.identify(frozen.pid ?? 0);
  const raw = await RawWorker.connect();
  const args = { workerPid: identity?.pid, workerStartedAt: identity?.startedAt };
  await raw.ask(JSON.stringify({ id: 1, op: 'register', args }));
  expect(await exited).toEqual([null, 'SIGKILL']);
  await raw.untilClosed();
});

test('a worker that beats is left alone, and one that hangs up is only unregistered', async () => {
  fixture = await KeeperFixture.open({ rhythm: { silentAfterMs: 1_500 } });
  const bystander = spawn('sleep', ['60'], { stdio: 'ignore' });
  const identity = await systemProcesses.identify(bystander.pid ?? 0);
  if (identity === null) throw new Error('sleep does not run');
  const worker = await fixture.worker(identity);
  // Longer than the limit of the keeper: without its beats the worker would have been killed.
  await worker.untilBeats(3);
  expect(fixture.app.hasWorker()).toBe(true);
  await worker.client.close();
  await worker.untilUnregistered(fixture.app);
  expect(await systemProcesses.identify(identity.pid)).toEqual(identity);
  bystander.kill('SIGKILL');
  await once(bystander, 'exit');
});

test('browsers without a worker are ended after a while, and the next worker gets a report', async () => {
  let abandoned = 0;
  fixture = await KeeperFixture.open({ rhythm: { adoptGraceMs: 500 }, onAbandoned: () => (abandoned += 1) });
  const worker = await fixture.worker();
  const claim = fence();
  await worker.launch('t/a', claim);
  await worker.client.close();
  const successor = await fixture.workerAfter(() => abandoned > 0);
  await successor.untilIdle();
  expect(await successor.list()).toMatchObject([
    { ref: 't/a', fence: claim, state: 'gone', gone: { cause: null, message: 'no worker for 500 ms' } },
  ]);
  await successor.forget('t/a', claim);
  expect(await successor.list()).toEqual([]);
});

test('browsers without a worker are kept while a supervisor starts one, but not for ever', async () => {
  let abandoned = 0;
  const rhythm = { adoptGraceMs: 700, workerlessMaxMs: 2_500 };
  fixture = await KeeperFixture.open({ rhythm, onAbandoned: () => (abandoned += 1) });
  const worker = await fixture.worker();
  await worker.launch('t/a', fence());
  await worker.client.close();
  const workerlessSinceMs = systemClock.monotonicMs();
  const supervisor = await RawWorker.connect();
  const attend = async (): Promise<true | undefined> => {
    const { pid } = process;
    expect(await supervisor.ask('{"id":1,"op":"attend","args":{}}')).toMatchObject({
      ok: { keeperPid: pid },
    });
    return abandoned > 0 ? true : undefined;
  };
  await pollUntil('the keeper to give up', { timeoutMs: 6_000, everyMs: 100 }, attend);
  expect(systemClock.monotonicMs() - workerlessSinceMs).toBeGreaterThan(rhythm.workerlessMaxMs);
  supervisor.socket.destroy();
});

test('a second keeper on one data folder refuses to start', async () => {
  fixture = await KeeperFixture.open();
  const first = fixture.app;
  await expect(fixture.startKeeper()).rejects.toThrow(KeeperRunningError);
  expect(fixture.app).toBe(first);
});

test('a keeper keeps its host id over restarts', async () => {
  fixture = await KeeperFixture.open();
  const worker = await fixture.worker();
  await fixture.stopKeeper();
  await fixture.startKeeper();
  const [before, after] = [await worker.registration(0), await worker.registration(1)];
  expect(after.hostId).toBe(before.hostId);
});
