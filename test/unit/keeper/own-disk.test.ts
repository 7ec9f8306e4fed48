import { OwnDisk } from '../../../workers/keeper/process/own-disk';

/* When the files of a browser are measured, and what ends it. Times and sizes are made up. */

const MIB = 2 ** 20;
const MAX = 1_000 * MIB;

interface Machine {
  ownBytes: number;
  freeBytes: number;
  atMs: number;
  /** What the tenant leaves it. */
  mayBytes: number;
  /** How long a measurement takes. */
  costMs: number;
  measured: number;
}

function watched(start: Partial<Machine> = {}): { own: OwnDisk; machine: Machine } {
  const machine: Machine = {
    ...{ ownBytes: 10 * MIB, freeBytes: 10_000 * MIB, atMs: 0, mayBytes: Infinity, costMs: 4, measured: 0 },
    ...start,
  };
  const own = new OwnDisk({
    allowance: { maxBytes: MAX, claim: () => Math.min(MAX, machine.mayBytes) },
    measure: () => {
      machine.measured += 1;
      machine.atMs += machine.costMs;
      return Promise.resolve(machine.ownBytes);
    },
    free: () => Promise.resolve(machine.freeBytes),
    nowMs: () => machine.atMs,
  });
  return { own, machine };
}

/* Looks once a second, as long as it takes. */
async function after(seconds: number, own: OwnDisk, machine: Machine): Promise<unknown> {
  for (let n = 0; n < seconds; n += 1) {
    machine.atMs += 1_000;
    const report = await own.look();
    if (report !== null) return report;
  }
  return null;
}

describe('what a browser writes for itself', () => {
  it('is measured at once, and then every thirty seconds while the disk stays as it is', async () => {
    const { own, machine } = watched();
    expect(await after(1, own, machine)).toBeNull();
    expect(machine.measured).toBe(1);
    expect(await after(91, own, machine)).toBeNull();
    expect(machine.measured).toBe(4);
  });

  it('is measured within a second once the disk has lost half of what it may still write', async () => {
    const { own, machine } = watched();
    await after(2, own, machine);
    machine.freeBytes -= 480 * MIB;
    await after(1, own, machine);
    expect(machine.measured).toBe(1);
    machine.freeBytes -= 20 * MIB;
    await after(1, own, machine);
    expect(machine.measured).toBe(2);
  });

  it('ends it beyond its own limit, and the report says which one that is', async () => {
    const { own, machine } = watched();
    await after(1, own, machine);
    machine.ownBytes = MAX;
    machine.freeBytes -= MAX;
    expect(await after(1, own, machine)).toBeNull();
    machine.ownBytes = MAX + 1;
    expect(await after(1, own, machine)).toBeNull(); // nothing was lost: the next measurement is due later
    expect(await after(30, own, machine)).toEqual({
      cause: 'resource_limit',
      message: expect.stringContaining('limit of disk, its profile and temporary files'),
    });
  });

  it('ends it beyond what its tenant has left, unless it takes hardly anything itself', async () => {
    const { own, machine } = watched({ ownBytes: 60 * MIB, mayBytes: 20 * MIB });
    expect(await after(40, own, machine)).toBeNull();
    machine.ownBytes = 65 * MIB;
    machine.freeBytes -= 5 * MIB;
    expect(await after(1, own, machine)).toMatchObject({ message: expect.stringContaining('diskBytes') });
  });

  it('costs a fiftieth of the time, however many files there are and however fast the disk fills', async () => {
    const { own, machine } = watched({ costMs: 400 });
    for (let n = 0; n < 100; n += 1) {
      machine.freeBytes -= 900 * MIB;
      await after(1, own, machine);
    }
    expect(machine.measured).toBeLessThanOrEqual(Math.ceil(machine.atMs / 50 / 400) + 1);
    expect(machine.measured).toBeGreaterThan(3);
  });
});
