import { settlesWithin } from '../../../src/core/abort';
import { Wakeup } from '../../../src/core/wakeup';

describe('a wakeup', () => {
  const never = new AbortController().signal;

  it('wakes a waiter', async () => {
    const wakeup = new Wakeup();
    const waiting = wakeup.wait(never);
    expect(await settlesWithin(waiting, 10)).toBe(false);
    wakeup.notify();
    await waiting;
  });

  it('keeps a notification that came before a waiter, and several as one', async () => {
    const wakeup = new Wakeup();
    wakeup.notify();
    wakeup.notify();
    await wakeup.wait(never);
    expect(await settlesWithin(wakeup.wait(never), 10)).toBe(false);
  });

  it('ends a wait when it is closed, before or during the wait', async () => {
    const over = new AbortController();
    const waiting = new Wakeup().wait(over.signal);
    over.abort();
    await waiting;
    await new Wakeup().wait(over.signal);
  });

  it('leaves no listener on a long-lived signal', async () => {
    const signal = new AbortController().signal;
    const added = jest.spyOn(signal, 'addEventListener');
    const removed = jest.spyOn(signal, 'removeEventListener');
    const wakeup = new Wakeup();
    for (let i = 0; i < 3; i += 1) {
      const waiting = wakeup.wait(signal);
      wakeup.notify();
      await waiting;
    }
    expect(removed).toHaveBeenCalledTimes(added.mock.calls.length);
  });
});
