import { and } from 'xstate';
import { base, type Topology } from './session.setup';
import type { EndReason, SessionStatus, TimerKind } from './session.words';
import { createContext } from './session.updates';

const NO_SLOT = 'no worker had a free slot in time';
const NOT_STARTED = 'the browser did not start in time';
const LEASE_LAPSED = 'the worker that owned the browser stopped renewing its lease';

const isDue = (kind: TimerKind) => ({ type: 'isDue', params: { kind } }) as const;
const end = (reason: EndReason, message?: string) => ({ type: 'end', params: { reason, message } }) as const;

const launchFails = [
  { guard: 'hasAttemptsLeft', target: 'queued', actions: 'requeue' },
  { target: '#session.failed', actions: 'endLaunchFailed' },
] as const;

const nobodyIsLeft = {
  guard: isDue('disconnect'),
  target: '#session.released',
  actions: end('client_disconnected'),
} as const;

/*
 * The topology: states, events, and the names of guards and updates. Read with session.guards.ts and session.updates.ts
 * beside it. Deadlines are data in the context, not `after`: XState forgets an `after` over a restart, the row does
 * not. Effects are derived from the context, see session.effects.ts.
 */
const topology = {
  id: 'session',
  context: ({ input }) => createContext(input),
  initial: 'created',
  states: {
    created: {
      initial: 'queued',
      on: {
        RELEASE: { target: 'released', actions: 'endReleased' },
        UPDATE: { guard: 'changeIsPossible', actions: 'update' },
        TIMEOUT: nobodyIsLeft,
      },
      states: {
        queued: {
          on: {
            CLAIM: { guard: 'queueTimeIsLeft', target: 'launching', actions: 'claim' },
            TIMEOUT: {
              guard: isDue('queue'),
              target: '#session.failed',
              actions: end('queue_timeout', NO_SLOT),
            },
          },
        },
        launching: {
          on: {
            BROWSER_READY: { target: '#session.live', actions: 'goLive' },
            LAUNCH_FAILED: launchFails,
            MOUNT_FAILED: { target: '#session.failed', actions: 'endMountFailed' },
            BROWSER_GONE: launchFails,
            WORKER_LOST: [
              { guard: 'hasAttemptsLeft', target: 'queued', actions: 'requeue' },
              { target: '#session.failed', actions: end('worker_lost', LEASE_LAPSED) },
            ],
            TIMEOUT: [
              { guard: and([isDue('launch'), 'hasAttemptsLeft']), target: 'queued', actions: 'requeue' },
              {
                guard: isDue('launch'),
                target: '#session.failed',
                actions: end('launch_failed', NOT_STARTED),
              },
            ],
          },
        },
      },
    },
    live: {
      on: {
        RELEASE: { target: 'released', actions: 'endReleased' },
        BROWSER_GONE: [
          { guard: 'clientClosedBrowser', target: 'released', actions: end('client_closed_browser') },
          { target: 'failed', actions: 'endBrowserGone' },
        ],
        ADOPT: { actions: 'adopt' },
        UPDATE: { guard: 'changeIsPossible', actions: 'update' },
        DOWNLOADS_CUT: { actions: 'noChange' },
        CONTEXT_SAVE: { actions: 'recordSave' },
        UPLOADS_CUT: { actions: 'noChange' },
        WORKER_LOST: { target: 'failed', actions: end('worker_lost', LEASE_LAPSED) },
        TIMEOUT: [
          { guard: isDue('session'), target: 'timed_out', actions: end('session_timeout') },
          { guard: isDue('idle'), target: 'timed_out', actions: end('idle_timeout') },
          { guard: isDue('connect'), target: 'timed_out', actions: end('connect_timeout') },
          nobodyIsLeft,
        ],
      },
    },
    released: { type: 'final' },
    failed: { type: 'final' },
    timed_out: { type: 'final' },
  },
} as const satisfies Topology & { readonly states: Readonly<Record<SessionStatus, unknown>> };

/** The session machine. */
export const sessionMachine = base.createMachine(topology);
