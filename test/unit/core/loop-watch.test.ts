import { watchLoop } from '../../../src/core/loop-watch';

describe('the watch over the event loop', () => {
  let nowMs: number;
  let told: object[];
  let stop: () => void;
  beforeEach(() => {
    jest.useFakeTimers();
    [nowMs, told] = [1_000, []];
    stop = watchLoop({
      clock: { monotonicMs: () => nowMs },
      log: { warn: (facts: object) => void told.push(facts) },
    });
  });
  afterEach(() => {
    stop();
    jest.useRealTimers();
  });

  /** The next look, so much later than it was due. */
  const look = (lateMs: number): void => {
    nowMs += 500 + lateMs;
    jest.advanceTimersByTime(500);
  };

  it('says nothing of a loop that is late by less than a second', () => {
    for (const lateMs of [0, 20, 999, 1_000]) look(lateMs);
    expect(told).toEqual([]);
  });

  it('says for how long it stood still', () => {
    look(1_001);
    expect(told).toEqual([{ stillMs: 1_001, untold: 0 }]);
  });

  it('says so once a minute, and then how often it was', () => {
    for (let at = 0; at < 10; at += 1) look(2_000);
    expect(told).toHaveLength(1);
    look(70_000);
    expect(told.slice(1)).toEqual([{ stillMs: 70_000, untold: 9 }]);
    look(0);
    expect(told).toHaveLength(2);
  });
});
