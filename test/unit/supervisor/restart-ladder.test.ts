import { RestartLadder } from '../../../src/supervisor/restart-ladder';

/** The delays of a process that lives for `aliveMs` each time, until `untilMs`. */
function delays(aliveMs: number, untilMs: number): number[] {
  const ladder = new RestartLadder();
  const seen: number[] = [];
  for (let nowMs = aliveMs; nowMs < untilMs; nowMs += aliveMs) {
    const delayMs = ladder.next(aliveMs, nowMs);
    seen.push(delayMs);
    nowMs += delayMs;
  }
  return seen;
}

test('a process that crashes is started again within a second', () => {
  expect(delays(500, 10_000).slice(0, 5)).toEqual([0, 250, 500, 1_000, 1_000]);
});

test('a process that has crashed for a minute is started every five seconds', () => {
  expect(delays(500, 120_000).slice(-5)).toEqual([5_000, 5_000, 5_000, 5_000, 5_000]);
});

test('a process that has lived for ten seconds is started again at once', () => {
  expect(new Set(delays(10_000, 300_000))).toEqual(new Set([0]));
});
