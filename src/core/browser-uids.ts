import { readFile } from 'node:fs/promises';

/** User ids from `first` to `last`, both included. */
export interface UidRange {
  readonly first: number;
  readonly last: number;
}

/** `nobody` on every Linux and BSD: the user of all browsers where sessions have none of their own. */
export const NOBODY_UID = 65_534;

/**
 * Where ids are taken from, best first: what systemd's table of ids leaves unused, then for a container with 65,536 ids
 * the upper end of those for people, whom containers do not have.
 */
const CANDIDATES: readonly UidRange[] = [
  { first: 1_879_048_192, last: 2_147_483_645 },
  { first: 40_000, last: 59_999 },
];

/**
 * The range for sessions, of those that this process may use.
 *
 * @param maps - /proc/self/uid_map and gid_map: each id is used as both
 * @param wished - the operator's range; if set, nothing else is considered
 * @returns the range, or why there is none.
 */
export function uidRange(
  maps: readonly string[],
  wished: UidRange | null,
): { readonly range: UidRange } | { readonly why: string } {
  const candidates = wished === null ? CANDIDATES : [wished];
  const range = candidates.find(candidate => maps.every(map => isMapped(map, candidate)));
  if (range !== undefined) return { range };
  const names = candidates.map(({ first, last }) => `${first}-${last}`).join(' or ');
  return { why: `the user ids ${names} are not available in this user namespace` };
}

/* Each line: first id here, first id outside, how many. */
function isMapped(map: string, { first, last }: UidRange): boolean {
  return map.split('\n').some(line => {
    const [from, , count] = line.trim().split(/\s+/).map(Number);
    return from !== undefined && count !== undefined && from <= first && last < from + count;
  });
}

/** The range of user ids for browsers on this machine, or why there is none. */
export async function availableUids(
  wished: UidRange | null,
): Promise<{ readonly range: UidRange } | { readonly why: string }> {
  if (process.platform !== 'linux') return { why: 'only on Linux does each browser get a user of its own' };
  if (process.getuid?.() !== 0) return { why: 'only root can give each browser a user of its own' };
  const maps = await Promise.all(['uid', 'gid'].map(kind => readFile(`/proc/self/${kind}_map`, 'utf8')));
  return uidRange(maps, wished);
}

/**
 * Whether processes of a user are browsers of sessions, and nothing else: not, if the service itself runs as that user.
 *
 * @param wished - the operator's range, see {@link availableUids}
 */
export async function browserUidTest(wished: UidRange | null): Promise<(uid: number) => boolean> {
  const available = await availableUids(wished);
  const own = process.getuid?.();
  return uid => {
    if (uid === own) return false;
    if (uid === NOBODY_UID) return true;
    return 'range' in available && uid >= available.range.first && uid <= available.range.last;
  };
}
