import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { settlesWithin } from '../../../src/core/abort';
import { systemClock } from '../../../src/core/clock';
import { CLIENT_SILENCE } from '../../../src/core/silent-clients';
import {
  connectionKey,
  linuxSendQueues,
  StalledReaders,
  type WatchedReader,
} from '../../../src/core/stalled-readers';
import { pollUntil } from '../../support/poll-until';

/** Both ends of a connection of this machine. */
async function pair(host: string): Promise<{ ours: Socket; theirs: Socket; close: () => Promise<void> }> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const theirs = connect((server.address() as AddressInfo).port, host === '::' ? '127.0.0.1' : host);
  const [ours] = await accepted;
  for (const socket of [ours, theirs]) socket.on('error', () => undefined);
  return {
    ours,
    theirs,
    close: async () => {
      theirs.destroy();
      ours.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('the bytes that the system still holds for a reader', () => {
  it.each(['127.0.0.1', '::1', '::'])('are found on a connection through %s', async host => {
    const { ours, theirs, close } = await pair(host);
    try {
      const held = async (): Promise<number | undefined> =>
        (await linuxSendQueues()).get(connectionKey(ours));
      expect(await held()).toBe(0);
      theirs.pause();
      // More than the buffer of the other end takes, less than the buffer of this end.
      await pollUntil('the buffer to fill', { timeoutMs: 5_000, everyMs: 5 }, async () => {
        ours.write(Buffer.alloc(65_536));
        return ((await held()) ?? 0) > 0 || undefined;
      });
      theirs.resume();
      await pollUntil('the buffer to be empty', { timeoutMs: 5_000, everyMs: 5 }, async () =>
        (await held()) === 0 ? true : undefined,
      );
    } finally {
      await close();
    }
  });
});

describe('a watched reader', () => {
  let nowMs = 0;
  let queue = 0;
  const key = connectionKey({});
  const socket = { bytesWritten: 0, writableLength: 0 } as { -readonly [K in keyof Socket]: Socket[K] };
  const looks = (): {
    cut: jest.Mock;
    look: (ms: number) => Promise<void>;
    stop: () => void;
  } => {
    jest.useFakeTimers();
    nowMs = queue = 0;
    Object.assign(socket, { bytesWritten: 1_000, writableLength: 0 });
    const readers = new StalledReaders({
      clock: { monotonicMs: () => nowMs },
      sendQueues: async () => Promise.resolve(new Map([[key, queue]])),
    });
    const cut = jest.fn();
    const { unwatch: stop } = readers.watch(socket, cut);
    const look = async (ms: number): Promise<void> => {
      for (const untilMs = nowMs + ms; nowMs < untilMs;) {
        nowMs += Math.min(2_500, untilMs - nowMs);
        await jest.advanceTimersByTimeAsync(2_500);
      }
    };
    return { cut, look, stop };
  };
  afterEach(() => jest.useRealTimers());

  it('that has taken everything stays, however long nothing happens', async () => {
    const { cut, look, stop } = looks();
    for (let i = 0; i < 5; i += 1) await look(60_000);
    expect(cut).not.toHaveBeenCalled();
    stop();
  });

  it('that takes something now and then stays, however slow it is', async () => {
    const { cut, look, stop } = looks();
    queue = 900;
    for (let i = 0; i < 10; i += 1) {
      await look(29_000);
      queue -= 1;
    }
    expect(cut).not.toHaveBeenCalled();
    stop();
  });

  it.each([
    ['in the system', () => (queue = 500)],
    ['in the process', () => (socket.writableLength = 500)],
  ])('for which bytes wait %s is cut after 30 s without taking any, once', async (_where, hold) => {
    const { cut, look, stop } = looks();
    await look(1_000);
    hold();
    await look(29_000);
    // Bytes that are written to the reader meanwhile do not count as progress.
    socket.bytesWritten += 100;
    queue += 100;
    expect(cut).not.toHaveBeenCalled();
    await look(1_000);
    expect(cut).toHaveBeenCalledTimes(1);
    await look(60_000);
    expect(cut).toHaveBeenCalledTimes(1);
    stop();
  });

  it('that is no longer watched is not cut, and no timer is left', async () => {
    const { cut, look, stop } = looks();
    queue = 500;
    stop();
    expect(jest.getTimerCount()).toBe(0);
    await look(60_000);
    expect(cut).not.toHaveBeenCalled();
  });
});

describe('a client of a browser', () => {
  const MIB = 1_048_576;
  let nowMs: number;
  let held: number;
  let socket: { -readonly [K in keyof Socket]: Socket[K] };
  let cut: jest.Mock;
  let reader: WatchedReader;
  beforeEach(() => {
    jest.useFakeTimers();
    nowMs = held = 0;
    socket = { bytesWritten: 0, writableLength: 0, writableNeedDrain: false } as typeof socket;
    cut = jest.fn();
    const readers = new StalledReaders({
      clock: { monotonicMs: () => nowMs },
      sendQueues: async () => Promise.resolve(new Map([[connectionKey({}), held]])),
      checkEveryMs: 250,
      rule: CLIENT_SILENCE,
    });
    reader = readers.watch(socket, cut);
  });
  afterEach(() => {
    reader.unwatch();
    jest.useRealTimers();
  });

  const pass = async (ms: number): Promise<void> => {
    for (const untilMs = nowMs + ms; nowMs < untilMs;) {
      nowMs += 250;
      await jest.advanceTimersByTimeAsync(250);
    }
  };
  /* The browser sends, and the client takes one last byte. Then there is no room for more. */
  const block = async (bytes: number): Promise<void> => {
    await pass(250);
    socket.bytesWritten += bytes;
    held += bytes - 1;
    socket.writableNeedDrain = true;
    await pass(250);
  };

  it('may leave anything unread as long as there is room for it', async () => {
    socket.bytesWritten = held = MIB;
    await pass(600_000);
    expect(cut).not.toHaveBeenCalled();
  });

  it('is cut after five seconds of a flood of which it takes nothing', async () => {
    await block(8 * MIB);
    await pass(4_750);
    expect(cut).not.toHaveBeenCalled();
    await pass(250);
    expect(cut).toHaveBeenCalledWith({ stalledMs: 5_000, bytesPerSecond: 32 * MIB });
  });

  it.each([
    ['16 s of 4 MiB', MIB, 16_000],
    ['64 s of 1 MiB', MIB / 4, 64_000],
    ['five minutes of next to nothing', MIB / 400, 300_000],
  ])('is cut after %s a second', async (_what, bytes, afterMs) => {
    await block(bytes);
    await pass(afterMs - 250);
    expect(cut).not.toHaveBeenCalled();
    await pass(250);
    expect(cut).toHaveBeenCalledTimes(1);
  });

  it('stays while it takes anything at all', async () => {
    await block(8 * MIB);
    for (let n = 0; n < 20; n += 1) {
      await pass(4_000);
      held -= 1;
    }
    expect(cut).not.toHaveBeenCalled();
  });

  it('is not cut because this process stood still', async () => {
    await block(8 * MIB);
    nowMs += 60_000;
    await pass(4_250);
    expect(cut).not.toHaveBeenCalled();
    await pass(1_000);
    expect(cut).toHaveBeenCalledTimes(1);
  });

  it('gets the whole budget again once there was room', async () => {
    await block(8 * MIB);
    await pass(4_000);
    socket.writableNeedDrain = false;
    await pass(250);
    socket.writableNeedDrain = true;
    await pass(4_500);
    expect(cut).not.toHaveBeenCalled();
  });
});

describe('room for a watched reader', () => {
  let queue = 0;
  let socket: { -readonly [K in keyof Socket]: Socket[K] };
  let reader: WatchedReader;
  beforeEach(() => {
    queue = 0;
    socket = { bytesWritten: 1_000, writableLength: 0 } as typeof socket;
    const sendQueues = async (): Promise<Map<string, number>> =>
      Promise.resolve(new Map([[connectionKey({}), queue]]));
    reader = new StalledReaders({ clock: systemClock, sendQueues }).watch(socket, () => undefined);
  });
  afterEach(() => reader.unwatch());

  it('is there until 128 KiB wait for it, and again when it has taken some', async () => {
    socket.bytesWritten += 131_072;
    await reader.room();
    socket.bytesWritten += 1;
    queue = 131_073;
    const room = reader.room();
    expect(await settlesWithin(room, 250)).toBe(false);
    queue = 131_072;
    expect(await settlesWithin(room, 2_000)).toBe(true);
  });

  it('is no longer waited for once the reader is gone', async () => {
    queue = 200_000;
    socket.bytesWritten += queue;
    const room = reader.room();
    expect(await settlesWithin(room, 50)).toBe(false);
    reader.unwatch();
    expect(await settlesWithin(room, 2_000)).toBe(true);
  });
});
