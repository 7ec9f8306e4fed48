import type { WarmEndCause } from '../../../src/core/warm-end-causes';
import type { LaunchShape, ShapedOptions } from './launch-shape';
import type { Wanted } from './warm-demand';

/** A browser older than this is replaced: what lives for long collects what a new one does not have. */
export const WARM_MAX_AGE_MS = 600_000;

/** One browser of the pool that nobody has yet, starting or ready. */
export interface WarmEntry {
  readonly shape: LaunchShape;
  /** When its start began, monotonic milliseconds. */
  readonly startedAtMs: number;
}

/** What {@link planWarm} decides from. */
export interface WarmSituation<Entry extends WarmEntry> {
  /** Monotonic milliseconds. */
  readonly nowMs: number;
  /** The most that are to be kept; 0 while no launch is expected. */
  readonly most: number;
  /** Slots that no session holds. */
  readonly room: number;
  readonly isMemoryShort: boolean;
  /** See {@link WarmDemand.wanted}: the most wanted first. */
  readonly wanted: readonly Wanted[];
  readonly entries: readonly Entry[];
}

/** What is to be done. */
export interface WarmPlan<Entry extends WarmEntry> {
  readonly end: readonly { readonly entry: Entry; readonly cause: WarmEndCause }[];
  /** The next one to start; null: there are enough. */
  readonly start: ShapedOptions | null;
}

/**
 * Compares what is wanted with what is there. First comes one browser for each shape, the most wanted first, then the
 * second for each that wants two, and so on, until there is no more room: one that waits saves more than a second one
 * beside it.
 */
export function planWarm<Entry extends WarmEntry>(situation: WarmSituation<Entry>): WarmPlan<Entry> {
  const { nowMs, most, room, isMemoryShort, wanted, entries } = situation;
  const limit = isMemoryShort ? 0 : Math.max(0, Math.min(most, room));
  const places = share(wanted, limit);
  const isAged = ({ startedAtMs }: Entry): boolean => nowMs - startedAtMs > WARM_MAX_AGE_MS;
  const aged = entries.filter(isAged);
  // The newest stay.
  const others = entries.filter(entry => !isAged(entry)).sort((a, b) => b.startedAtMs - a.startedAtMs);
  const { kept, open } = fill(places, others);
  const surplus = others.filter(entry => !kept.has(entry));
  const cause: WarmEndCause = isMemoryShort ? 'memory' : others.length > room ? 'room' : 'demand';
  return {
    end: [
      ...aged.map(entry => ({ entry, cause: 'aged' as const })),
      ...surplus.map(entry => ({ entry, cause })),
    ],
    start: open[0] ?? null,
  };
}

/* One place for each browser that is to be there. */
function share(wanted: readonly Wanted[], limit: number): ShapedOptions[] {
  const rounds = Math.max(0, ...wanted.map(({ count }) => count));
  return Array.from({ length: rounds }, (_, round) => wanted.filter(({ count }) => count > round))
    .flat()
    .slice(0, limit);
}

/* Puts browsers in the places of their shapes. */
function fill<Entry extends WarmEntry>(
  places: readonly ShapedOptions[],
  entries: readonly Entry[],
): { kept: ReadonlySet<Entry>; open: readonly ShapedOptions[] } {
  const kept = new Set<Entry>();
  const open = places.filter(place => {
    const found = entries.find(entry => entry.shape === place.shape && !kept.has(entry));
    if (found !== undefined) kept.add(found);
    return found === undefined;
  });
  return { kept, open };
}
