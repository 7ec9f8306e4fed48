import type { Activity } from './session.deadlines';
import type { ContextSave, Endpoint, Fence } from './session.types';
import type { TimerKind, BrowserGoneCause, ReleaseReason } from './session.words';

/**
 * Every event a session accepts. Clock readings, ids and fences travel inside the event, so that any history
 * replays to the same state. `nowMs` is Redis `TIME` as the load script returned it.
 */
export type MachineEvent =
  | ClaimEvent
  | BrowserReadyEvent
  | LaunchFailedEvent
  | MountFailedEvent
  | BrowserGoneEvent
  | AdoptEvent
  | WorkerLostEvent
  | UpdateEvent
  | DownloadsCutEvent
  | ContextSaveEvent
  | UploadsCutEvent
  | ReleaseEvent
  | TimeoutEvent;

/** Sent by a worker that took the launch job: it becomes the owner. */
export interface ClaimEvent {
  readonly type: 'CLAIM';
  readonly nowMs: number;
  readonly workerId: string;
  readonly claimId: string;
}

/** Sent by the owner: the browser answers, its first page is open. */
export interface BrowserReadyEvent {
  readonly type: 'BROWSER_READY';
  readonly nowMs: number;
  readonly endpoint: Endpoint;
  /** The version of its context that it started with. Left out without a context, and by versions before it. */
  readonly mountedVersion?: number;
}

/** Sent by the owner: this attempt produced no browser. */
export interface LaunchFailedEvent {
  readonly type: 'LAUNCH_FAILED';
  readonly nowMs: number;
  readonly message: string;
}

/** Sent by the owner: the context of the session cannot be mounted, and no further attempt would change that. */
export interface MountFailedEvent {
  readonly type: 'MOUNT_FAILED';
  readonly nowMs: number;
  readonly message: string;
}

/** Sent by the owner: the browser process has exited or cannot be used any more. */
export interface BrowserGoneEvent {
  readonly type: 'BROWSER_GONE';
  readonly nowMs: number;
  readonly cause: BrowserGoneCause;
  readonly message: string;
}

/** Sent by the worker that takes over from one that died: the browser is alive, and this worker owns it now. */
export interface AdoptEvent {
  readonly type: 'ADOPT';
  readonly nowMs: number;
  readonly workerId: string;
  readonly claimId: string;
}

/** Sent by the reaper: the owner's lease has lapsed. */
export interface WorkerLostEvent {
  readonly type: 'WORKER_LOST';
  readonly nowMs: number;
  /** The fence of the lost worker; the commit is refused if another worker has adopted the session meanwhile. */
  readonly fence: Fence;
}

/** What a client changes about an open session; what is left out stays as it is. */
export interface SessionChange {
  readonly name?: string | null;
  /** Merged into the labels there are; null removes one. */
  readonly labels?: Readonly<Record<string, string | null>>;
  /** Total duration, counted from live: extends or shortens the session. */
  readonly timeoutMs?: number;
  /** Counted anew from this event on; null ends the idle time-out. */
  readonly idleTimeoutMs?: number | null;
}

/** Sent by clients: the session continues with other limits or labels. */
export interface UpdateEvent {
  readonly type: 'UPDATE';
  readonly nowMs: number;
  readonly change: SessionChange;
}

/** Sent by the owner: the download quota is used up, and downloads beyond it were cut off. The session continues. */
export interface DownloadsCutEvent {
  readonly type: 'DOWNLOADS_CUT';
  readonly nowMs: number;
}

/** Sent by the owner: a save of the context while the session is live has ended, with a version or without one. */
export interface ContextSaveEvent {
  readonly type: 'CONTEXT_SAVE';
  readonly nowMs: number;
  readonly save: ContextSave;
}

/** Sent by the owner: the upload quota is used up, and an upload beyond it was cut off. The session continues. */
export interface UploadsCutEvent {
  readonly type: 'UPLOADS_CUT';
  readonly nowMs: number;
}

/** Sent by clients, bulk release, the gateway or a draining worker. */
export interface ReleaseEvent {
  readonly type: 'RELEASE';
  readonly nowMs: number;
  readonly reason: ReleaseReason;
}

/** Sent by any layer of timers; obeyed only if the row still holds that deadline and it has passed (I8). */
export interface TimeoutEvent {
  readonly type: 'TIMEOUT';
  readonly nowMs: number;
  readonly kind: TimerKind;
  readonly deadlineMs: number;
  /** As of `nowMs`; the commit refuses the step if a client has done something since. */
  readonly activity: Activity;
}

/** The name of an event in histories and notices. */
export const eventName = ({ type }: MachineEvent): string => type.toLowerCase();

/** Every event type, for the table of decisions (docs/session-machine.md). */
export const SESSION_EVENT_TYPES: readonly MachineEvent['type'][] = [
  'CLAIM',
  'BROWSER_READY',
  'LAUNCH_FAILED',
  'MOUNT_FAILED',
  'BROWSER_GONE',
  'ADOPT',
  'WORKER_LOST',
  'UPDATE',
  'DOWNLOADS_CUT',
  'CONTEXT_SAVE',
  'UPLOADS_CUT',
  'RELEASE',
  'TIMEOUT',
];
