import type { LabelRequirement } from '../store/session-index';

/** What a label may be called. */
export const LABEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/;

/** What it may be: anything printable. */
export const LABEL_VALUE = /^[^\p{Cc}\p{Cs}]{0,128}$/u;

/** How many terms a selector may have, and how many values all its sets together. */
const TERMS_MAX = 16;
const VALUES_MAX = 64;

/** A selector that was understood, or what is wrong with it. */
export type ParsedSelector =
  | { readonly requirements: readonly LabelRequirement[] }
  | { readonly requirements: null; readonly problem: string };

const TERM =
  /\s*(?:!\s*(?<absent>[^\s=!,()]+)|(?<name>[^\s=!,()]+)(?:\s+(?<set>in|notin)\s*\((?<values>[^()]*)\)|\s*(?<operator>==|=|!=)(?<value>[^,]*))?)\s*(?:,|$)/y;

/**
 * Reads a Kubernetes label selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a` (has the label), `!a` (has
 * not); all terms must hold. A value with a comma cannot be selected, one with a parenthesis only by `=` and `!=`.
 */
export function parseLabelSelector(text: string): ParsedSelector {
  const requirements: LabelRequirement[] = [];
  const equal = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    const rest = /[\s,]*/y;
    rest.lastIndex = at;
    at += rest.exec(text)?.[0].length ?? 0;
    if (at === text.length) break;
    TERM.lastIndex = at;
    const groups = TERM.exec(text)?.groups;
    const requirement = groups === undefined ? null : requirementOf(groups);
    if (requirement === null)
      return wrong(`"${text.slice(at)}" does not begin with a term such as name=value`);
    at = TERM.lastIndex;
    requirements.push(requirement);
    const [value] = groups?.['operator']?.startsWith('=') === true ? valuesOf(requirement) : [];
    if (value === undefined) continue;
    if ((equal.get(requirement.name) ?? value) !== value)
      return wrong(`${requirement.name} cannot have two values`);
    equal.set(requirement.name, value);
  }
  if (requirements.length > TERMS_MAX) return wrong(`has more than ${TERMS_MAX} terms`);
  if (requirements.flatMap(valuesOf).length > VALUES_MAX) return wrong(`has more than ${VALUES_MAX} values`);
  return { requirements };
}

/* Null if the name, or one of the values, cannot be one. */
function requirementOf(groups: Readonly<Record<string, string | undefined>>): LabelRequirement | null {
  const { absent, set, values, operator, value } = groups;
  const name = absent ?? groups['name'] ?? '';
  if (!LABEL_NAME.test(name)) return null;
  if (set === undefined && operator === undefined) {
    return { name, operator: absent === undefined ? 'exists' : 'absent' };
  }
  const given = set === undefined ? [value ?? ''] : (values ?? '').split(',');
  const wanted = given.map(one => one.trim());
  if (values?.trim() === '' || !wanted.every(one => LABEL_VALUE.test(one))) return null;
  return { name, operator: set === 'notin' || operator === '!=' ? 'notin' : 'in', values: wanted };
}

const valuesOf = (requirement: LabelRequirement): readonly string[] =>
  'values' in requirement ? requirement.values : [];

const wrong = (problem: string): ParsedSelector => ({ requirements: null, problem });
