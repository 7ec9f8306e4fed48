import { toDirectedGraph, type DirectedGraphNode } from 'xstate/graph';
import { NO_ACTIVITY } from '../../../machines/session/session.deadlines';
import type { SessionEffect } from '../../../machines/session/session.effects';
import type { MachineEvent } from '../../../machines/session/session.events';
import { labelOf } from '../../../machines/session/session.labels';
import { sessionMachine } from '../../../machines/session/session.machine';
import type { SessionContext } from '../../../machines/session/session.types';
import type { TimerKind } from '../../../machines/session/session.words';
import { step } from '../../../machines/step';
import {
  ENDPOINT,
  EVENTS,
  leafOf,
  LIMITS,
  SAMPLES,
  T0,
  type SampleName,
} from '../../support/session-samples';

interface Row {
  /** `<state> <event> <guard>`, as in the topology. */
  readonly arrow: string;
  readonly from: SampleName;
  readonly event: MachineEvent;
  readonly to: string;
  /** Exactly what changes in the context. */
  readonly changes: Partial<SessionContext>;
  readonly effects: readonly SessionEffect[];
}

const arm = (timer: TimerKind, deadlineMs: number): SessionEffect => ({
  kind: 'timer.arm',
  timer,
  deadlineMs,
});
const cancel = (timer: TimerKind, deadlineMs: number): SessionEffect => ({
  kind: 'timer.cancel',
  timer,
  deadlineMs,
});
const launch = (attempt: number): SessionEffect => ({ kind: 'launch.enqueue', attempt });
const dropLaunch = (attempt: number): SessionEffect => ({ kind: 'launch.cancel', attempt });

const QUEUE_END = T0 + 60_000;
const REQUEUED_END = T0 + 60_300;
const LAUNCH_END = T0 + 30_100;
const RELAUNCH_END = T0 + 30_400;
const SESSION_END = T0 + 300_300;
const IDLE_END = T0 + 60_300;
const CONNECT_END = T0 + 45_300;
const DISCONNECT_END = T0 + 50_000;
const leaverGoes = cancel('disconnect', DISCONNECT_END);
const liveTimersGo = [
  cancel('connect', CONNECT_END),
  leaverGoes,
  cancel('idle', IDLE_END),
  cancel('session', SESSION_END),
];

const timeout = (kind: TimerKind, deadlineMs: number): MachineEvent => ({
  type: 'TIMEOUT',
  nowMs: deadlineMs,
  kind,
  deadlineMs,
  activity: NO_ACTIVITY,
});
const ended = (nowMs: number, endReason: SessionContext['endReason']): Partial<SessionContext> => ({
  endedAtMs: nowMs,
  endReason,
  deadlines: {},
  sealed: null,
});
const failed = (nowMs: number, code: NonNullable<SessionContext['endReason']>, message: string) => ({
  ...ended(nowMs, code),
  error: { code, message },
});
const requeued = (nowMs: number): Partial<SessionContext> => ({
  owner: null,
  deadlines: { queue: nowMs + 60_000, disconnect: DISCONNECT_END },
});
const requeueEffects = (nowMs: number): SessionEffect[] => [
  launch(2),
  arm('queue', nowMs + 60_000),
  cancel('launch', LAUNCH_END),
];

const changed: Partial<SessionContext> = {
  name: 'renamed',
  labels: { env: 'prod' },
  limits: { ...LIMITS, timeoutMs: 600_000, idleTimeoutMs: 90_000 },
};

const LOST = 'the worker that owned the browser stopped renewing its lease';

const rows: Row[] = [
  {
    arrow: 'created RELEASE',
    from: 'queued',
    event: { ...EVENTS.RELEASE, reason: 'released_by_bulk' },
    to: 'released',
    changes: ended(T0 + 7_000, 'released_by_bulk'),
    effects: [dropLaunch(1), cancel('queue', QUEUE_END), leaverGoes],
  },
  {
    arrow: 'created RELEASE',
    from: 'requeued',
    event: EVENTS.RELEASE,
    to: 'released',
    changes: ended(T0 + 7_000, 'released_by_client'),
    effects: [dropLaunch(2), cancel('queue', REQUEUED_END), leaverGoes],
  },
  {
    arrow: 'created RELEASE',
    from: 'launching',
    event: EVENTS.RELEASE,
    to: 'released',
    changes: ended(T0 + 7_000, 'released_by_client'),
    effects: [cancel('launch', LAUNCH_END), leaverGoes],
  },
  {
    arrow: 'created UPDATE changeIsPossible',
    from: 'queued',
    event: EVENTS.UPDATE,
    to: 'queued',
    changes: changed,
    effects: [],
  },
  {
    arrow: 'created UPDATE changeIsPossible',
    from: 'launching',
    event: EVENTS.UPDATE,
    to: 'launching',
    changes: changed,
    effects: [],
  },
  {
    arrow: 'created TIMEOUT isDue(disconnect)',
    from: 'requeued',
    event: timeout('disconnect', DISCONNECT_END),
    to: 'released',
    changes: ended(DISCONNECT_END, 'client_disconnected'),
    effects: [dropLaunch(2), cancel('queue', REQUEUED_END), leaverGoes],
  },
  {
    arrow: 'created TIMEOUT isDue(disconnect)',
    from: 'launching',
    event: timeout('disconnect', DISCONNECT_END),
    to: 'released',
    changes: ended(DISCONNECT_END, 'client_disconnected'),
    effects: [cancel('launch', LAUNCH_END), leaverGoes],
  },
  {
    arrow: 'queued CLAIM queueTimeIsLeft',
    from: 'queued',
    event: EVENTS.CLAIM,
    to: 'launching',
    changes: {
      launchAttempts: 1,
      fenceN: 1,
      owner: { workerId: 'w-1', fence: { n: 1, claimId: 'claim-1' } },
      deadlines: { launch: LAUNCH_END, disconnect: DISCONNECT_END },
    },
    effects: [cancel('queue', QUEUE_END), arm('launch', LAUNCH_END)],
  },
  {
    arrow: 'queued CLAIM queueTimeIsLeft',
    from: 'requeued',
    event: { ...EVENTS.CLAIM, nowMs: T0 + 400, claimId: 'claim-3' },
    to: 'launching',
    changes: {
      launchAttempts: 2,
      fenceN: 2,
      owner: { workerId: 'w-1', fence: { n: 2, claimId: 'claim-3' } },
      deadlines: { launch: RELAUNCH_END, disconnect: DISCONNECT_END },
    },
    effects: [cancel('queue', REQUEUED_END), arm('launch', RELAUNCH_END)],
  },
  {
    arrow: 'queued TIMEOUT isDue(queue)',
    from: 'queued',
    event: timeout('queue', QUEUE_END),
    to: 'failed',
    changes: failed(QUEUE_END, 'queue_timeout', 'no worker had a free slot in time'),
    effects: [dropLaunch(1), cancel('queue', QUEUE_END), leaverGoes],
  },
  {
    arrow: 'launching BROWSER_READY',
    from: 'launching',
    event: EVENTS.BROWSER_READY,
    to: 'live',
    changes: {
      liveAtMs: T0 + 300,
      endpoint: ENDPOINT,
      mountedVersion: 3,
      deadlines: { session: SESSION_END, idle: IDLE_END, connect: CONNECT_END, disconnect: DISCONNECT_END },
      sealed: null,
    },
    effects: [
      cancel('launch', LAUNCH_END),
      arm('connect', CONNECT_END),
      arm('idle', IDLE_END),
      arm('session', SESSION_END),
    ],
  },
  {
    arrow: 'launching LAUNCH_FAILED hasAttemptsLeft',
    from: 'launching',
    event: EVENTS.LAUNCH_FAILED,
    to: 'queued',
    changes: requeued(T0 + 300),
    effects: requeueEffects(T0 + 300),
  },
  {
    arrow: 'launching LAUNCH_FAILED',
    from: 'relaunching',
    event: EVENTS.LAUNCH_FAILED,
    to: 'failed',
    changes: failed(T0 + 300, 'launch_failed', 'no display'),
    effects: [cancel('launch', RELAUNCH_END), leaverGoes],
  },
  {
    arrow: 'launching MOUNT_FAILED',
    from: 'launching',
    event: EVENTS.MOUNT_FAILED,
    to: 'failed',
    changes: failed(T0 + 200, 'context_failed', 'version 3 of the context is damaged'),
    effects: [cancel('launch', LAUNCH_END), leaverGoes],
  },
  {
    arrow: 'launching BROWSER_GONE hasAttemptsLeft',
    from: 'launching',
    event: EVENTS.BROWSER_GONE,
    to: 'queued',
    changes: requeued(T0 + 5_000),
    effects: requeueEffects(T0 + 5_000),
  },
  {
    arrow: 'launching BROWSER_GONE',
    from: 'relaunching',
    event: EVENTS.BROWSER_GONE,
    to: 'failed',
    changes: failed(T0 + 5_000, 'launch_failed', 'exit status 133'),
    effects: [cancel('launch', RELAUNCH_END), leaverGoes],
  },
  {
    arrow: 'launching WORKER_LOST hasAttemptsLeft',
    from: 'launching',
    event: EVENTS.WORKER_LOST,
    to: 'queued',
    changes: requeued(T0 + 20_000),
    effects: requeueEffects(T0 + 20_000),
  },
  {
    arrow: 'launching WORKER_LOST',
    from: 'relaunching',
    event: EVENTS.WORKER_LOST,
    to: 'failed',
    changes: failed(T0 + 20_000, 'worker_lost', LOST),
    effects: [cancel('launch', RELAUNCH_END), leaverGoes],
  },
  {
    arrow: 'launching TIMEOUT isDue(launch) and hasAttemptsLeft',
    from: 'launching',
    event: timeout('launch', LAUNCH_END),
    to: 'queued',
    changes: requeued(LAUNCH_END),
    effects: requeueEffects(LAUNCH_END),
  },
  {
    arrow: 'launching TIMEOUT isDue(launch)',
    from: 'relaunching',
    event: timeout('launch', RELAUNCH_END),
    to: 'failed',
    changes: failed(RELAUNCH_END, 'launch_failed', 'the browser did not start in time'),
    effects: [cancel('launch', RELAUNCH_END), leaverGoes],
  },
  {
    arrow: 'live RELEASE',
    from: 'live',
    event: { ...EVENTS.RELEASE, reason: 'client_disconnected' },
    to: 'released',
    changes: ended(T0 + 7_000, 'client_disconnected'),
    effects: liveTimersGo,
  },
  {
    arrow: 'live RELEASE',
    from: 'live',
    event: { ...EVENTS.RELEASE, reason: 'drained' },
    to: 'released',
    changes: ended(T0 + 7_000, 'drained'),
    effects: liveTimersGo,
  },
  {
    arrow: 'live BROWSER_GONE clientClosedBrowser',
    from: 'live',
    event: { ...EVENTS.BROWSER_GONE, cause: 'client_closed_browser', message: 'exit status 0' },
    to: 'released',
    changes: ended(T0 + 5_000, 'client_closed_browser'),
    effects: liveTimersGo,
  },
  {
    arrow: 'live BROWSER_GONE',
    from: 'live',
    event: EVENTS.BROWSER_GONE,
    to: 'failed',
    changes: failed(T0 + 5_000, 'browser_crashed', 'exit status 133'),
    effects: liveTimersGo,
  },
  {
    arrow: 'live BROWSER_GONE',
    from: 'live',
    event: { ...EVENTS.BROWSER_GONE, cause: 'browser_unresponsive', message: 'no answer for 30 s' },
    to: 'failed',
    changes: failed(T0 + 5_000, 'browser_unresponsive', 'no answer for 30 s'),
    effects: liveTimersGo,
  },
  {
    arrow: 'live BROWSER_GONE',
    from: 'live',
    event: { ...EVENTS.BROWSER_GONE, cause: 'resource_limit', message: 'limit of memory' },
    to: 'failed',
    changes: failed(T0 + 5_000, 'resource_limit', 'limit of memory'),
    effects: liveTimersGo,
  },
  {
    arrow: 'live ADOPT',
    from: 'live',
    event: EVENTS.ADOPT,
    to: 'live',
    changes: { fenceN: 2, owner: { workerId: 'w-2', fence: { n: 2, claimId: 'claim-2' } } },
    effects: [],
  },
  {
    arrow: 'live DOWNLOADS_CUT',
    from: 'live',
    event: EVENTS.DOWNLOADS_CUT,
    to: 'live',
    changes: {},
    effects: [],
  },
  {
    arrow: 'live CONTEXT_SAVE',
    from: 'live',
    event: EVENTS.CONTEXT_SAVE,
    to: 'live',
    changes: { lastSave: EVENTS.CONTEXT_SAVE.save },
    effects: [],
  },
  {
    arrow: 'live UPLOADS_CUT',
    from: 'live',
    event: EVENTS.UPLOADS_CUT,
    to: 'live',
    changes: {},
    effects: [],
  },
  {
    arrow: 'live UPDATE changeIsPossible',
    from: 'live',
    event: EVENTS.UPDATE,
    to: 'live',
    changes: {
      ...changed,
      deadlines: {
        session: T0 + 600_300,
        idle: T0 + 96_500,
        connect: CONNECT_END,
        disconnect: DISCONNECT_END,
      },
    },
    effects: [
      cancel('idle', IDLE_END),
      arm('idle', T0 + 96_500),
      cancel('session', SESSION_END),
      arm('session', T0 + 600_300),
    ],
  },
  {
    arrow: 'live UPDATE changeIsPossible',
    from: 'live',
    event: { ...EVENTS.UPDATE, change: { idleTimeoutMs: null } },
    to: 'live',
    changes: {
      limits: { ...LIMITS, idleTimeoutMs: null },
      deadlines: { session: SESSION_END, connect: CONNECT_END, disconnect: DISCONNECT_END },
    },
    effects: [cancel('idle', IDLE_END)],
  },
  {
    arrow: 'live UPDATE changeIsPossible',
    from: 'live',
    event: { ...EVENTS.UPDATE, change: { labels: { env: 'prod' }, name: null } },
    to: 'live',
    changes: { name: null, labels: { team: 'search', env: 'prod' } },
    effects: [],
  },
  {
    arrow: 'live WORKER_LOST',
    from: 'live',
    event: EVENTS.WORKER_LOST,
    to: 'failed',
    changes: failed(T0 + 20_000, 'worker_lost', LOST),
    effects: liveTimersGo,
  },
  {
    arrow: 'live TIMEOUT isDue(session)',
    from: 'live',
    event: timeout('session', SESSION_END),
    to: 'timed_out',
    changes: ended(SESSION_END, 'session_timeout'),
    effects: liveTimersGo,
  },
  {
    arrow: 'live TIMEOUT isDue(idle)',
    from: 'live',
    event: timeout('idle', IDLE_END),
    to: 'timed_out',
    changes: ended(IDLE_END, 'idle_timeout'),
    effects: liveTimersGo,
  },
  {
    arrow: 'live TIMEOUT isDue(connect)',
    from: 'live',
    event: timeout('connect', CONNECT_END),
    to: 'timed_out',
    changes: ended(CONNECT_END, 'connect_timeout'),
    effects: liveTimersGo,
  },
  {
    arrow: 'live TIMEOUT isDue(disconnect)',
    from: 'live',
    event: timeout('disconnect', DISCONNECT_END),
    to: 'released',
    changes: ended(DISCONNECT_END, 'client_disconnected'),
    effects: liveTimersGo,
  },
];

/** Every arrow of the topology, named like {@link Row.arrow}. */
function arrowsOf(node: DirectedGraphNode): string[] {
  const own = node.edges.map(({ source, label, transition }) =>
    [source.key, label.text, transition.guard === undefined ? '' : labelOf(transition.guard)]
      .join(' ')
      .trimEnd(),
  );
  return [...own, ...node.children.flatMap(arrowsOf)];
}

describe('the arrows of the session machine', () => {
  it.each(rows)('$arrow: $from → $to ($event.type)', ({ from, event, to, changes, effects }) => {
    const before = SAMPLES[from];
    const after = step(before, event);
    expect(after.accepted).toBe(true);
    expect(leafOf(after.snapshot)).toBe(to);
    expect(after.snapshot.context).toEqual({ ...before.context, ...changes });
    expect(after.effects).toEqual(effects);
  });

  it('are all here, and none that does not exist', () => {
    expect([...new Set(rows.map(row => row.arrow))].sort()).toEqual(
      arrowsOf(toDirectedGraph(sessionMachine)).sort(),
    );
  });
});
