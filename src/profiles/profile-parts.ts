/*
 * What of a Chromium profile is kept (measured with Chromium 156 by leaving out one part after the other): cookies,
 * local storage, IndexedDB with its blobs, service workers with their scripts and caches, storage buckets, and the
 * private files of origins came back from these alone. Session storage belongs to tabs, which are not kept. `Local
 * State` is not needed, because keepers start browsers with `--password-store=basic`.
 */

/** The preferences of a profile, which are never copied as they are: see preferences.ts. */
export const PREFERENCES_PATH = 'Default/Preferences';

const FILES: readonly string[] = ['Default/Cookies', 'Default/Cookies-journal', PREFERENCES_PATH];

const FOLDERS: readonly string[] = [
  'Default/File System',
  'Default/IndexedDB',
  'Default/Local Storage',
  'Default/Service Worker/CacheStorage',
  'Default/Service Worker/Database',
  'Default/Service Worker/ScriptCache',
  'Default/WebStorage',
];

/** The files and folders of a profile that are kept; paths are relative to the profile. */
export const KEPT_PARTS: readonly string[] = [...FILES, ...FOLDERS];

/** Whether an archive may contain the file; paths are relative to the profile, with `/` between their parts. */
export function isKeptFile(path: string): boolean {
  return FILES.includes(path) || FOLDERS.some(folder => isInside(path, folder));
}

/** The names in a folder that may be kept, or lead to what is kept; null: all of them. */
export function keptNames(folder: string): readonly string[] | null {
  if (FOLDERS.some(kept => folder === kept || isInside(folder, kept))) return null;
  const start = folder === '' ? '' : `${folder}/`;
  const below = [...FILES, ...FOLDERS].filter(path => path.startsWith(start));
  return [...new Set(below.map(path => path.slice(start.length).split('/', 1).join()))].sort();
}

const isInside = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);
