import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { pause, pollUntil } from '../src/core/abort';
import { refOf } from '../src/core/ids';
import { connectionKey, linuxSendQueues } from '../src/core/stalled-readers';
import { publishNotice } from '../src/store/notice-stream';
import { EngineFixture } from '../test/support/engine-fixture';
import { Installation } from '../test/support/installation';
import { sampleCount, type Benchmark } from './harness';
import { openLoop } from './open-loop';

/** The bytes that each reader would have to read: more than the buffers of a connection hold. */
const BYTES_EACH = 4 * 2 ** 20;

/**
 * Slow enough that the process could send everything: a reader that falls too far behind gets a `reset` and costs
 * nothing.
 */
const EVENTS_PER_SECOND = 1_000;

/** Approximate size of an event with its frame. */
const BYTES_PER_EVENT = 170;

/** How often memory is measured while the events come. */
const LOOK_EVERY_MS = 1_000;

/** Readers are cut 30 s after they have taken their last byte; the service checks every 2.5 s. */
const PATIENCE_MS = 90_000;

/**
 * Readers of `/v1/events` that connect and never read. Measures the memory of the API process, the bytes that the
 * system holds for it, when the readers are cut, and what is left afterwards.
 */
export const silentReaders: Benchmark = {
  name: 'silent-readers',
  title: 'event streams that nobody reads',
  run: async plan => {
    const count = sampleCount(plan, 200, 20);
    const fixture = await EngineFixture.open();
    const api = await Installation.start({ env: { REDIS_URL: fixture.server.url } });
    try {
      await publish(fixture, 2 ** 20); // what the process needs for the work itself
      const before = await residentBytes(api);
      const first = await wave(fixture, api, count);
      // A heap that has grown is not given back at once. So a second wave shows whether memory can be used again.
      const second = await wave(fixture, api, count);
      const mebi = (bytes: number): number => bytes / count / 2 ** 20;
      const held = Math.max(first.held, second.held);
      const resident = Math.max(first.resident, second.resident) - before;
      const kept = second.residentAfter - first.residentAfter;
      return {
        series: [{ name: 'cut, since connected', unit: 'ms', values: [...first.cutMs, ...second.cutMs] }],
        claims: [
          { text: 'MiB each: process', unit: '', value: mebi(resident) },
          { text: 'MiB each: written, not taken', unit: '', value: mebi(held) },
          { text: 'MiB each: together', unit: '', value: mebi(resident + held), pass: { atMost: 1 } },
          { text: 'MiB each: kept of a second wave', unit: '', value: mebi(kept), pass: { atMost: 0.1 } },
        ],
        notes: [
          `two waves of ${count} readers, ${BYTES_EACH / 2 ** 20} MiB of events for each; largest of one sample a second`,
        ],
      };
    } finally {
      await api.stop();
      await fixture.deps.lifecycle.close();
      await fixture.server.stop();
    }
  },
};

interface Wave {
  readonly cutMs: readonly number[];
  /** The largest values seen: memory of the process, and bytes that the system held. */
  readonly resident: number;
  readonly held: number;
  readonly residentAfter: number;
}

async function wave(fixture: EngineFixture, api: Installation, count: number): Promise<Wave> {
  const readers: Reader[] = [];
  try {
    const startedMs = performance.now();
    for (let i = 0; i < count; i += 1) readers.push(await silentReader(api));
    const publishing = publish(fixture, BYTES_EACH);
    let resident = 0;
    let held = 0;
    await pollUntil('all to be cut', { timeoutMs: PATIENCE_MS, everyMs: LOOK_EVERY_MS }, async () => {
      resident = Math.max(resident, await residentBytes(api));
      held = Math.max(held, await heldBytes(readers));
      return readers.every(({ cutAtMs }) => cutAtMs !== null) || undefined;
    });
    await publishing;
    await pause(2_000); // for the collector
    const cutMs = readers.map(({ cutAtMs }) => (cutAtMs ?? Number.NaN) - startedMs);
    return { cutMs, resident, held, residentAfter: await residentBytes(api) };
  } finally {
    for (const { socket } of readers) socket.destroy();
  }
}

interface Reader {
  readonly socket: Socket;
  /** The server's end of its connection, as the system's table names it. */
  readonly key: string;
  /** When the table first lacked it. A client that does not read is not told that it was cut. */
  cutAtMs: number | null;
}

async function silentReader({ url }: Installation): Promise<Reader> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined); // the reset of the cut, which is observed at the other end
  await once(socket, 'connect');
  socket.write(`GET /v1/events HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
  await once(socket, 'readable');
  return { socket, key: otherEnd(socket), cutAtMs: null };
}

async function publish({ deps }: EngineFixture, bytes: number): Promise<void> {
  const ref = refOf('default', 'x'.repeat(64));
  await openLoop(Math.ceil(bytes / BYTES_PER_EVENT), 1_000 / EVENTS_PER_SECOND, async () => {
    await publishNotice(deps.redis, { type: 'closed', ref });
  });
}

/* The bytes that the server's end of these connections still holds; records which of them are gone. */
async function heldBytes(readers: readonly Reader[]): Promise<number> {
  const queues = await linuxSendQueues();
  for (const reader of readers) {
    if (!queues.has(reader.key)) reader.cutAtMs ??= performance.now();
  }
  return readers.reduce((sum, { key }) => sum + (queues.get(key) ?? 0), 0);
}

/* A connection, named from its other end. */
function otherEnd(socket: Socket): string {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (!localAddress || !localPort || !remoteAddress || !remotePort) throw new Error('not connected');
  return connectionKey({
    localAddress: remoteAddress,
    localPort: remotePort,
    remoteAddress: localAddress,
    remotePort: localPort,
  });
}

async function residentBytes(api: Installation): Promise<number> {
  const { pid } = await api.find('api');
  const [, kibibytes = 'NaN'] =
    /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1_024;
}
