import { STATUSES } from '../../machines/session/session.words';
import { z } from 'zod';
import type { Selection } from '../store/session-index';
import { parseLabelSelector } from './labels';

/** What is listed. */
type Listed = 'session' | 'context';

const status = z
  .string()
  .transform((text, context) => {
    const named = text.split(',').map(word => word.trim());
    const known = STATUSES.filter(word => named.includes(word));
    if (named.every(word => STATUSES.some(other => other === word))) return known;
    context.addIssue({
      code: 'custom',
      message: `must be one or more of ${STATUSES.join(', ')}, separated by commas`,
    });
    return z.NEVER;
  })
  .optional()
  .describe(`One or more of ${STATUSES.map(word => `\`${word}\``).join(', ')}, separated by commas.`);

const labelSelector = (what: Listed) =>
  z
    .string()
    .transform((text, context) => {
      const parsed = parseLabelSelector(text);
      if (parsed.requirements !== null) return parsed.requirements;
      context.addIssue({ code: 'custom', message: parsed.problem });
      return z.NEVER;
    })
    .optional()
    .describe(
      'As in Kubernetes: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`. ' +
        `A ${what} must match all terms. Empty selectors and terms are refused.`,
    );

const moment = (what: Listed, when: 'after' | 'before') =>
  z.iso
    .datetime({ offset: true, error: 'must be a time such as 2030-01-31T12:00:00Z' })
    .transform(text => Date.parse(text))
    .optional()
    .describe(`Only ${what}s created ${when} this time, exclusive. ISO 8601 with a time zone.`);

/** The members of {@link filterFields}. */
interface FilterFields {
  readonly labelSelector: ReturnType<typeof labelSelector>;
  readonly createdAfter: ReturnType<typeof moment>;
  readonly createdBefore: ReturnType<typeof moment>;
}

/** The filters of everything that has labels, as members of an object schema. */
export const filterFields = (what: Listed): FilterFields => ({
  labelSelector: labelSelector(what),
  createdAfter: moment(what, 'after'),
  createdBefore: moment(what, 'before'),
});

/** The filters of list and bulk release of sessions, as members of an object schema. */
export const selectionFields = { status, ...filterFields('session') };

/** Filters → selection. */
export function selectionOf(given: z.output<z.ZodObject<typeof selectionFields>>): Selection {
  return {
    statuses: given.status ?? [],
    labels: given.labelSelector ?? [],
    createdAfterMs: given.createdAfter ?? null,
    createdBeforeMs: given.createdBefore ?? null,
  };
}
