import { z } from 'zod';
import { ServiceError, type FieldError } from './errors';
import { nearestWord } from '../config/nearest-word';

/** Where the checked value is in the request. */
export interface FieldPlace {
  /** The first segment of pointers, such as `query`; default: none, the value is the whole. */
  readonly root?: string;
  /** The name of the whole in messages; default: the body. */
  readonly whole?: string;
  /**
   * Names that are allowed beside those of the schema and are checked elsewhere; they are offered as corrections too.
   */
  readonly beside?: readonly string[];
}

/** At most so many wrong fields are named, and so much of each name, to keep the answer smaller than the request. */
const FIELDS_MAX = 50;
const NAME_SHOWN_MAX = 128;

/** @throws ServiceError `invalid_request`, naming every field. */
export function checkFields<S extends z.ZodType>(
  schema: S,
  value: unknown,
  place: FieldPlace = {},
): z.output<S> {
  const { root = '', whole = 'the body', beside = [] } = place;
  /* Keyed by the list of unknown keys, the one object that an issue and its finished form share. */
  const knownBeside = new Map<unknown, readonly string[]>();
  const parsed = schema.safeParse(value, {
    error: issue => {
      if (issue.code === 'unrecognized_keys' && issue.inst instanceof z.ZodObject) {
        const own = Object.keys(issue.inst.shape);
        knownBeside.set(issue.keys, (issue.path ?? []).length === 0 ? [...own, ...beside] : own);
      }
      return undefined;
    },
  });
  if (parsed.success) return parsed.data;
  // Only the fields that are shown are described: searching for the intended name costs more than the check itself.
  const wrong = parsed.error.issues.flatMap(issue => {
    const pointer = pointerTo(root, issue.path);
    return issue.code === 'unrecognized_keys'
      ? issue.keys.map(key => () => unknownField(key, knownBeside.get(issue.keys) ?? [], pointer))
      : [() => ({ pointer, message: messageOf(issue) })];
  });
  const shown = wrong.slice(0, FIELDS_MAX).map(describe => describe());
  throw invalidFields(shown, { whole, more: wrong.length - shown.length });
}

/**
 * The error for an unknown name.
 *
 * @param known - names that could have been meant
 * @param inside - pointer to the object that contains it
 */
export function unknownField(name: string, known: readonly string[], inside: string): FieldError {
  const meant = nearestWord(name, known);
  const hint = meant === null ? '' : `; did you mean \`${meant}\`?`;
  return {
    pointer: pointerTo(inside, [name]),
    message: `is not known to this version of the service${hint}`,
  };
}

/**
 * The error that names wrong fields.
 *
 * @param about - the name of the whole (the body), and how many more fields are wrong
 */
export function invalidFields(
  fields: readonly FieldError[],
  { whole = 'the body', more = 0 }: { readonly whole?: string; readonly more?: number } = {},
): ServiceError {
  const message = summary(fields, whole) + (more === 0 ? '' : `; and ${more} more`);
  return new ServiceError('invalid_request', message, { fields });
}

/** Wrong fields in one sentence. */
export const summary = (fields: readonly FieldError[], whole = 'the body'): string =>
  fields.map(({ pointer, message }) => `${pointer === '' ? whole : pointer}: ${message}`).join('; ');

/* zod reports a wrong key of a record with nested issues, which contain the message. */
function messageOf(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_key'
    ? `the name ${issue.issues[0]?.message ?? issue.message}`
    : issue.message;
}

/* RFC 6901. */
const pointerTo = (root: string, path: readonly PropertyKey[]): string =>
  root + path.map(part => `/${cut(String(part)).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

const cut = (name: string): string =>
  name.length > NAME_SHOWN_MAX ? `${name.slice(0, NAME_SHOWN_MAX)}…` : name;
