import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '../../../src/core/logger';
import { FreezableCgroup, thawCgroups } from '../../../workers/keeper/limits/freeze';
import { freezerPlace } from '../../../workers/keeper/limits/freezer-place';
import { Breaths } from '../../../workers/keeper/sleep/breaths';
import { CommandLedger } from '../../../workers/keeper/sleep/command-ledger';
import { FrameReader, type KeptText } from '../../../workers/keeper/sleep/frames';
import type { Sight } from '../../../workers/keeper/sleep/page-look';
import { Reclaimer } from '../../../workers/keeper/sleep/reclaimer';
import { SleepTally } from '../../../workers/keeper/sleep/sleep-tally';
import { Sleeper } from '../../../workers/keeper/sleep/sleeper';
import { makeTempDir, type TempDir } from '../../support/temp-dir';

const MASK = Buffer.from([0x12, 0x34, 0x56, 0x78]);

/** A frame; a client masks its own. */
function frame(text: string, { first = 0x81, isMasked = false } = {}): Buffer {
  const payload = Buffer.from(text);
  const length =
    payload.length < 126
      ? Buffer.from([payload.length])
      : Buffer.from([126, payload.length >> 8, payload.length & 255]);
  if (payload.length > 65_535) throw new Error('too long for this helper');
  if (!isMasked) return Buffer.concat([Buffer.from([first]), length, payload]);
  length.writeUInt8(length.readUInt8(0) | 0x80, 0);
  const masked = payload.map((byte, index) => byte ^ (MASK[index % 4] ?? 0));
  return Buffer.concat([Buffer.from([first]), length, MASK, masked]);
}

const kept = (text: string, isWhole = true): KeptText => ({
  head: isWhole ? text : text.slice(0, 256),
  tail: text.slice(-512),
  isWhole,
});

describe('frames', () => {
  const messages: KeptText[] = [];
  let data = 0;

  beforeEach(() => {
    messages.length = 0;
    data = 0;
  });

  const reader = (onControl?: (opcode: number, payload: Buffer) => boolean): FrameReader =>
    new FrameReader(1_000, {
      onData: () => (data += 1),
      onMessage: text => messages.push(text),
      ...(onControl === undefined ? {} : { onControl }),
    });

  it.each([1, 2, 3, 7, 1_000_000])('are read in pieces of %i bytes, and passed on as they are', size => {
    const one = reader();
    const bytes = Buffer.concat([
      frame('{"id":1}', { isMasked: true }),
      frame('begins, ', { first: 0x01, isMasked: true }),
      frame('ping', { first: 0x89, isMasked: true }),
      frame('ends', { first: 0x80, isMasked: true }),
      frame('', { isMasked: true }),
      frame('x'.repeat(2_000)),
    ]);
    const passed: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) passed.push(one.push(bytes.subarray(at, at + size)));
    expect(Buffer.concat(passed)).toEqual(bytes);
    expect(messages.map(({ head }) => head)).toEqual(['{"id":1}', 'begins, ends', '', 'x'.repeat(1_000)]);
    expect(messages.map(({ isWhole }) => isWhole)).toEqual([true, true, true, false]);
    expect(one.isBetweenFrames).toBe(true);
  });

  it('of pings are no data, and can be taken out', () => {
    const pings: string[] = [];
    const one = reader((opcode, payload) => {
      pings.push(`${opcode} ${String(payload)}`);
      return false;
    });
    const ping = frame('there?', { first: 0x89, isMasked: true });
    expect(one.push(ping.subarray(0, 4))).toHaveLength(0);
    expect(one.isBetweenFrames).toBe(false);
    const command = frame('{}', { isMasked: true });
    expect(one.push(Buffer.concat([ping.subarray(4), command, ping]))).toEqual(command);
    expect(pings).toEqual(['9 there?', '9 there?']);
    expect(messages.map(({ head }) => head)).toEqual(['{}']);
  });
});

describe('commands that wait', () => {
  let ledger: CommandLedger;

  beforeEach(() => {
    ledger = new CommandLedger();
  });

  it('are those whose answer has not come, by CDP session', () => {
    ledger.sent(kept('{"id":1,"method":"Browser.getVersion"}'));
    ledger.sent(kept('{"method":"Runtime.evaluate","params":{},"id":1,"sessionId":"A"}'));
    expect(ledger.outstanding).toBe(2);
    ledger.received(kept('{"method":"Runtime.consoleAPICalled","params":{"id":1}}'));
    ledger.received(kept('{"id":1,"result":{"sessionId":"A"}}'));
    expect(ledger.outstanding).toBe(1);
    ledger.received(kept('{"id":1,"error":{"code":-32000,"message":"gone"},"sessionId":"A"}'));
    expect(ledger.outstanding).toBe(0);
  });

  it('are read from the ends of long ones', () => {
    const long = 'x'.repeat(10_000);
    ledger.sent(
      kept(`{"id":1,"method":"Runtime.evaluate","params":{"expression":"${long}"},"sessionId":"A"}`, false),
    );
    ledger.sent(
      kept(`{"method":"Runtime.evaluate","params":{"expression":"${long}"},"id":2,"sessionId":"A"}`, false),
    );
    ledger.sent(kept(`{"id":3,"sessionId":"A","method":"m","params":{"expression":"${long}"}}`, false));
    ledger.sent(kept(`{"method":"m","params":{"expression":"${long}"},"id":4}`, false));
    for (const id of [1, 2, 3])
      ledger.received(kept(`{"id":${id},"result":{"data":"${long}"},"sessionId":"A"}`, false));
    expect(ledger.outstanding).toBe(1);
    ledger.received(kept('{"id":4,"result":{}}'));
    expect(ledger.outstanding).toBe(0);
  });

  it('of a session that is detached are over', () => {
    ledger.sent(kept('{"id":1,"method":"Runtime.evaluate","sessionId":"A"}'));
    ledger.sent(kept('{"id":2,"method":"Runtime.evaluate","sessionId":"B"}'));
    ledger.received(kept('{"method":"Target.detachedFromTarget","params":{"sessionId":"A","targetId":"T"}}'));
    expect(ledger.outstanding).toBe(1);
  });

  it.each(['no JSON', 'null', '[]', '{"method":"m"}', '{"id":"1"}'])(
    'are over with an error if they are none: %s',
    text => {
      ledger.sent(kept(text));
      expect(ledger.outstanding).toBe(1);
      ledger.received(kept('{"error":{"code":-32700,"message":"JSON: syntax error"}}'));
      expect(ledger.outstanding).toBe(0);
    },
  );
});

describe('a sleeper', () => {
  const AFTER_MS = 1_000;
  let nowMs: number;
  let sight: Sight;
  let states: string[];
  /** Null: there is an error. */
  let freezes: boolean | null;
  let isRunning: boolean;
  let tally: SleepTally;
  let sleeper: Sleeper;

  beforeEach(() => {
    jest.useFakeTimers();
    [nowMs, sight, states, freezes, isRunning] = [0, 'idle', [], true, true];
    tally = new SleepTally();
    sleeper = new Sleeper({
      ref: 't/a',
      afterMs: AFTER_MS,
      isRunning: () => isRunning,
      look: () => Promise.resolve(sight),
      freezer: {
        freeze: () => {
          states.push('frozen');
          return freezes === null ? Promise.reject(new Error('EACCES')) : Promise.resolve(freezes);
        },
        canBreathe: true,
        breathe: async (forMs, isWanted, signal) => {
          states.push('breathes');
          await new Promise<void>(done => {
            setTimeout(done, forMs);
            signal.addEventListener('abort', () => done());
          });
          return isWanted();
        },
        thaw: () => {
          states.push('thawed');
          return Promise.resolve();
        },
      },
      reclaim: () => {
        states.push('reclaimed');
        return Promise.resolve();
      },
      breaths: new Breaths({ firstAfterMs: 20_000, everyMs: 60_000, forMs: 5_000 }),
      tally,
      onChanged: () => undefined,
      clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
      log: createLogger('keeper', 'silent'),
    });
  });

  afterEach(() => {
    sleeper.stop();
    jest.useRealTimers();
  });

  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 100) {
      nowMs += 100;
      await jest.advanceTimersByTimeAsync(100);
    }
  };

  it('falls asleep when nothing was needed or heard for so long, and is woken once', async () => {
    await pass(900);
    sleeper.heard();
    await pass(900);
    expect(sleeper.isAsleep).toBe(false);
    await pass(200);
    expect(sleeper.asleepSinceMs).toBe(nowMs - 100);
    expect(states).toEqual(['frozen', 'reclaimed']);
    sleeper.heard();
    expect(sleeper.isAsleep).toBe(true);
    expect([sleeper.needed(), sleeper.needed()]).toEqual([true, false]);
    await pass(900);
    expect(states).toEqual(['frozen', 'reclaimed', 'thawed']);
    await pass(200);
    expect(sleeper.isAsleep).toBe(true);
  });

  it.each(['busy', 'unknown'] as const)(
    'stays awake while its pages are %s, and looks again after a while',
    async seen => {
      sight = seen;
      await pass(3_000);
      expect(states).toEqual([]);
      sight = 'idle';
      await pass(9_000);
      expect(states).toEqual(['frozen', 'reclaimed']);
    },
  );

  it('stays awake while it is held, and its time begins anew with the release', async () => {
    const release = sleeper.hold();
    await pass(5_000);
    release();
    release();
    await pass(900);
    expect(sleeper.isAsleep).toBe(false);
    await pass(1_200);
    expect(sleeper.isAsleep).toBe(true);
  });

  it('does work only after it is thawed', async () => {
    await pass(1_100);
    await sleeper.whileAwake(() => {
      states.push('work');
      return Promise.resolve();
    });
    expect(states).toEqual(['frozen', 'reclaimed', 'thawed', 'work']);
  });

  it.each([false, null])('is thawed if it cannot be frozen, and tries again: %s', async result => {
    freezes = result;
    await pass(1_100);
    expect(sleeper.isAsleep).toBe(false);
    expect(states).toEqual(['frozen', 'thawed']);
    freezes = true;
    await pass(1_100);
    expect(sleeper.isAsleep).toBe(true);
  });

  it('does not fall asleep while a client waits for the connection, an answer, or half of a frame', async () => {
    const connection = sleeper.connect(() => undefined);
    await pass(3_000);
    connection.fromBrowser(Buffer.from('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
    connection.fromClient(frame('{"id":1,"method":"m"}', { isMasked: true }));
    await pass(3_000);
    connection.fromBrowser(
      Buffer.concat([frame('{"id":1,"result":{}}'), frame('{"method":"event"}').subarray(0, 5)]),
    );
    await pass(3_000);
    expect(states).toEqual([]);
    connection.fromBrowser(frame('{"method":"event"}').subarray(5));
    await pass(1_100);
    expect(sleeper.isAsleep).toBe(true);
    connection.fromClient(frame('', { first: 0x8a, isMasked: true }));
    expect(sleeper.isAsleep).toBe(true);
    connection.fromClient(frame('', { first: 0x88, isMasked: true }));
    expect(sleeper.isAsleep).toBe(false);
  });

  it('is not kept awake by what a client hears of other connections', async () => {
    const connection = sleeper.connect(() => undefined);
    connection.fromBrowser(Buffer.from('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
    const targetInfo = { targetId: 'X', type: 'browser', title: '' };
    for (let i = 0; i < 10; i += 1) {
      for (const method of ['Target.targetCreated', 'Target.targetInfoChanged'])
        connection.fromBrowser(frame(JSON.stringify({ method, params: { targetInfo } })));
      await pass(100);
      connection.fromBrowser(frame('{"method":"Target.targetDestroyed","params":{"targetId":"X"}}'));
    }
    await pass(100);
    expect(sleeper.isAsleep).toBe(true);
    sleeper.needed();
    await pass(900);
    connection.fromBrowser(frame('{"method":"Target.targetDestroyed","params":{"targetId":"P"}}'));
    await pass(900);
    expect(sleeper.isAsleep).toBe(false);
  });

  it('breathes after a while, then at double times up to the longest, and sleeps on', async () => {
    await pass(1_100);
    const since = sleeper.asleepSinceMs;
    await pass(19_000);
    expect(tally.counts(1).breaths).toBe(0);
    await pass(1_000 + 5_000 + 39_000);
    expect(tally.counts(1).breaths).toBe(1);
    await pass(1_000 + 5_000 + 59_000);
    expect(tally.counts(1).breaths).toBe(2);
    await pass(1_000 + 5_000 + 59_000);
    expect(tally.counts(1).breaths).toBe(3);
    expect(states).toEqual(['frozen', 'reclaimed', 'breathes', 'breathes', 'breathes']);
    expect(sleeper.asleepSinceMs).toBe(since);
    expect(tally.counts(1)).toMatchObject({ sleeps: 1, wakes: 0 });
  });

  it('is woken in the middle of a breath at once, and does not breathe while it is awake', async () => {
    await pass(22_000);
    expect(states.at(-1)).toBe('breathes');
    const woken = sleeper.whileAwake(() => Promise.resolve(states.push('work')));
    await jest.advanceTimersByTimeAsync(0);
    expect(states.slice(-2)).toEqual(['thawed', 'work']);
    await woken;
    const release = sleeper.hold();
    await pass(100_000);
    expect(tally.counts(0).breaths).toBe(1);
    release();
  });

  it('never sleeps again once its browser ends', async () => {
    isRunning = false;
    await pass(5_000);
    expect(states).toEqual([]);
  });
});

describe('cgroups that freeze', () => {
  let dir: TempDir;

  beforeEach(async () => {
    dir = await makeTempDir();
  });

  afterEach(async () => {
    await dir.remove();
  });

  const cgroup = (name: string, files: Readonly<Record<string, string>>): string => {
    const folder = join(dir.path, name);
    mkdirSync(folder);
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
    return folder;
  };

  it.each([
    ['1', 'freezer.state', ['FROZEN', 'THAWED'], 'freezer.state', 'FROZEN\n'],
    ['2', 'cgroup.freeze', ['1', '0'], 'cgroup.events', 'populated 1\nfrozen 1\n'],
  ] as const)(
    'are found by their files: version %s',
    async (_version, file, [frozen, thawed], report, done) => {
      const other = cgroup('other', { 'pids.max': 'max' });
      const folder = cgroup('own', { 'cgroup.events': 'populated 1\nfrozen 0\n', [file]: thawed });
      const found = await FreezableCgroup.find([join(dir.path, 'gone'), other, folder]);
      found?.freeze();
      expect(readFileSync(join(folder, file), 'utf8')).toBe(frozen);
      writeFileSync(join(folder, report), done);
      expect(found?.isFrozen).toBe(true);
      await thawCgroups([other, folder]);
      expect(readFileSync(join(folder, file), 'utf8').startsWith(thawed)).toBe(true);
      expect(await FreezableCgroup.find([other])).toBeNull();
    },
  );

  it.each([
    ['1', 'freezer.state', 'FROZEN', 'THAWED'],
    ['2', 'cgroup.freeze', '1', '0'],
  ] as const)('let run all but the pages in them: version %s', async (_version, file, frozen, thawed) => {
    const folder = cgroup('own', { [file]: thawed, 'cgroup.procs': '11\n12\n13\n' });
    const found = await FreezableCgroup.find([folder]);
    const states = (): string[] =>
      [folder, join(folder, 'pages')].map(at => readFileSync(join(at, file), 'utf8'));
    mkdirSync(join(folder, 'pages'));
    writeFileSync(join(folder, 'pages', 'cgroup.procs'), '');
    writeFileSync(join(folder, 'pages', file), thawed);
    await found?.setPagesAside(pid => Promise.resolve(pid === 12));
    expect(readFileSync(join(folder, 'pages', 'cgroup.procs'), 'utf8')).toBe('12');
    found?.freeze();
    found?.thawAllButPages();
    expect(states()).toEqual([thawed, frozen]);
    found?.freeze();
    await thawCgroups([folder]);
    expect(states()).toEqual([thawed, thawed]);
  });

  it('are those with limits in version 2, and else of their own', () => {
    const cgroup2 = '0::/a.service/holdfast\n';
    const mountinfo = '25 20 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw';
    const limited = { base: '/sys/fs/cgroup/a.service', version: 2, controllers: ['pids'] } as const;
    expect(freezerPlace({ cgroup: cgroup2, mountinfo }, [limited])).toBeNull();
    expect(freezerPlace({ cgroup: cgroup2, mountinfo }, [])).toEqual({ ...limited, controllers: [] });
    const both = `6:freezer:/b\n${cgroup2}`;
    const mounts = `26 20 0:23 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n${mountinfo}`;
    const own = { base: '/sys/fs/cgroup/freezer/b', version: 1, controllers: [] };
    expect(freezerPlace({ cgroup: both, mountinfo: mounts }, [limited])).toEqual(own);
    expect(freezerPlace({ cgroup: '', mountinfo }, [])).toBeNull();
  });

  it('give memory back only while they sleep and where there is swap, and swap only meanwhile', async () => {
    const swaps = join(dir.path, 'swaps');
    writeFileSync(swaps, 'Filename Type\n');
    const one = cgroup('one', { 'memory.force_empty': '-' });
    const two = cgroup('two', {
      'memory.current': '4096\n',
      'memory.swap.max': '0\n',
      'memory.reclaim': '-',
    });
    const reclaimer = new Reclaimer(swaps);
    const text = (folder: string, file: string): string => readFileSync(join(folder, file), 'utf8');
    await reclaimer.reclaim([one, two], () => true);
    writeFileSync(swaps, 'Filename Type\n/dev/zram0 partition\n');
    await reclaimer.reclaim([one, two], () => false);
    expect([text(one, 'memory.force_empty'), text(two, 'memory.reclaim')]).toEqual(['-', '-']);
    await reclaimer.reclaim([one, two, join(dir.path, 'gone')], () => true);
    expect([text(one, 'memory.force_empty'), text(two, 'memory.reclaim')]).toEqual(['0', '4096']);
    expect(text(two, 'memory.swap.max').charAt(0)).toBe('0');
    expect(existsSync(join(two, 'memory.force_empty'))).toBe(false);
  });
});
