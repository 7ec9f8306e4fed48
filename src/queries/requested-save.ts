import type { SessionRef } from '../core/ids';
import type { SaveStore } from '../store/save-store';

/**
 * The number of the last request for a save of a live session's context that may not have been carried out yet; null
 * if there is none. It has been, if the session's last save has this number or a higher one.
 */
export type GetRequestedSave = (ref: SessionRef) => Promise<number | null>;

/** @throws what Redis throws while it is away. */
export function requestedSave(saves: Pick<SaveStore, 'requested'>): GetRequestedSave {
  return ref => saves.requested(ref);
}
