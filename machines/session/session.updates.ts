import { applyChange } from './session.changes';
import type { SessionEvent } from './session.events';
import type { Args } from './session.guards';
import {
  LAUNCH_TIMEOUT_MS,
  type Deadlines,
  type EndReason,
  type SessionContext,
  type SessionInput,
} from './session.types';

type Update = (args: Args) => Partial<SessionContext>;

/** The context of a session that was just accepted. Pure: the factory of a machine runs more often than it starts. */
export function createContext(input: SessionInput): SessionContext {
  const { nowMs, ...given } = input;
  return {
    ...given,
    createdAtMs: nowMs,
    liveAtMs: null,
    endedAtMs: null,
    deadlines: { queue: nowMs + input.limits.queueTimeoutMs },
    launchAttempts: 0,
    fenceN: 0,
    owner: null,
    endpoint: null,
    endReason: null,
    error: null,
  };
}

/** Narrows the event an update was written for; the topology makes any other type impossible. */
function on<T extends SessionEvent['type']>(
  event: SessionEvent,
  ...types: T[]
): Extract<SessionEvent, { type: T }> {
  if (!types.some(type => type === event.type)) throw new Error(`update used on ${event.type}`);
  // SAFETY: the line above has checked the discriminant.
  return event as Extract<SessionEvent, { type: T }>;
}

function ended({ context, event }: Args, endReason: EndReason, message?: string): Partial<SessionContext> {
  return {
    endedAtMs: event.nowMs,
    endReason,
    deadlines: {},
    sealed: null,
    error: message === undefined ? null : { code: endReason, message },
    // The owner stays in the row: it says which worker the browser was on and whom the close order goes to.
    owner: context.owner,
  };
}

/** Context changes, by the names the topology uses. */
export const updates = {
  claim: ({ context, event }) => {
    const { workerId, claimId, nowMs } = on(event, 'CLAIM');
    const n = context.fenceN + 1;
    return {
      launchAttempts: context.launchAttempts + 1,
      fenceN: n,
      owner: { workerId, fence: { n, claimId } },
      deadlines: { launch: nowMs + LAUNCH_TIMEOUT_MS },
    };
  },

  requeue: ({ context, event }) => ({
    owner: null,
    deadlines: { queue: event.nowMs + context.limits.queueTimeoutMs },
  }),

  goLive: ({ context, event }) => {
    const { nowMs, endpoint } = on(event, 'BROWSER_READY');
    const { timeoutMs, idleTimeoutMs, connectTimeoutMs } = context.limits;
    const deadlines: Deadlines = {
      session: nowMs + timeoutMs,
      ...(idleTimeoutMs === null ? {} : { idle: nowMs + idleTimeoutMs }),
      ...(connectTimeoutMs === null ? {} : { connect: nowMs + connectTimeoutMs }),
    };
    return { liveAtMs: nowMs, endpoint, deadlines, sealed: null };
  },

  adopt: ({ context, event }) => {
    const { workerId, claimId } = on(event, 'ADOPT');
    const n = context.fenceN + 1;
    return { fenceN: n, owner: { workerId, fence: { n, claimId } } };
  },

  /* Told for the history alone. */
  goOn: () => ({}),

  update: ({ context, event }) => applyChange(context, on(event, 'UPDATE')),

  endReleased: args => ended(args, on(args.event, 'RELEASE').reason),
  endClosedByClient: args => ended(args, 'client_closed_browser'),
  endBrowserGone: args => {
    const { cause, message } = on(args.event, 'BROWSER_GONE');
    return ended(args, cause, message);
  },
  endLaunchFailed: args => {
    const { event } = args;
    return ended(
      args,
      'launch_failed',
      'message' in event ? event.message : 'the browser did not start in time',
    );
  },
  endWorkerLost: args =>
    ended(args, 'worker_lost', 'the worker that owned the browser stopped renewing its lease'),
  endQueueTimeout: args => ended(args, 'queue_timeout', 'no worker had a free slot in time'),
  endSessionTimeout: args => ended(args, 'session_timeout'),
  endIdleTimeout: args => ended(args, 'idle_timeout'),
  endConnectTimeout: args => ended(args, 'connect_timeout'),
} satisfies Record<string, Update>;
