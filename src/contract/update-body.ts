import { z } from 'zod';
import { LABELS_MAX } from '../../machines/session/session.changes';
import type { UpdateRequest } from '../commands/update-session';
import { checkFields, type FieldPlace } from '../core/check-fields';
import { ServiceError } from '../core/errors';
import { sessionName } from './names';
import { duration, labelChange, TIMEOUT_MIN_MS, type TimeoutPolicy } from './schemas';

/* Strict: with a misspelt time-out the session would end at the old time. */
const updateBody = ({ timeoutMaxMs }: TimeoutPolicy) =>
  z
    .strictObject({
      timeout: duration(timeoutMaxMs)
        .exactOptional()
        .describe('How long the session may be live in total, counted from `liveAt`, in milliseconds.'),
      expiresAt: z.iso
        .datetime({ offset: true, error: 'must be a time such as 2030-01-31T12:00:00Z' })
        .transform(text => Date.parse(text))
        .exactOptional()
        .describe('When the session times out, instead of `timeout`. Only for a live session.'),
      idleTimeout: duration(timeoutMaxMs)
        .nullable()
        .exactOptional()
        .describe('The new idle time-out in milliseconds, counted from now. Null removes it.'),
      labels: labelChange
        .exactOptional()
        .describe(
          `Merged into the labels of the session; null removes a label. The session may have up to ${LABELS_MAX}.`,
        ),
      name: sessionName.exactOptional().describe('A display name. Null removes it.'),
    })
    .refine(given => Object.keys(given).length > 0, {
      message: 'must change at least one field',
      // If the only field is misspelt, only that is reported.
      when: ({ issues }) => issues.length === 0,
    })
    .refine(
      given => given.timeout === undefined || given.expiresAt === undefined,
      'timeout and expiresAt exclude each other',
    );

/** The body of `PATCH /v1/sessions/{id}`, for the OpenAPI document. */
export const updateBodySchema = (policy: TimeoutPolicy): z.ZodType => updateBody(policy);

/** The change that a body asks for. */
export type RequestedUpdate = Pick<UpdateRequest, 'change' | 'expiresAtMs' | 'timeoutLimitsMs'>;

/**
 * The body of `PATCH /v1/sessions/{id}` → the change.
 *
 * @throws ServiceError `invalid_request`, naming every field.
 */
export function parseUpdateBody(
  body: unknown,
  policy: TimeoutPolicy,
  place: FieldPlace = {},
): RequestedUpdate {
  const { timeout, expiresAt, idleTimeout, labels, name } = checkFields(updateBody(policy), body, place);
  return {
    change: {
      ...(name === undefined ? {} : { name }),
      ...(labels === undefined ? {} : { labels }),
      ...(timeout === undefined ? {} : { timeoutMs: timeout }),
      ...(idleTimeout === undefined ? {} : { idleTimeoutMs: idleTimeout }),
    },
    expiresAtMs: expiresAt ?? null,
    timeoutLimitsMs: { min: TIMEOUT_MIN_MS, max: policy.timeoutMaxMs },
  };
}

const ENTITY_TAG = /^"([\x21\x23-\x7e]*)"$/;

/**
 * The `If-Match` header: one strong entity tag, or `*`.
 *
 * @returns the revision it names; null without one and for `*`; 0, which is never a revision, for a tag that this
 *   service did not make
 * @throws ServiceError `malformed_request` for a weak tag, a list, or anything else (RFC 9110, 13.1.1 demands strong
 *   comparison).
 */
export function parseIfMatch(header: string | undefined): number | null {
  if (header === undefined || header.trim() === '*') return null;
  const [, tag] = ENTITY_TAG.exec(header.trim()) ?? [];
  if (tag !== undefined) return /^[1-9]\d{0,14}$/.test(tag) ? Number(tag) : 0;
  const message = 'must be an ETag, such as "3", or *; weak tags and lists are not supported';
  throw new ServiceError('malformed_request', `If-Match: ${message}`, {
    fields: [{ pointer: 'header/If-Match', message }],
  });
}
