import { parseLabelSelector } from '../../src/contract/labels';
import type { LabelRequirement } from '../../src/store/session-index';

/** What a selector asks for; throws if it is none. */
export function selector(text: string): readonly LabelRequirement[] {
  const parsed = parseLabelSelector(text);
  if (parsed.requirements === null) throw new Error(`${text}: ${parsed.problem}`);
  return parsed.requirements;
}
