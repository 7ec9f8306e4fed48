import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Installation, type SessionView } from '../support/installation';
import { RawCdp } from '../support/raw-cdp';
import { watchSlowdown } from '../support/slowdown';
import { pollUntil } from '../support/poll-until';

/* Clients that do not read what their browser sends, so that the browser has to keep it. */

let installation: Installation;
beforeAll(async () => (installation = await Installation.start({ browser: 'chromium' })));
afterAll(() => installation.stop());

let session: SessionView;
let driver: RawCdp;
let page: string;
let follower: RawCdp;

beforeEach(async () => {
  session = await installation.create();
  const url = session.websocketUrl ?? '';
  driver = await RawCdp.connect(url);
  page = await driver.attachToPage();
  follower = await RawCdp.connect(url);
  await follower.call('Runtime.enable', {}, await follower.attachToPage());
});
afterEach(async () => {
  await installation.call('DELETE', `/v1/sessions/${session.id}`);
  for (const { socket } of [driver, follower]) socket.terminate();
});

/* Lets the page write this many lines of 100 KB to its console, some 40 MB a second. */
const flood = (lines: number): Promise<unknown> =>
  evaluate(
    `window.n = 0; setInterval(() => {
       for (let i = 0; i < 4 && n < ${lines}; i += 1) console.log('x'.repeat(100_000) + n++);
     }, 10); 0`,
  );

const evaluate = async (expression: string): Promise<unknown> =>
  (await driver.call<{ result: { value: unknown } }>('Runtime.evaluate', { expression }, page)).result.value;

test('a client that takes nothing of a flood is cut before it costs much memory; the session goes on', async () => {
  const before = await browserMemoryMiB();
  let highest = 0;
  follower.socket.pause();
  await flood(Infinity);
  await pollUntil('the client to be cut', { timeoutMs: 20_000, everyMs: 100 }, async () => {
    highest = Math.max(highest, await browserMemoryMiB());
    return installation.output.includes('client disconnected') ? true : undefined;
  });
  // Chromium keeps 256 MiB at most for one connection, and needs some memory to write that.
  expect(highest - before).toBeLessThan(350);
  await evaluate('window.n = Infinity');
  const [startedMs, slowdown] = [performance.now(), watchSlowdown()];
  await pollUntil('the memory to be free again', { timeoutMs: 20_000, everyMs: 100 }, async () =>
    (await browserMemoryMiB()) < before + 100 ? true : undefined,
  );
  expect(performance.now() - startedMs).toBeLessThan(5_000 * slowdown());
  const closed = once(follower.socket, 'close');
  follower.socket.resume();
  expect((await closed)[0]).toBe(1006);
  expect(await evaluate('6 * 7')).toBe(42);
  expect((await installation.read(session.id)).status).toBe('live');
  const metrics = await (await fetch(`${installation.url}/metrics`)).text();
  expect(metrics).toContain('\nholdfast_cdp_clients_cut_total 1\n');
});

test('a client that halts in the middle of a flood loses nothing of it', async () => {
  // More than the sockets on the way take, and little enough to be over within the five seconds that every client may
  // be silent, also on a busy machine: 50 MB took 4.2 s at a load of 20, and a flood of 6.5 s is cut every time.
  const lines = 150;
  const before = installation.output.length;
  const seen = new Set<string>();
  follower.socket.on('message', (data: Buffer) => {
    const line = /x(\d+)"/.exec(data.subarray(100_000).toString())?.[1];
    if (line !== undefined) seen.add(line);
  });
  follower.socket.pause();
  await flood(lines);
  await pollUntil('the flood to be over', { timeoutMs: 15_000, everyMs: 50 }, async () =>
    (await evaluate('n')) === lines ? true : undefined,
  );
  expect(installation.output.slice(before)).not.toContain('client disconnected');
  follower.socket.resume();
  await pollUntil('every line', { timeoutMs: 15_000, everyMs: 20 }, () =>
    seen.size === lines ? true : undefined,
  );
});

/* Pages of memory that processes share are counted once. */
async function browserMemoryMiB(): Promise<number> {
  const sizes = (await installation.browserProcesses()).map(async pid => {
    // A process may be gone by now.
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
    return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0);
  });
  return (await Promise.all(sizes)).reduce((sum, kib) => sum + kib, 0) / 1_024;
}
