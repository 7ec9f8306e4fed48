import { readdir, readlink } from 'node:fs/promises';

/** Whether a process has a socket open (Linux); null if it may not be inspected, or is gone. */
export async function hasSocket(pid: number, inode: string): Promise<boolean | null> {
  try {
    const folder = `/proc/${pid}/fd`;
    const links = (await readdir(folder)).map(fd => readlink(`${folder}/${fd}`).catch(() => ''));
    return (await Promise.all(links)).includes(`socket:[${inode}]`);
  } catch {
    return null;
  }
}
