import type { Filter } from './member-page';

/* How sessions and contexts are found by their labels. */

/** Labels by name. */
type Labels = Readonly<Record<string, string>>;

/** What must hold of one label. Members without the label satisfy `notin`, as in Kubernetes. */
export type LabelRequirement =
  | { readonly name: string; readonly operator: 'in' | 'notin'; readonly values: readonly string[] }
  | { readonly name: string; readonly operator: 'exists' | 'absent' };

/** The label indexes that a member with these labels is in: `name=value`, and `name` alone for any value of it. */
export function labelEntries(labels: Labels): string[] {
  return Object.entries(labels).flatMap(([name, value]) => [`${name}=${value}`, name]);
}

/** The labels that such entries come from; entries without a value only repeat a name. */
export function labelsOfEntries(entries: readonly string[]): Labels {
  const pairs = entries.filter(entry => entry.includes('='));
  return Object.fromEntries(
    pairs.map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}

/**
 * The entries that a change of labels removes and adds. A step of a session passes on the labels it does not change:
 * for most steps, comparing the objects is enough.
 */
export function labelDelta(before: Labels, after: Labels): { left: string[]; joined: string[] } {
  if (before === after) return { left: [], joined: [] };
  const [was, is] = [labelEntries(before), labelEntries(after)];
  return { left: was.filter(label => !is.includes(label)), joined: is.filter(label => !was.includes(label)) };
}

/** @param keyOf - the key of the index of `name=value` or `name` */
export function labelFilters(
  labels: readonly LabelRequirement[],
  keyOf: (label: string) => string,
): readonly Filter[] {
  return labels.map((requirement): Filter => {
    const { name } = requirement;
    if (!('values' in requirement)) {
      return { wanted: requirement.operator === 'exists', sets: [keyOf(name)] };
    }
    // Without duplicates: a set that is named twice would be walked twice.
    const sets = [...new Set(requirement.values)].map(value => keyOf(`${name}=${value}`));
    return { wanted: requirement.operator === 'in', sets };
  });
}
