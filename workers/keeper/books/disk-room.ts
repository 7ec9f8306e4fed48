import { statfs } from 'node:fs/promises';

/** Below this much, bytes, a disk counts as full: what is written next may not fit. */
export const FULL_BELOW_BYTES = 64 * 1024;

/** What a Chromium writes before it is ready, and somewhat more. */
export const CHROMIUM_ROOM_BYTES = 16 * 2 ** 20;

/** Whether a disk, its inodes or our share of it are used up. */
export function isNoRoom(error: unknown): boolean {
  // SAFETY: Object() makes an object of anything; whether it has a code is what is asked.
  const { code } = Object(error) as { code?: unknown };
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** Why there is no room for `neededBytes` on the disk of a folder; null if there is, or if that cannot be known. */
export async function lacksRoom(folder: string, neededBytes = FULL_BELOW_BYTES): Promise<string | null> {
  const disk = await statfs(folder).catch(() => null);
  if (disk === null) return null;
  const freeBytes = disk.bavail * disk.bsize;
  if (freeBytes >= neededBytes) return null;
  return `no room on the disk of ${folder}: ${freeBytes} bytes are free, ${neededBytes} are needed (ENOSPC)`;
}
