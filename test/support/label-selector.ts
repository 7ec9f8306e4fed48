import { parseLabelSelector } from '../../src/contract/labels';
import type { LabelRequirement } from '../../src/store/label-index';

/** The requirements of a selector; throws if the text is not a selector. */
export function selector(text: string): readonly LabelRequirement[] {
  const parsed = parseLabelSelector(text);
  if (parsed.requirements === null) throw new Error(`${text}: ${parsed.problem}`);
  return parsed.requirements;
}
