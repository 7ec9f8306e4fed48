import { check, type Violation } from '../../chaos/checker';
import type { ClientCall, CreateCall, FinalSession, Recording, Visit, Wish } from '../../chaos/recording';
import type { EventView, SessionView } from '../../support/installation';

/* A checker that never reports proves nothing, so each rule gets a history that breaks it. */

const T0 = Date.UTC(2026, 0, 1);
const iso = (ms: number): string => new Date(T0 + ms).toISOString();
const OWNER = 'worker:w-1';

type Line = readonly [at: number, event: string, to: EventView['to'], more?: Partial<EventView>];

/** A history from its lines; seq, from, cause and actor are correct unless a line gives others. */
function historyOf(lines: readonly Line[]): EventView[] {
  return lines.map(([at, event, to, more], i) => ({
    seq: i + 1,
    at: iso(at),
    event,
    from: lines[i - 1]?.[2] ?? null,
    to,
    cause: event === 'timeout' ? 'session' : event,
    actor: event === 'created' || event === 'release' ? 'key:default' : event === 'timeout' ? 'timer' : OWNER,
    ...more,
  }));
}

const LIFE: readonly Line[] = [
  [0, 'created', 'created'],
  [10, 'claim', 'created'],
  [300, 'browser_ready', 'live'],
  [900, 'adopt', 'live'],
  [1_400, 'release', 'released'],
];

const WISH: Wish = { timeoutMs: 5_000, queueTimeoutMs: 2_000, idempotencyKey: 'k', isProxied: false };

function viewOf(history: readonly EventView[], more: Partial<SessionView> = {}): SessionView {
  const last = history.at(-1);
  return {
    id: 's',
    status: last?.to ?? 'created',
    endReason: last?.to === 'timed_out' ? 'session_timeout' : 'released_by_client',
    createdAt: history[0]?.at ?? '',
    liveAt: history.find(({ to }) => to === 'live')?.at ?? null,
    endedAt: last?.at ?? null,
    expiresAt: null,
    websocketUrl: null,
    context: null,
    workerId: 'w-1',
    revision: last?.seq ?? 0,
    error: null,
    ...more,
  };
}

const create = (more: Partial<CreateCall> = {}): CreateCall => ({
  op: 'create',
  wish: WISH,
  beganMs: T0,
  endedMs: T0 + 5,
  status: 201,
  id: 's',
  ...more,
});

const read = (beganMs: number, shown: SessionView['status']): ClientCall => ({
  op: 'read',
  id: 's',
  status: 200,
  beganMs: T0 + beganMs,
  endedMs: T0 + beganMs + 5,
  shown,
});

function recordingOf(
  lines: readonly Line[],
  more: Partial<Recording> = {},
  view: Partial<SessionView> = {},
): Recording {
  const history = historyOf(lines);
  const session: FinalSession = { id: 's', view: viewOf(history, view), history };
  return { calls: [create()], visits: [], sessions: [session], rows: [], browsersLeft: 0, ...more };
}

const broken = (recording: Recording): Violation['invariant'][] =>
  check(recording).map(({ invariant }) => invariant);

/** A life with one line replaced, left out (null) or added at the end. */
const changed = (at: number, line: Line | null): Line[] =>
  at === LIFE.length && line !== null
    ? [...LIFE, line]
    : LIFE.flatMap((old, i) => (i !== at ? [old] : line === null ? [] : [line]));

test('a correct history breaks nothing', () => {
  expect(check(recordingOf(LIFE))).toEqual([]);
  expect(check(recordingOf([...LIFE.slice(0, 3), [5_300, 'timeout', 'timed_out']]))).toEqual([]);
  const requeued: Line[] = [
    [0, 'created', 'created'],
    [10, 'claim', 'created'],
    [500, 'launch_failed', 'created'],
    [2_510, 'timeout', 'failed', { cause: 'queue' }],
  ];
  expect(check(recordingOf(requeued, {}, { endReason: 'queue_timeout' }))).toEqual([]);
});

test('an accepted session that is not found any more breaks I1', () => {
  expect(broken(recordingOf(LIFE, { calls: [create(), create({ id: 'gone' })] }))).toContain('I1');
  const forgotten = { id: 's', view: null, history: [] };
  expect(broken(recordingOf(LIFE, { sessions: [forgotten] }))).toEqual(['I1']);
});

test('a create that was never answered with an id promises nothing', () => {
  expect(check(recordingOf(LIFE, { calls: [create(), create({ id: null, status: null })] }))).toEqual([]);
});

test('a session without an end, or with two, breaks I2', () => {
  expect(broken(recordingOf(LIFE.slice(0, 4)))).toContain('I2');
  expect(broken(recordingOf(changed(5, [1_500, 'timeout', 'timed_out'])))).toContain('I2');
});

test('anything after the end breaks I3, in the history and in the answers to clients', () => {
  expect(broken(recordingOf(changed(5, [1_500, 'adopt', 'released'])))).toContain('I3');
  const calls = [create(), read(1_500, 'released'), read(1_600, 'live')];
  expect(broken(recordingOf(LIFE, { calls }))).toEqual(['I3']);
  const overlapping = [create(), read(1_500, 'released'), read(1_502, 'live')];
  expect(broken(recordingOf(LIFE, { calls: overlapping }))).toEqual([]);
});

test.each<[string, Line[]]>([
  ['an arrow that does not exist', changed(2, [300, 'launch_failed', 'live'])],
  ['an unknown event', changed(2, [300, 'miracle', 'live'])],
  ['an adoption before it was live', changed(1, [10, 'adopt', 'created'])],
  [
    'a state that does not follow from the one before',
    changed(3, [900, 'adopt', 'live', { from: 'created' }]),
  ],
  ['a beginning that is none', LIFE.slice(1)],
])('%s breaks I4', (_name, lines) => {
  expect(broken(recordingOf(lines))).toContain('I4');
});

test('a history that does not fold to what is stored breaks I4', () => {
  expect(broken(recordingOf(LIFE, {}, { status: 'failed', endReason: 'browser_crashed' }))).toContain('I4');
  expect(broken(recordingOf(LIFE, {}, { revision: 7 }))).toEqual(['I4']);
});

test('a gap, a repetition or a clock that falls breaks I5', () => {
  expect(broken(recordingOf(changed(3, [900, 'adopt', 'live', { seq: 5 }])))).toEqual(['I5']);
  expect(broken(recordingOf(changed(3, [900, 'adopt', 'live', { seq: 3 }])))).toEqual(['I5']);
  expect(broken(recordingOf(changed(3, [200, 'adopt', 'live'])))).toEqual(['I5']);
});

test('a report about the browser by a worker that does not own it breaks I6', () => {
  expect(broken(recordingOf(changed(2, [300, 'browser_ready', 'live', { actor: 'worker:w-2' }])))).toEqual([
    'I6',
  ]);
  expect(broken(recordingOf(changed(3, [900, 'claim', 'created', { from: 'live' }])))).toContain('I6');
  const afterRequeue: Line[] = [
    [0, 'created', 'created'],
    [10, 'claim', 'created'],
    [20, 'launch_failed', 'created'],
    [30, 'browser_ready', 'live'],
    [40, 'release', 'released'],
  ];
  expect(broken(recordingOf(afterRequeue))).toEqual(['I6']);
});

test('a row that is not what its history leads to breaks I4', () => {
  const row = { value: 'released', context: { endedAtMs: 1 } };
  const folded = { value: 'released', context: { endedAtMs: 2 } };
  expect(broken(recordingOf(LIFE, { rows: [{ id: 'a', row, folded }] }))).toEqual(['I4']);
  expect(broken(recordingOf(LIFE, { rows: [{ id: 'a', row, folded: row }] }))).toEqual([]);
});

test('a browser that is left over breaks I7', () => {
  expect(broken(recordingOf(LIFE, { browsersLeft: 1 }))).toEqual(['I7']);
});

test('a time-out that comes a millisecond early breaks I8', () => {
  expect(broken(recordingOf([...LIFE.slice(0, 3), [5_299, 'timeout', 'timed_out']]))).toEqual(['I8']);
  const queued: Line[] = [
    [0, 'created', 'created'],
    [1_999, 'timeout', 'failed', { cause: 'queue' }],
  ];
  expect(broken(recordingOf(queued, {}, { endReason: 'queue_timeout' }))).toEqual(['I8']);
  const unknownKind: Line[] = [...LIFE.slice(0, 3), [9_000, 'timeout', 'timed_out', { cause: 'mood' }]];
  expect(broken(recordingOf(unknownKind))).toEqual(['I8']);
});

test('two sessions for one key break I10', () => {
  const other = recordingOf(LIFE).sessions.map(session => ({ ...session, id: 't' }));
  const recording = recordingOf(LIFE, { calls: [create(), create({ id: 't' })] });
  expect(broken({ ...recording, sessions: [...recording.sessions, ...other] })).toEqual(['I10']);
});

test.each<[string, Line[], Partial<SessionView>]>([
  ['no reason', [...LIFE], { endReason: null }],
  ['a reason of another state', [...LIFE], { endReason: 'browser_crashed' }],
  ['an unknown reason', [...LIFE], { endReason: 'unknown' }],
  ['no time', [...LIFE], { endedAt: null }],
  ['no actor', changed(4, [1_400, 'release', 'released', { actor: '' }]), {}],
  ['no cause', changed(4, [1_400, 'release', 'released', { cause: '' }]), {}],
])('an end with %s breaks I22', (_name, lines, view) => {
  expect(broken(recordingOf(lines, {}, view))).toEqual(['I22']);
});

test('a browser with the mark of another session breaks I14', () => {
  const visit = (marks: readonly string[] | null): Visit => ({
    id: 's',
    beganMs: T0,
    endedMs: T0 + 5,
    marks,
  });
  expect(check(recordingOf(LIFE, { visits: [visit(['s']), visit(null)] }))).toEqual([]);
  expect(broken(recordingOf(LIFE, { visits: [visit(['s', 'another'])] }))).toEqual(['I14']);
  expect(broken(recordingOf(LIFE, { visits: [visit([])] }))).toEqual(['I14']);
});
