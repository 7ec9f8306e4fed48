import type { SessionChange, MachineEvent } from '../../../machines/session/session.events';
import type { SessionSnapshot } from '../../../machines/session/session.types';
import type { TimerKind } from '../../../machines/session/session.words';
import { firstStep, step } from '../../../machines/step';
import { EVENTS, INPUT, LIMITS, SAMPLES, T0, walk, type SampleName } from '../../support/session-samples';

describe('the first step', () => {
  it('queues the session, asks for a launch and arms the queue time-out', () => {
    const { snapshot, effects, accepted } = firstStep(INPUT);
    expect(accepted).toBe(true);
    expect(snapshot.value).toEqual({ created: 'queued' });
    expect(effects).toEqual([
      { kind: 'launch.enqueue', attempt: 1 },
      { kind: 'timer.arm', timer: 'queue', deadlineMs: T0 + LIMITS.queueTimeoutMs },
      { kind: 'timer.arm', timer: 'disconnect', deadlineMs: T0 + 50_000 },
    ]);
  });

  it('keeps what the creator decided, and only that', () => {
    const { nowMs, ...given } = INPUT;
    expect(firstStep(INPUT).snapshot.context).toEqual({
      ...given,
      createdAtMs: nowMs,
      liveAtMs: null,
      endedAtMs: null,
      deadlines: { queue: nowMs + LIMITS.queueTimeoutMs, disconnect: nowMs + 50_000 },
      launchAttempts: 0,
      fenceN: 0,
      mountedVersion: null,
      lastSave: null,
      owner: null,
      endpoint: null,
      endReason: null,
      error: null,
    });
  });

  it('gives the same session for the same input', () => {
    expect(firstStep(INPUT)).toEqual(firstStep(INPUT));
  });
});

describe('a step', () => {
  const change = (given: SessionChange): MachineEvent => ({ ...EVENTS.UPDATE, change: given });
  const eightMore = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`l${i}`, 'x']));

  it.each<[string, SampleName, MachineEvent]>([
    ['an event the state does not know', 'queued', EVENTS.ADOPT],
    ['a deadline that has not passed', 'live', { ...EVENTS.TIMEOUT, nowMs: EVENTS.TIMEOUT.deadlineMs - 1 }],
    ['a deadline that was moved', 'live', { ...EVENTS.TIMEOUT, deadlineMs: EVENTS.TIMEOUT.deadlineMs - 1 }],
    ['a deadline of a state before', 'live', { ...EVENTS.TIMEOUT, kind: 'queue', deadlineMs: T0 + 60_000 }],
    ['a deadline under the name of another', 'live', { ...EVENTS.TIMEOUT, kind: 'idle' }],
    ['a new time-out that has passed already', 'live', change({ timeoutMs: 6_200 })],
    ['a ninth label', 'live', change({ labels: eightMore })],
    ['a ninth label before it is live', 'queued', change({ labels: eightMore })],
    ['anything after the end', 'released', EVENTS.RELEASE],
  ])('refuses %s: the same snapshot, no effects', (_what, from, event) => {
    const before = SAMPLES[from];
    const after = step(before, event);
    expect(after.accepted).toBe(false);
    expect(after.snapshot).toBe(before);
    expect(after.effects).toEqual([]);
  });

  it('obeys a deadline in the same millisecond that it names', () => {
    expect(step(SAMPLES.live, EVENTS.TIMEOUT).accepted).toBe(true);
  });

  it('takes a new time-out that ends in the next millisecond, and eight labels in exchange for one', () => {
    expect(step(SAMPLES.live, change({ timeoutMs: 6_201 })).snapshot.context.deadlines.session).toBe(
      T0 + 6_501,
    );
    const { labels } = step(SAMPLES.live, change({ labels: { ...eightMore, team: null } })).snapshot.context;
    expect(labels).toEqual(eightMore);
  });

  it('makes the deadlines of a changed session from what it was changed to once it is live', () => {
    const live = walk(SAMPLES.launching, change({ timeoutMs: 1_000, idleTimeoutMs: null }), {
      ...EVENTS.BROWSER_READY,
      nowMs: T0 + 9_000,
    });
    expect(live.context.deadlines).toEqual({
      session: T0 + 10_000,
      connect: T0 + 54_000,
      disconnect: T0 + 50_000,
    });
  });

  it('ends a session for the time-out that was named, also when two of them fall on the same millisecond', () => {
    const limits = { ...LIMITS, timeoutMs: 60_000, idleTimeoutMs: 60_000, connectTimeoutMs: 60_000 };
    const live = walk(firstStep({ ...INPUT, limits }).snapshot, EVENTS.CLAIM, EVENTS.BROWSER_READY);
    const reasonOf = (kind: TimerKind): unknown =>
      walk(live, { ...EVENTS.TIMEOUT, kind, deadlineMs: T0 + 60_300, nowMs: T0 + 60_300 }).context.endReason;
    expect([reasonOf('connect'), reasonOf('idle'), reasonOf('session')]).toEqual([
      'connect_timeout',
      'idle_timeout',
      'session_timeout',
    ]);
  });

  it('arms no idle, connect or disconnect time-out for a session without them', () => {
    const limits = { ...LIMITS, idleTimeoutMs: null, connectTimeoutMs: null, disconnectTimeoutMs: null };
    const queued = firstStep({ ...INPUT, limits }).snapshot;
    const live = step(step(queued, EVENTS.CLAIM).snapshot, EVENTS.BROWSER_READY);
    expect(Object.keys(live.snapshot.context.deadlines)).toEqual(['session']);
  });

  it.each([
    ['an unknown state', 'paused'],
    ['an unknown inner state', { created: 'paused' }],
  ])('throws on %s', (_what, value) => {
    // SAFETY: a row that another version wrote, which the types cannot know of.
    const stored = { value, context: SAMPLES.live.context } as unknown as SessionSnapshot;
    expect(() => step(stored, EVENTS.RELEASE)).toThrow('does not exist');
  });

  it('refuses a claim from the moment on at which the queue time-out is due', () => {
    const { queue = 0 } = SAMPLES.queued.context.deadlines;
    expect(step(SAMPLES.queued, { ...EVENTS.CLAIM, nowMs: queue - 1 }).accepted).toBe(true);
    expect(step(SAMPLES.queued, { ...EVENTS.CLAIM, nowMs: queue }).accepted).toBe(false);
  });

  it('returns only what the row stores: plain data', () => {
    const { snapshot } = step(SAMPLES.queued, EVENTS.CLAIM);
    expect(Object.keys(snapshot)).toEqual(['value', 'context']);
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
  });
});
