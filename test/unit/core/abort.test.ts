import { getEventListeners } from 'node:events';
import {
  backoffMs,
  DeadlineExceededError,
  pause,
  settlesWithin,
  withDeadline,
} from '../../../src/core/abort';
import { pollUntil } from '../../support/poll-until';

const never = (): Promise<never> => new Promise(() => undefined);

describe('withDeadline', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('answers what the work answers, and clears its timer', async () => {
    await expect(withDeadline('work', 1_000, Promise.resolve(7))).resolves.toBe(7);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('passes a failure on, and clears its timer', async () => {
    const failure = new Error('broken');
    await expect(withDeadline('work', 1_000, Promise.reject(failure))).rejects.toBe(failure);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('gives up when the time is up, and names what it waited for', async () => {
    const waiting = expect(withDeadline('the launch', 1_000, never())).rejects.toThrow(
      new DeadlineExceededError('the launch', 1_000),
    );
    await jest.advanceTimersByTimeAsync(1_000);
    await waiting;
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not give up a millisecond early', async () => {
    let settled = false;
    const waiting = withDeadline('work', 1_000, never()).catch(() => (settled = true));
    await jest.advanceTimersByTimeAsync(999);
    expect(settled).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    await waiting;
    expect(settled).toBe(true);
  });

  it('ignores a result that comes too late, so that no rejection is unhandled', async () => {
    let fail: (error: Error) => void = () => undefined;
    const work = new Promise<never>((_, reject) => (fail = reject));
    const waiting = expect(withDeadline('work', 10, work)).rejects.toThrow(DeadlineExceededError);
    await jest.advanceTimersByTimeAsync(10);
    await waiting;
    // Jest fails a test with an unhandled rejection.
    fail(new Error('too late'));
    await jest.advanceTimersByTimeAsync(10);
  });
});

describe('pause', () => {
  it('ends quietly when it is aborted, and at once when it already was', async () => {
    const stop = new AbortController();
    const pausing = pause(60_000, stop.signal);
    stop.abort();
    await expect(pausing).resolves.toBeUndefined();
    await expect(pause(60_000, stop.signal)).resolves.toBeUndefined();
  });

  it('leaves no listener on the signal', async () => {
    const stop = new AbortController();
    await pause(1, stop.signal);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });
});

describe('pollUntil', () => {
  const patience = { timeoutMs: 2_000, everyMs: 1 };

  it('asks until there is an answer', async () => {
    let asked = 0;
    await expect(pollUntil('three', patience, () => (++asked === 3 ? asked : undefined))).resolves.toBe(3);
  });

  it('takes false, null and zero for answers', async () => {
    for (const answer of [false, null, 0])
      await expect(pollUntil('it', patience, () => answer)).resolves.toBe(answer);
  });

  it('asks at least once, however short the time', async () => {
    await expect(pollUntil('it', { timeoutMs: 0, everyMs: 1 }, () => 'yes')).resolves.toBe('yes');
  });

  it('gives up when the time is up', async () => {
    const polling = pollUntil('the moon', { timeoutMs: 20, everyMs: 5 }, () => undefined);
    await expect(polling).rejects.toThrow('the moon took longer than 20 ms');
  });

  it('passes on what the probe throws', async () => {
    const failure = new Error('broken');
    await expect(pollUntil('it', patience, () => Promise.reject(failure))).rejects.toBe(failure);
  });

  it('stops with the reason of the signal', async () => {
    const stop = new AbortController();
    const polling = pollUntil(
      'it',
      { timeoutMs: 60_000, everyMs: 60_000, signal: stop.signal },
      () => undefined,
    );
    const stopped = new Error('shutting down');
    stop.abort(stopped);
    await expect(polling).rejects.toBe(stopped);
  });
});

describe('backoffMs', () => {
  it('is zero at first, then doubles up to the cap', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7, 100].map(n => backoffMs(n, 1_000, 30_000))).toEqual([
      0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
    ]);
  });
});

describe('settlesWithin', () => {
  it('answers whether the work settled in time, and passes errors on', async () => {
    expect(await settlesWithin(Promise.resolve(), 1_000)).toBe(true);
    expect(await settlesWithin(never(), 5)).toBe(false);
    await expect(settlesWithin(Promise.reject(new Error('broken')), 1_000)).rejects.toThrow('broken');
  });
});
