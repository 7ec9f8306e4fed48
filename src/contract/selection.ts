import { STATUSES } from '../../machines/session/session.words';
import { z } from 'zod';
import type { Selection } from '../store/session-index';
import { parseLabelSelector } from './labels';

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

const labelSelector = z
  .string()
  .transform((text, context) => {
    const parsed = parseLabelSelector(text);
    if (parsed.requirements !== null) return parsed.requirements;
    context.addIssue({ code: 'custom', message: parsed.problem });
    return z.NEVER;
  })
  .optional()
  .describe(
    'As in Kubernetes: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`. A session must ' +
      'match all terms. Empty selectors and terms are refused.',
  );

const moment = (what: string) =>
  z.iso
    .datetime({ offset: true, error: 'must be a time such as 2030-01-31T12:00:00Z' })
    .transform(text => Date.parse(text))
    .optional()
    .describe(`Only sessions created ${what} this time, exclusive. ISO 8601 with a time zone.`);

/** The filters of list and bulk release, as members of an object schema. */
export const selectionFields = {
  status,
  labelSelector,
  createdAfter: moment('after'),
  createdBefore: moment('before'),
};

/** Filters → selection. */
export function selectionOf(given: z.output<z.ZodObject<typeof selectionFields>>): Selection {
  return {
    statuses: given.status ?? [],
    labels: given.labelSelector ?? [],
    createdAfterMs: given.createdAfter ?? null,
    createdBeforeMs: given.createdBefore ?? null,
  };
}
