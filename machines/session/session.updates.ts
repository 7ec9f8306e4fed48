import { assertEvent, assign } from 'xstate';
import { applyChange } from './session.changes';
import type { AdoptEvent, ClaimEvent, MachineEvent } from './session.events';
import type { Args } from './session.guards';
import { LAUNCH_TIMEOUT_MS, type Deadlines, type SessionContext, type SessionInput } from './session.types';
import type { EndReason } from './session.words';

/* Types a context change together with its parameters from the topology; at run time it returns the function itself. */
const change = <Params = undefined>(update: (args: Args, params: Params) => Partial<SessionContext>) =>
  assign<SessionContext, MachineEvent, Params, MachineEvent, never>(update);

/* Made once: the stack of an error costs as much as a step. */
const NO_INPUT = new Error('a session is created from its input');

/**
 * The context of a session that was just accepted. Pure: XState calls the factory of a machine for each step as well,
 * without an input, for an actor that nobody uses.
 *
 * @throws the same error every time if there is no input.
 */
export function createContext(input: SessionInput | undefined): SessionContext {
  if (input === undefined) throw NO_INPUT;
  const { nowMs, ...given } = input;
  const { queueTimeoutMs, disconnectTimeoutMs } = input.limits;
  return {
    ...given,
    createdAtMs: nowMs,
    liveAtMs: null,
    endedAtMs: null,
    deadlines: {
      queue: nowMs + queueTimeoutMs,
      ...(disconnectTimeoutMs === null ? {} : { disconnect: nowMs + disconnectTimeoutMs }),
    },
    launchAttempts: 0,
    fenceN: 0,
    mountedVersion: null,
    lastSave: null,
    owner: null,
    endpoint: null,
    endReason: null,
    error: null,
  };
}

/** How a session ends: the reason and, for a failure, the message. */
interface End {
  readonly reason: EndReason;
  readonly message: string | undefined;
}

function ended({ context, event }: Args, { reason, message }: End): Partial<SessionContext> {
  return {
    endedAtMs: event.nowMs,
    endReason: reason,
    deadlines: {},
    sealed: null,
    error: message === undefined ? null : { code: reason, message },
    // The owner stays in the row: it names the worker that ran the browser and gets the close order.
    owner: context.owner,
  };
}

/** Context changes, by the names the topology uses. Each asserts the event it was written for. */
export const updates = {
  claim: change(({ context, event }) => {
    assertEvent(event, 'CLAIM');
    return {
      launchAttempts: context.launchAttempts + 1,
      ...ownedBy(event, context),
      deadlines: { ...lasting(context), launch: event.nowMs + LAUNCH_TIMEOUT_MS },
    };
  }),

  requeue: change(({ context, event }) => ({
    owner: null,
    deadlines: { ...lasting(context), queue: event.nowMs + context.limits.queueTimeoutMs },
  })),

  goLive: change(({ context, event }) => {
    assertEvent(event, 'BROWSER_READY');
    const { nowMs, endpoint } = event;
    const { timeoutMs, idleTimeoutMs, connectTimeoutMs } = context.limits;
    const deadlines: Deadlines = {
      ...lasting(context),
      session: nowMs + timeoutMs,
      ...(idleTimeoutMs === null ? {} : { idle: nowMs + idleTimeoutMs }),
      ...(connectTimeoutMs === null ? {} : { connect: nowMs + connectTimeoutMs }),
    };
    const mountedVersion = event.mountedVersion ?? null;
    return { liveAtMs: nowMs, endpoint, deadlines, sealed: null, mountedVersion };
  }),

  adopt: change(({ context, event }) => {
    assertEvent(event, 'ADOPT');
    return ownedBy(event, context);
  }),

  /** Changes nothing in the context; the event is committed so that the history contains it. */
  noChange: change(() => ({})),

  recordSave: change(({ event }) => {
    assertEvent(event, 'CONTEXT_SAVE');
    return { lastSave: event.save };
  }),

  update: change(({ context, event }) => {
    assertEvent(event, 'UPDATE');
    return applyChange(context, event);
  }),

  /** Ends the session for a reason given in the topology. */
  end: change<End>(ended),

  /** Ends the session for the reason that the event carries. */
  endReleased: change(args => {
    assertEvent(args.event, 'RELEASE');
    return ended(args, { reason: args.event.reason, message: undefined });
  }),
  endBrowserGone: change(args => {
    assertEvent(args.event, 'BROWSER_GONE');
    const { cause, message } = args.event;
    return ended(args, { reason: cause, message });
  }),
  endMountFailed: change(args => {
    assertEvent(args.event, 'MOUNT_FAILED');
    return ended(args, { reason: 'context_failed', message: args.event.message });
  }),
  endLaunchFailed: change(args => {
    assertEvent(args.event, ['LAUNCH_FAILED', 'BROWSER_GONE']);
    return ended(args, { reason: 'launch_failed', message: args.event.message });
  }),
};

/* The deadline that no state arms anew. */
const lasting = ({ deadlines: { disconnect } }: SessionContext): Deadlines =>
  disconnect === undefined ? {} : { disconnect };

/* A new fence with every claim and adoption (I6). */
function ownedBy(
  { workerId, claimId }: ClaimEvent | AdoptEvent,
  { fenceN }: SessionContext,
): Pick<SessionContext, 'fenceN' | 'owner'> {
  const n = fenceN + 1;
  return { fenceN: n, owner: { workerId, fence: { n, claimId } } };
}
