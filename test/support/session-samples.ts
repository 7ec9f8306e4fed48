import { NO_ACTIVITY } from '../../machines/session/session.deadlines';
import type { MachineEvent } from '../../machines/session/session.events';
import type {
  BrowserOptions,
  Endpoint,
  SessionInput,
  SessionLimits,
  SessionSnapshot,
} from '../../machines/session/session.types';
import { firstStep, step } from '../../machines/step';

/*
 * Sessions in every state, made by the machine itself and equal on every run; tests and golden files start from these.
 */

/** When sample sessions are created, epoch milliseconds. */
export const T0 = 1_700_000_000_000;

/** Every limit set, so that every deadline exists. */
export const LIMITS: SessionLimits = {
  timeoutMs: 300_000,
  idleTimeoutMs: 60_000,
  queueTimeoutMs: 60_000,
  connectTimeoutMs: 45_000,
  disconnectTimeoutMs: 50_000,
  sleepAfterMs: 60_000,
};

/** Every option set, so that every field has a value. */
export const OPTIONS: BrowserOptions = {
  browser: 'chromium',
  headless: true,
  dimensions: { width: 390, height: 844 },
  deviceScaleFactor: 3,
  userAgent: 'Sample/1.0',
  locale: 'de-DE',
  timezone: 'Europe/Berlin',
  egress: { allow: ['*.example.com:443'], deny: ['10.0.0.0/8'] },
  proxyServer: 'http://proxy.example:3128',
};

/** The input that a sample session is created from. */
export const INPUT: SessionInput = {
  tenant: 'default',
  id: '018bcfe5-6800-7000-8000-000000000001',
  name: 'sample',
  labels: { team: 'search' },
  limits: LIMITS,
  options: OPTIONS,
  sealed: 'sealed by its creator',
  contextUse: { contextId: 'ctx_018bcfe568007000', persist: true, onConflict: 'keep', saveEveryMs: 60_000 },
  nowMs: T0,
};

/** The endpoint of a sample browser. */
export const ENDPOINT: Endpoint = {
  port: 40_001,
  path: '/devtools/browser/00000000-0000-4000-8000-000000000001',
  bootId: '00000000-0000-4000-8000-00000000b007',
  netns: 'net:[4026531840]',
  gateway: null,
  gatewaySocket: null,
};

/** One event of every type, as it occurs; the deadline is that of `session` in {@link SAMPLES}.live. */
export const EVENTS: { readonly [T in MachineEvent['type']]: Extract<MachineEvent, { type: T }> } = {
  CLAIM: { type: 'CLAIM', nowMs: T0 + 100, workerId: 'w-1', claimId: 'claim-1' },
  BROWSER_READY: { type: 'BROWSER_READY', nowMs: T0 + 300, endpoint: ENDPOINT, mountedVersion: 3 },
  LAUNCH_FAILED: { type: 'LAUNCH_FAILED', nowMs: T0 + 300, message: 'no display' },
  MOUNT_FAILED: { type: 'MOUNT_FAILED', nowMs: T0 + 200, message: 'version 3 of the context is damaged' },
  BROWSER_GONE: {
    type: 'BROWSER_GONE',
    nowMs: T0 + 5_000,
    cause: 'browser_crashed',
    message: 'exit status 133',
  },
  ADOPT: { type: 'ADOPT', nowMs: T0 + 6_000, workerId: 'w-2', claimId: 'claim-2' },
  WORKER_LOST: { type: 'WORKER_LOST', nowMs: T0 + 20_000, fence: { n: 1, claimId: 'claim-1' } },
  UPDATE: {
    type: 'UPDATE',
    nowMs: T0 + 6_500,
    change: {
      name: 'renamed',
      labels: { team: null, env: 'prod' },
      timeoutMs: 600_000,
      idleTimeoutMs: 90_000,
    },
  },
  DOWNLOADS_CUT: { type: 'DOWNLOADS_CUT', nowMs: T0 + 6_800 },
  CONTEXT_SAVE: {
    type: 'CONTEXT_SAVE',
    nowMs: T0 + 6_900,
    save: { saveId: 7, atMs: T0 + 6_900, version: 4, isCurrent: true, problem: null },
  },
  UPLOADS_CUT: { type: 'UPLOADS_CUT', nowMs: T0 + 6_900 },
  RELEASE: { type: 'RELEASE', nowMs: T0 + 7_000, reason: 'released_by_client' },
  TIMEOUT: {
    type: 'TIMEOUT',
    nowMs: T0 + 300_300,
    kind: 'session',
    deadlineMs: T0 + 300_300,
    activity: NO_ACTIVITY,
  },
};

/** Offers events one after the other; throws if one is not accepted. */
export function walk(from: SessionSnapshot, ...events: MachineEvent[]): SessionSnapshot {
  return events.reduce((snapshot, event) => {
    const taken = step(snapshot, event);
    if (!taken.accepted)
      throw new Error(`${event.type} was not accepted in ${JSON.stringify(snapshot.value)}`);
    return taken.snapshot;
  }, from);
}

const queued = firstStep(INPUT).snapshot;
const launching = walk(queued, EVENTS.CLAIM);
const requeued = walk(launching, EVENTS.LAUNCH_FAILED);
const relaunching = walk(requeued, { ...EVENTS.CLAIM, nowMs: T0 + 400, workerId: 'w-3', claimId: 'claim-3' });
const live = walk(launching, EVENTS.BROWSER_READY);

/** Sessions by their state; `requeued` and `relaunching` are on their second attempt. */
export const SAMPLES = {
  queued,
  launching,
  requeued,
  relaunching,
  live,
  released: walk(live, EVENTS.RELEASE),
  failed: walk(live, EVENTS.BROWSER_GONE),
  timed_out: walk(live, EVENTS.TIMEOUT),
} as const satisfies Record<string, SessionSnapshot>;

/** The name of a sample. */
export type SampleName = keyof typeof SAMPLES;

/** The name of the innermost state in tables and diagrams. */
export function leafOf({ value }: SessionSnapshot): string {
  return typeof value === 'string' ? value : value.created;
}
