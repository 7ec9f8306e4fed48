import { statfs } from 'node:fs/promises';

/** Below this many free bytes a disk counts as full: the next write may not fit. */
export const FULL_BELOW_BYTES = 64 * 1024;

/** The bytes that Chromium writes before it is ready, and some reserve. */
export const CHROMIUM_ROOM_BYTES = 16 * 2 ** 20;

/** Whether an error means that a disk, its inodes or this user's quota are used up. */
export function isNoRoom(error: unknown): boolean {
  // SAFETY: Object() makes an object of anything; whether it has a code is what is asked.
  const { code } = Object(error) as { code?: unknown };
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** Why there is no room for `neededBytes` on the disk of a folder; null if there is, or if it is unknown. */
export async function lacksRoom(folder: string, neededBytes = FULL_BELOW_BYTES): Promise<string | null> {
  const disk = await statfs(folder).catch(() => null);
  if (disk === null) return null;
  const freeBytes = disk.bavail * disk.bsize;
  if (freeBytes >= neededBytes) return null;
  return `no room on the disk of ${folder}: ${freeBytes} bytes are free, ${neededBytes} are needed (ENOSPC)`;
}
