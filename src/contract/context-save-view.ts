import type { ContextSave } from '../../machines/session/session.types';
import type { ContextSaveData } from '../client/session-context';
import { iso } from './times';

/** What clients see of a save. */
export function contextSaveView(save: ContextSave | null): ContextSaveData | null {
  if (save === null) return null;
  const { saveId, atMs, version, isCurrent, problem } = save;
  return { id: saveId, at: iso(atMs), version, isCurrent, error: problem };
}
