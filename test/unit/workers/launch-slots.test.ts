import { LaunchSlots, NO_SLOTS } from '../../../workers/launch/launch-slots';

describe('the launch slots of a worker', () => {
  const open = (slots: number, used: number): { capacity: () => number | undefined; slots: LaunchSlots } => {
    let last: number | undefined;
    const made = new LaunchSlots(jobs => (last = jobs));
    made.update({ ...NO_SLOTS, slots, used });
    return { capacity: () => last, slots: made };
  };

  it('take no launch while the machine is drained, and launches again after that', () => {
    const { slots, capacity } = open(8, 6);
    expect(capacity()).toBe(2);
    slots.setDrained(true);
    expect([capacity(), slots.take()]).toEqual([0, false]);
    slots.update({ ...NO_SLOTS, slots: 8, used: 0 });
    expect(capacity()).toBe(0);
    slots.setDrained(false);
    expect([capacity(), slots.take()]).toEqual([4, true]);
  });

  it('stay closed once the worker shuts down, even when an operator undrains it', () => {
    const { slots, capacity } = open(8, 0);
    slots.setDrained(true);
    slots.drain();
    slots.setDrained(false);
    expect([capacity(), slots.take(), slots.draining]).toEqual([0, false, true]);
  });

  it('take no launch while memory is short, unless there is no browser yet', () => {
    const { slots, capacity } = open(8, 1);
    slots.update({ ...NO_SLOTS, slots: 8, used: 1, isMemoryShort: true });
    expect([capacity(), slots.take()]).toEqual([0, false]);
    slots.update({ ...NO_SLOTS, slots: 8, used: 0, isMemoryShort: true });
    expect([slots.take(), slots.take()]).toEqual([true, false]);
    slots.release();
    slots.update({ ...NO_SLOTS, slots: 8, used: 1, isMemoryShort: false });
    expect([capacity(), slots.take()]).toEqual([4, true]);
  });

  it('do not count as shutting down when they are only drained', () => {
    const { slots } = open(8, 0);
    slots.setDrained(true);
    expect(slots.draining).toBe(false);
  });
});
