import type { LabelRequirement } from '../store/label-index';

/** The names that a label may have. */
export const LABEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/;

/** The values that a label may have: printable characters. */
export const LABEL_VALUE = /^[^\p{Cc}\p{Cs}]{0,128}$/u;

/** How many terms a selector may have, and how many values all its sets together. */
const TERMS_MAX = 16;
const VALUES_MAX = 64;

/** How much of a selector a message repeats. */
const SHOWN_MAX = 60;

/** A parsed selector, or what is wrong with it. */
export type ParsedSelector =
  | { readonly requirements: readonly LabelRequirement[] }
  | { readonly requirements: null; readonly problem: string };

const TERM =
  /\s*(?:!\s*(?<absent>[^\s=!,()]+)|(?<name>[^\s=!,()]+)(?:\s+(?<set>in|notin)\s*\((?<values>[^()]*)\)|\s*(?<operator>==|=|!=)(?<value>[^,]*))?)\s*(?<end>,|$)/y;

/**
 * Parses a Kubernetes label selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a` (has the label), `!a`
 * (has not); all terms must hold. A value with a comma cannot be selected; one that begins with `=` only by `in`, one
 * with a parenthesis only by `=` and `!=`.
 *
 * Texts that an unset shell variable leaves behind are refused if they would select too much: an empty selector, a
 * missing term, `a!=`.
 */
export function parseLabelSelector(text: string): ParsedSelector {
  if (text.trim() === '') return wrong('must not be empty: leave it out to select all');
  const requirements: LabelRequirement[] = [];
  const equal = new Map<string, string>();
  let at = 0;
  for (let isOver = false; !isOver;) {
    const rest = text.slice(at).trimStart();
    if (rest === '' || rest.startsWith(','))
      return wrong('must not have an empty term: remove the extra comma');
    TERM.lastIndex = at;
    const groups = TERM.exec(text)?.groups;
    const requirement = groups === undefined ? noTerm(rest) : requirementOf(groups, rest);
    if (typeof requirement === 'string') return wrong(requirement);
    at = TERM.lastIndex;
    isOver = groups?.['end'] === '';
    if (requirements.push(requirement) > TERMS_MAX) return wrong(`has more than ${TERMS_MAX} terms`);
    const [value] = groups?.['operator']?.startsWith('=') === true ? valuesOf(requirement) : [];
    if (value === undefined) continue;
    if ((equal.get(requirement.name) ?? value) !== value)
      return wrong(`${requirement.name} cannot have two values`);
    equal.set(requirement.name, value);
  }
  if (requirements.flatMap(valuesOf).length > VALUES_MAX) return wrong(`has more than ${VALUES_MAX} values`);
  return { requirements };
}

/* The requirement, or what is wrong with the name or with one of the values. */
function requirementOf(
  groups: Readonly<Record<string, string | undefined>>,
  rest: string,
): LabelRequirement | string {
  const { absent, set, values, operator, value = '' } = groups;
  const name = absent ?? groups['name'] ?? '';
  if (!LABEL_NAME.test(name)) return noTerm(rest);
  if (set === undefined && operator === undefined) {
    return { name, operator: absent === undefined ? 'exists' : 'absent' };
  }
  if (value.trimStart().startsWith('='))
    return `${name}${operator ?? ''} has an extra "="; use "${name} in (…)" to select values that begin with "="`;
  if (operator === '!=' && value.trim() === '')
    return `${name}!= has no value; use "${name} notin (,)" to exclude the empty value`;
  const given = set === undefined ? [value] : (values ?? '').split(',');
  const wanted = given.map(one => one.trim());
  if (values?.trim() === '' || !wanted.every(one => LABEL_VALUE.test(one))) return noTerm(rest);
  return { name, operator: set === 'notin' || operator === '!=' ? 'notin' : 'in', values: wanted };
}

const noTerm = (rest: string): string =>
  `"${rest.slice(0, SHOWN_MAX)}" does not begin with a term such as name=value`;

const valuesOf = (requirement: LabelRequirement): readonly string[] =>
  'values' in requirement ? requirement.values : [];

const wrong = (problem: string): ParsedSelector => ({ requirements: null, problem });
