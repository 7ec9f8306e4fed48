import { z } from 'zod';
import { TIMER_KINDS, RELEASE_REASONS } from '../../machines/session/session.words';
import { parseRef, type SessionRef } from '../core/ids';

/** A payload larger than this, as JSON, is not parsed. */
export const PAYLOAD_MAX_BYTES = 65_536;

const ref = z
  .string()
  .max(100)
  .refine(text => parseRef(text) !== null, 'is not a session reference')
  // SAFETY: the line above has just checked it.
  .transform(text => text as SessionRef);
const version = z.literal(1);
const opId = z.string().regex(/^[A-Za-z0-9_.:-]{1,128}$/);

/** Launch a browser for a session: taken by a worker with a free slot. */
export const launchPayload = z.object({ v: version, ref, attempt: z.int().min(1) });

/** A deadline may have passed. */
export const timerPayload = z.object({
  v: version,
  ref,
  kind: z.enum(TIMER_KINDS),
  deadlineMs: z.int().min(0),
});

/**
 * Continues an accepted job of another service with its session; null: the job must be accepted again to know the
 * session.
 */
export const acceptedPayload = z.object({ v: version, jobId: z.string(), ref: ref.nullable() });

/** A change from outside, or a probe that proves that the whole path works. `commandId` is the commit's opId. */
export const commandPayload = z.discriminatedUnion('command', [
  z.object({
    v: version,
    command: z.literal('release'),
    commandId: opId,
    ref,
    reason: z.enum(RELEASE_REASONS),
    actor: z.string().max(128),
  }),
  z.object({
    v: version,
    command: z.literal('update'),
    commandId: opId,
    ref,
    actor: z.string().max(128),
    /** Applied only to this revision; null: to any. */
    ifRevision: z.int().min(0).nullable(),
    /**
     * The session's revision when the command was sent, and the Redis `TIME` of sending. Older senders leave it out.
     */
    sent: z.object({ revision: z.int().min(0), atMs: z.int() }).exactOptional(),
    change: z.object({
      name: z.string().nullable().exactOptional(),
      labels: z.record(z.string(), z.string().nullable()).exactOptional(),
      timeoutMs: z.int().min(1).exactOptional(),
      idleTimeoutMs: z.int().min(1).nullable().exactOptional(),
    }),
  }),
  z.object({ v: version, command: z.literal('probe'), commandId: opId }),
]);

/** @see launchPayload */
export type LaunchPayload = z.output<typeof launchPayload>;
/** @see timerPayload */
export type TimerPayload = z.output<typeof timerPayload>;
/** @see acceptedPayload */
export type AcceptedPayload = z.output<typeof acceptedPayload>;
/** @see commandPayload */
export type CommandPayload = z.output<typeof commandPayload>;
/** A command that is about a session. */
export type SessionCommand = Exclude<CommandPayload, { command: 'probe' }>;
