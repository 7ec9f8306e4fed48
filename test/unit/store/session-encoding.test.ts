import { eventName, type MachineEvent } from '../../../machines/session/session.events';
import { readNewerSnapshot, type RowFields } from '../../../machines/session/session.newer';
import {
  DEFAULT_BROWSER_OPTIONS,
  type SessionInput,
  type SessionSnapshot,
} from '../../../machines/session/session.types';
import { MACHINE_VERSION } from '../../../machines/session/session.versions';
import { statusOf } from '../../../machines/session/session.view';
import { firstStep } from '../../../machines/step';
import { refOf } from '../../../src/core/ids';
import {
  decodeLine,
  decodeSnapshot,
  encodeCreation,
  encodeSnapshot,
  encodeTransition,
} from '../../../src/store/session-encoding';
import { EVENTS, INPUT, SAMPLES } from '../../support/session-samples';

/** Without an option, a label or a limit of its own. */
const PLAIN: SessionInput = {
  ...INPUT,
  ...{ name: null, labels: {}, options: DEFAULT_BROWSER_OPTIONS, sealed: null, contextUse: null },
  limits: {
    ...{ timeoutMs: 300_000, queueTimeoutMs: 60_000 },
    ...{ idleTimeoutMs: null, connectTimeoutMs: null, disconnectTimeoutMs: null, sleepAfterMs: null },
  },
};

const SNAPSHOTS: Readonly<Record<string, SessionSnapshot>> = {
  ...SAMPLES,
  plain: firstStep(PLAIN).snapshot,
};

const LINE = { event: 'created', from: null, to: 'created', cause: 'requested', actor: 'test' } as const;

/* The fields beside a snapshot, as the scripts store them. */
function fieldsOf(snapshot: SessionSnapshot): RowFields {
  const { tenant, id, labels, createdAtMs, deadlines } = snapshot.context;
  return { tenant, id, labels, createdAtMs, deadlines, status: statusOf(snapshot) };
}

/* A line as the scripts store it. */
const numbered = (json: string, seq = 1): string => `{"seq":${seq},"at":1,${json.slice(1)}`;

describe('a snapshot in its row', () => {
  it.each(Object.entries(SNAPSHOTS))('is read as it was written: %s', (_name, snapshot) => {
    const stored: unknown = JSON.parse(encodeSnapshot(snapshot));
    expect(decodeSnapshot(stored, MACHINE_VERSION, fieldsOf(snapshot))).toEqual(snapshot);
  });

  it('has neither what is null nor what stands beside it', () => {
    expect(JSON.parse(encodeSnapshot(firstStep(PLAIN).snapshot))).toEqual({
      value: { created: 'queued' },
      context: {
        limits: { timeoutMs: 300_000, queueTimeoutMs: 60_000 },
        options: { headless: true },
        launchAttempts: 0,
        fenceN: 0,
      },
    });
  });

  it.each(Object.entries(SNAPSHOTS))(
    'is read whole by the part of an older version: %s',
    (_name, snapshot) => {
      const stored: unknown = JSON.parse(encodeSnapshot(snapshot));
      const { context, ...others } = readNewerSnapshot(stored, fieldsOf(snapshot));
      expect({ ...others, context }).toEqual({ ...snapshot, context: { ...snapshot.context, sealed: null } });
    },
  );

  it.each([null, 5, 'x', {}, { context: null }, []])('is left as it is if it is none: %j', stored => {
    expect(decodeSnapshot(stored, MACHINE_VERSION, fieldsOf(SAMPLES.live))).toBe(stored);
  });

  it('of a version before this encoding is left as it is', () => {
    expect(decodeSnapshot(SAMPLES.live, 5, fieldsOf(SAMPLES.queued))).toBe(SAMPLES.live);
  });
});

describe('a line of a history', () => {
  const ref = refOf(INPUT.tenant, INPUT.id);

  it.each([INPUT, PLAIN])('of a creation has its input, without what is secret', input => {
    const entry = decodeLine(ref, numbered(encodeCreation(LINE, input)));
    expect(entry).toEqual({ seq: 1, at: 1, ...LINE, input: { ...input, sealed: null } });
  });

  it.each(Object.values(EVENTS))('has its event: $type', event => {
    const line = { ...LINE, event: eventName(event) };
    expect(decodeLine(ref, numbered(encodeTransition(line, event), 2))).toMatchObject({
      seq: 2,
      input: event,
    });
  });

  it('of an older version is read as well', () => {
    const event: MachineEvent = EVENTS.BROWSER_READY;
    const line = { seq: 2, at: 1, ...LINE, event: 'browser_ready' };
    expect(decodeLine(ref, JSON.stringify(line))).toEqual(line);
    expect(decodeLine(ref, JSON.stringify({ ...line, input: event }))).toEqual({ ...line, input: event });
    const first = { seq: 1, at: 1, ...LINE, input: { ...INPUT, sealed: null } };
    expect(decodeLine(ref, JSON.stringify(first))).toEqual(first);
  });
});
