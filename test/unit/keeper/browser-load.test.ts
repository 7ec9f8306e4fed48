import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { LoadMeter, parseStat, type ProcessUsage } from '../../../workers/keeper/process/browser-load';

const usage = (pid: number, parentPid: number, cpuTicks: number, residentPages = 1): ProcessUsage => ({
  pid,
  parentPid,
  cpuTicks,
  residentPages,
});

describe('a line of the process table', () => {
  it('is read after the name, whatever the name contains', () => {
    const line =
      '4711 (chrome) S 1) (a) S 42 4711 4711 0 -1 4194560 1 0 0 0 7 5 3 2 20 0 9 0 12345 1000000 256 18446744073709551615';
    expect(parseStat(line)).toEqual({ pid: 4711, parentPid: 42, cpuTicks: 17, residentPages: 256 });
  });
});

/* /proc is there on Linux only; elsewhere a meter measures nothing. */
(process.platform === 'linux' ? describe : describe.skip)('a load meter', () => {
  let table: readonly ProcessUsage[] = [];
  let roots: readonly number[] = [];
  const meter = async (): Promise<LoadMeter> => {
    const made = new LoadMeter({
      roots: () => roots,
      everyMs: 3_600_000,
      read: () => Promise.resolve(table),
    });
    await made.start();
    made.stop();
    return made;
  };
  beforeEach(() => {
    [table, roots] = [[], []];
  });

  it('adds up the trees below its roots and nothing else', async () => {
    const measured = await meter();
    table = [usage(1, 0, 9_999), usage(10, 1, 100), usage(11, 10, 50), usage(12, 11, 25), usage(20, 1, 7)];
    roots = [10];
    await measured.look();
    expect(measured.load).toMatchObject({ processes: 3, cpuSeconds: 1.75 });
    expect(measured.load?.residentBytes).toBeGreaterThanOrEqual(3 * 4_096);
  });

  it('keeps the time of browsers that are gone, and never counts back', async () => {
    const measured = await meter();
    [table, roots] = [[usage(10, 1, 300)], [10]];
    await measured.look();
    [table, roots] = [
      [usage(10, 1, 200), usage(20, 1, 100)],
      [10, 20],
    ];
    await measured.look();
    expect(measured.load?.cpuSeconds).toBe(4);
    [table, roots] = [[], []];
    await measured.look();
    expect(measured.load).toEqual({ processes: 0, residentBytes: 0, cpuSeconds: 4 });
  });

  it('does not count what an adopted browser had used before', async () => {
    [table, roots] = [[usage(10, 1, 100_000)], [10]];
    const measured = await meter();
    expect(measured.load?.cpuSeconds).toBe(0);
    table = [usage(10, 1, 100_100)];
    await measured.look();
    expect(measured.load?.cpuSeconds).toBe(1);
  });

  it('keeps its last number when the table cannot be read', async () => {
    [table, roots] = [[usage(10, 1, 1)], [10]];
    let isBroken = false;
    const measured = new LoadMeter({
      roots: () => roots,
      everyMs: 3_600_000,
      read: () => (isBroken ? Promise.reject(new Error('gone')) : Promise.resolve(table)),
    });
    await measured.start();
    measured.stop();
    isBroken = true;
    await measured.look();
    expect(measured.load?.processes).toBe(1);
  });

  it('finds the processes that run', async () => {
    const child = spawn('sleep', ['60']);
    const measured = new LoadMeter({ roots: () => [child.pid ?? 0], everyMs: 3_600_000 });
    await measured.start();
    measured.stop();
    expect(measured.load).toMatchObject({ processes: 1 });
    expect(measured.load?.residentBytes).toBeGreaterThan(100_000);
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
});
