import { z } from 'zod';

/** Lower ids are those of the system; the highest two mean something else to the kernel. */
const MIN_UID = 1_000;
const MAX_UID = 2 ** 32 - 3;

/** A whole number in decimal digits. */
export const integer = (min: number, max: number): z.ZodType<number, string> =>
  z.string().regex(/^\d+$/, 'must be a whole number').transform(Number).pipe(z.number().min(min).max(max));

/** Where to listen or to connect. */
export const hostPort = z.string().regex(/^.+:\d{1,5}$/, 'must be host:port');

/** A range of user ids for browsers. */
export const uids = z
  .string()
  .regex(/^\d{1,10}-\d{1,10}$/, 'must be two user ids, first-last')
  .transform(text => {
    const [first = 0, last = 0] = text.split('-').map(Number);
    return { first, last };
  })
  .refine(({ first, last }) => first >= MIN_UID && first <= last && last <= MAX_UID, {
    message: `must be user ids from ${MIN_UID} to ${MAX_UID}, the first not above the last`,
  });

/** Paths as in PATH. */
export const paths = z
  .string()
  .transform(text => text.split(':').filter(path => path !== ''))
  .refine(found => found.every(path => path.startsWith('/') && path !== '/'), {
    message: 'must be absolute paths with ":" between them, and not the whole machine',
  });

/** On or off. */
export const flag = z.enum(['0', '1', 'true', 'false']).transform(value => value === '1' || value === 'true');
