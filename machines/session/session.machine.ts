import { base } from './session.setup';
import { createContext } from './session.updates';

/**
 * The topology: states, events, and the names of guards and updates. Read with session.guards.ts and
 * session.updates.ts beside it. Deadlines are data in the context, not `after`: XState forgets an `after` over a
 * restart, the row does not. What the shell has to do follows from the context, see session.effects.ts.
 */
export const sessionMachine = base.createMachine({
  id: 'session',
  context: ({ input }) => createContext(input),
  initial: 'created',
  states: {
    created: {
      initial: 'queued',
      on: {
        RELEASE: { target: 'released', actions: 'endReleased' },
        UPDATE: { guard: 'changeIsPossible', actions: 'update' },
      },
      states: {
        queued: {
          on: {
            CLAIM: { guard: 'queueTimeIsLeft', target: 'launching', actions: 'claim' },
            TIMEOUT: { guard: 'queueTimeoutIsDue', target: '#session.failed', actions: 'endQueueTimeout' },
          },
        },
        launching: {
          on: {
            BROWSER_READY: { target: '#session.live', actions: 'goLive' },
            LAUNCH_FAILED: [
              { guard: 'hasAttemptsLeft', target: 'queued', actions: 'requeue' },
              { target: '#session.failed', actions: 'endLaunchFailed' },
            ],
            BROWSER_GONE: [
              { guard: 'hasAttemptsLeft', target: 'queued', actions: 'requeue' },
              { target: '#session.failed', actions: 'endLaunchFailed' },
            ],
            WORKER_LOST: [
              { guard: 'hasAttemptsLeft', target: 'queued', actions: 'requeue' },
              { target: '#session.failed', actions: 'endWorkerLost' },
            ],
            TIMEOUT: [
              { guard: 'launchTimeoutIsDueAndAttemptsLeft', target: 'queued', actions: 'requeue' },
              { guard: 'launchTimeoutIsDue', target: '#session.failed', actions: 'endLaunchFailed' },
            ],
          },
        },
      },
    },
    live: {
      on: {
        RELEASE: { target: 'released', actions: 'endReleased' },
        BROWSER_GONE: [
          { guard: 'clientClosedBrowser', target: 'released', actions: 'endClosedByClient' },
          { target: 'failed', actions: 'endBrowserGone' },
        ],
        ADOPT: { actions: 'adopt' },
        UPDATE: { guard: 'changeIsPossible', actions: 'update' },
        DOWNLOADS_CUT: { actions: 'goOn' },
        WORKER_LOST: { target: 'failed', actions: 'endWorkerLost' },
        TIMEOUT: [
          { guard: 'sessionTimeoutIsDue', target: 'timed_out', actions: 'endSessionTimeout' },
          { guard: 'idleTimeoutIsDue', target: 'timed_out', actions: 'endIdleTimeout' },
          { guard: 'connectTimeoutIsDue', target: 'timed_out', actions: 'endConnectTimeout' },
        ],
      },
    },
    released: { type: 'final' },
    failed: { type: 'final' },
    timed_out: { type: 'final' },
  },
});
