import type { ContextData, ContextVersionData } from '../../../client/contexts';
import { formatAge } from '../../durations';
import type { View } from '../../output';
import { labelsOf, NOTHING } from '../sessions/views';

/** How to name a context on the command line. */
export const CONTEXT_WORD = 'its name, its id, or the beginning of it';

/** Contexts as a table. */
export function contextsView(nowMs: number): View<ContextData> {
  return {
    nameOf: ({ id }) => id,
    columns: [
      { title: 'ID', of: ({ id }) => id, isId: true, width: 40 },
      { title: 'NAME', of: ({ name }) => name ?? NOTHING, minWidth: 6 },
      { title: 'VERSION', of: ({ currentVersion }) => numberOf(currentVersion), align: 'right' },
      { title: 'SIZE', of: ({ bytes }) => sizeOf(bytes), align: 'right' },
      { title: 'CHANGED', of: ({ updatedAt }) => formatAge(nowMs - Date.parse(updatedAt)) },
      { title: 'LABELS', of: ({ labels }) => labelsOf(labels), minWidth: 6 },
    ],
  };
}

/** Versions of a context as a table. */
export function versionsView(nowMs: number): View<ContextVersionData> {
  return {
    nameOf: ({ version }) => String(version),
    columns: [
      { title: 'VERSION', of: ({ version }) => String(version), align: 'right' },
      {
        title: 'STATE',
        of: ({ isCurrent }) => (isCurrent ? 'current' : NOTHING),
        colour: ({ isCurrent }) => (isCurrent ? 'green' : 'dim'),
      },
      { title: 'AGE', of: ({ createdAt }) => formatAge(nowMs - Date.parse(createdAt)) },
      { title: 'SIZE', of: ({ bytes }) => sizeOf(bytes), align: 'right' },
      { title: 'FROM', of: ({ source }) => source },
      { title: 'BASE', of: ({ baseVersion }) => numberOf(baseVersion), align: 'right' },
      { title: 'SESSION', of: ({ sessionId }) => sessionId ?? NOTHING, minWidth: 12 },
    ],
  };
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/** Bytes for people: `0 B`, `297 KB`, `1.2 GB`. */
export function sizeOf(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const amount = bytes / 1_000 ** power;
  return `${amount < 10 && power > 0 ? amount.toFixed(1) : String(Math.floor(amount))} ${UNITS[power] ?? ''}`;
}

const numberOf = (version: number | null): string => (version === null ? NOTHING : String(version));
