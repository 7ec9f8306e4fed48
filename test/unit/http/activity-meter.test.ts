import { ActivityMeter } from '../../../src/http/gateway/activity-meter';

describe('the activity meter', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  /** A meter that records when it made notes, and whose notes fail while `broken`. */
  function meterFor(idleTimeoutMs: number | null) {
    const startMs = performance.now();
    const notes: number[] = [];
    const state = { broken: false };
    const meter = new ActivityMeter({
      idleTimeoutMs,
      note: () => {
        notes.push(performance.now() - startMs);
        return state.broken ? Promise.reject(new Error('Redis is away')) : Promise.resolve();
      },
      monotonicMs: () => performance.now(),
    });
    return { meter, notes, state };
  }

  it('notes the first byte at once and then once a second, the last one included', async () => {
    const { meter, notes } = meterFor(null);
    for (let i = 0; i < 25; i += 1) {
      meter.touch();
      await jest.advanceTimersByTimeAsync(100);
    }
    await jest.advanceTimersByTimeAsync(60_000);
    expect(notes).toEqual([0, 1_000, 2_000, 3_000]);
  });

  it('notes a single byte once', async () => {
    const { meter, notes } = meterFor(null);
    meter.touch();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(notes).toEqual([0]);
  });

  it('is exact enough for a short idle time-out', async () => {
    const { meter, notes } = meterFor(1_000);
    for (let i = 0; i < 11; i += 1) {
      meter.touch();
      await jest.advanceTimersByTimeAsync(100);
    }
    expect(notes).toEqual([0, 500, 1_000]);
  });

  it('repeats a note that failed until it succeeds', async () => {
    const { meter, notes, state } = meterFor(null);
    state.broken = true;
    meter.touch();
    await jest.advanceTimersByTimeAsync(2_500);
    state.broken = false;
    await jest.advanceTimersByTimeAsync(60_000);
    expect(notes).toEqual([0, 1_000, 2_000, 3_000]);
  });

  it('writes what is pending when it is stopped, and nothing after that', async () => {
    const { meter, notes, state } = meterFor(null);
    meter.touch();
    await jest.advanceTimersByTimeAsync(300);
    meter.touch();
    state.broken = true;
    meter.stop();
    meter.touch();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(notes).toEqual([0, 300]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('writes nothing when it is stopped with nothing pending', async () => {
    const { meter, notes } = meterFor(null);
    meter.stop();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(notes).toEqual([]);
  });
});
