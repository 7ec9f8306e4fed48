import { NO_ACTIVITY } from '../../../machines/session/session.deadlines';
import { SESSION_EVENT_TYPES, type MachineEvent } from '../../../machines/session/session.events';
import { SESSION_VALUES, TIMER_KINDS } from '../../../machines/session/session.words';
import { step } from '../../../machines/step';
import { EVENTS, leafOf, SAMPLES } from '../../support/session-samples';

/**
 * What every state does with every event: the states that it can lead to, `-` where it is ignored. Written by hand, so
 * that each entry is a decision. docs/session-machine.md shows the same table, made from the machine.
 */
const DECISIONS = {
  queued: {
    CLAIM: 'launching',
    BROWSER_READY: '-', // of a launch that was given up meanwhile
    LAUNCH_FAILED: '-',
    MOUNT_FAILED: '-',
    BROWSER_GONE: '-',
    ADOPT: '-', // there is no browser yet
    WORKER_LOST: '-', // it has no owner
    UPDATE: 'queued',
    DOWNLOADS_CUT: '-', // there is no browser yet
    CONTEXT_SAVE: '-',
    UPLOADS_CUT: '-',
    RELEASE: 'released',
    TIMEOUT: 'failed released',
  },
  launching: {
    CLAIM: '-', // another worker was faster
    BROWSER_READY: 'live',
    LAUNCH_FAILED: 'failed queued',
    MOUNT_FAILED: 'failed', // a second attempt would find the same archive
    BROWSER_GONE: 'failed queued',
    ADOPT: '-', // a half-started browser is not worth saving: the attempt is repeated
    WORKER_LOST: 'failed queued',
    UPDATE: 'launching',
    DOWNLOADS_CUT: '-', // no client has had it yet
    CONTEXT_SAVE: '-',
    UPLOADS_CUT: '-',
    RELEASE: 'released',
    TIMEOUT: 'failed queued released',
  },
  live: {
    CLAIM: '-', // a launch job that came twice
    BROWSER_READY: '-',
    LAUNCH_FAILED: '-', // of an attempt before this one
    MOUNT_FAILED: '-',
    BROWSER_GONE: 'failed released',
    ADOPT: 'live',
    WORKER_LOST: 'failed', // a browser is not portable
    UPDATE: 'live',
    DOWNLOADS_CUT: 'live',
    CONTEXT_SAVE: 'live',
    UPLOADS_CUT: 'live',
    RELEASE: 'released',
    TIMEOUT: 'released timed_out',
  },
  released: nothing(),
  failed: nothing(),
  timed_out: nothing(),
} as const;

/** Final states absorb everything (I3). */
function nothing(): Record<MachineEvent['type'], '-'> {
  return {
    CLAIM: '-',
    BROWSER_READY: '-',
    LAUNCH_FAILED: '-',
    MOUNT_FAILED: '-',
    BROWSER_GONE: '-',
    ADOPT: '-',
    WORKER_LOST: '-',
    UPDATE: '-',
    DOWNLOADS_CUT: '-',
    CONTEXT_SAVE: '-',
    UPLOADS_CUT: '-',
    RELEASE: '-',
    TIMEOUT: '-',
  };
}

/** Both outcomes of every guard: samples on their first and second attempt, causes, deadlines that are due. */
function variantsOf(
  type: MachineEvent['type'],
  deadlines: Readonly<Partial<Record<string, number>>>,
): MachineEvent[] {
  if (type === 'TIMEOUT') {
    return TIMER_KINDS.map(kind => {
      const deadlineMs = deadlines[kind] ?? EVENTS.TIMEOUT.deadlineMs;
      return { type, kind, deadlineMs, nowMs: deadlineMs, activity: NO_ACTIVITY };
    });
  }
  if (type === 'BROWSER_GONE') {
    return [EVENTS.BROWSER_GONE, { ...EVENTS.BROWSER_GONE, cause: 'client_closed_browser' }];
  }
  return [EVENTS[type]];
}

function decided(state: string, type: MachineEvent['type']): string {
  const targets = Object.values(SAMPLES)
    .filter(sample => leafOf(sample) === state)
    .flatMap(sample => variantsOf(type, sample.context.deadlines).map(event => step(sample, event)))
    .filter(({ accepted }) => accepted)
    .map(({ snapshot }) => leafOf(snapshot));
  return [...new Set(targets)].sort().join(' ') || '-';
}

describe('the table of states and events', () => {
  it('has a row for every state and a column for every event', () => {
    const leaves = SESSION_VALUES.map(value => (typeof value === 'string' ? value : value.created));
    expect(Object.keys(DECISIONS)).toEqual(leaves);
    for (const row of Object.values(DECISIONS)) expect(Object.keys(row)).toEqual(SESSION_EVENT_TYPES);
  });

  const cells = Object.entries(DECISIONS).flatMap(([state, row]) =>
    SESSION_EVENT_TYPES.map(type => [state, type, row[type]] as const),
  );
  it.each(cells)('%s + %s → %s', (state, type, expected) => {
    expect(decided(state, type)).toBe(expected);
  });
});
