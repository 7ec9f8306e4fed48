import type { Logger } from '../../../src/core/logger';
import {
  isShort,
  MemoryGate,
  stalledShareIn,
  type MemoryReading,
} from '../../../workers/keeper/admission/memory-gate';

const MIB = 2 ** 20;

const reading = (availableMib: number, stalledShare: number | null = 0): MemoryReading => ({
  totalBytes: 24 * 1_024 * MIB,
  availableBytes: availableMib * MIB,
  stalledShare,
});

test.each([
  ['plenty', reading(20_000), false, false],
  ['less than a start may take', reading(511), false, true],
  ['as much as is enough to go on', reading(600), false, false],
  ['not as much as is enough to begin again', reading(600), true, true],
  ['enough to begin again', reading(1_024), true, false],
  ['plenty that everything waits for', reading(20_000, 0.11), false, true],
  ['a little waiting', reading(20_000, 0.05), false, false],
  ['not as little waiting as to begin again', reading(20_000, 0.05), true, true],
  ['a kernel that does not say how long it waits', reading(20_000, null), true, false],
])('with %s memory is judged', (_what, given, wasShort, expected) => {
  expect(isShort(given, wasShort)).toBe(expected);
});

test('a small machine needs a part of what it has', () => {
  const small = { totalBytes: 1_024 * MIB, stalledShare: 0 };
  expect(isShort({ ...small, availableBytes: 200 * MIB }, false)).toBe(false);
  expect(isShort({ ...small, availableBytes: 100 * MIB }, false)).toBe(true);
  expect(isShort({ ...small, availableBytes: 300 * MIB }, true)).toBe(false);
});

test.each([
  ['some avg10=5.00 avg60=0 avg300=0 total=1\nfull avg10=12.50 avg60=1.00 avg300=0.00 total=9\n', 0.125],
  ['some avg10=5.00 avg60=0 avg300=0 total=1\n', null],
  ['', null],
])('the pressure is read from %j', (text, share) => {
  expect(stalledShareIn(text)).toBe(share);
});

test('a change is told once', async () => {
  const readings = [reading(9_000), reading(100), reading(600), reading(100), reading(2_000), reading(9_000)];
  const told: string[] = [];
  const note = (_reading: MemoryReading, message: string): unknown => told.push(message);
  const gate = new MemoryGate({
    read: () => Promise.resolve(readings.shift() ?? reading(9_000)),
    // SAFETY: all of a logger that the gate uses.
    log: { warn: note, info: note } as unknown as Logger,
  });
  for (let looks = 0; looks < 6; looks += 1) await gate.look();
  expect(told).toEqual([
    'memory is short: launches wait until there is more',
    'there is memory for launches again',
  ]);
});
