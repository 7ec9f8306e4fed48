import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readlinkSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeTempDir, type TempDir } from './temp-dir';
import { pollUntil } from './poll-until';

/** Whether this user may mount a file system; if not, prints what is skipped. */
export function canMount(): boolean {
  const isRoot = process.getuid?.() === 0 && process.platform === 'linux';
  if (!isRoot)
    process.stderr.write('SKIPPED: tests of a full disk need root on Linux (they mount a tmpfs)\n');
  return isRoot;
}

/** A file system of a few megabytes that a test may fill to the last byte. */
export class SmallDisk implements TempDir {
  private constructor(
    private readonly dir: TempDir,
    private readonly ballast: string,
  ) {}

  /** Mounts one; browsers of another user can pass through its root. */
  static async mount(megabytes: number): Promise<SmallDisk> {
    const dir = await makeTempDir();
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0711`, 'tmpfs', dir.path]);
    return new SmallDisk(dir, join(dir.path, 'ballast'));
  }

  get path(): string {
    return this.dir.path;
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Fills the disk completely. */
  fill(): void {
    const file = openSync(this.ballast, 'a');
    const block = Buffer.alloc(4_096);
    try {
      for (;;) writeSync(file, block);
    } catch (error) {
      // SAFETY: fs throws system errors only.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Frees the space that {@link fill} took. */
  relieve(): void {
    rmSync(this.ballast, { force: true });
  }

  /**
   * Unmounts it. A read of a folder that was under way when its keeper stopped may have it open for a moment longer.
   */
  async remove(): Promise<void> {
    let reason = '';
    await pollUntil('the disk to be unmounted', { timeoutMs: 5_000, everyMs: 5 }, () => {
      const { status, stderr } = spawnSync('umount', [this.path], { encoding: 'utf8' });
      reason = stderr;
      return status === 0 ? true : undefined;
    }).catch((error: unknown) => {
      throw new Error(`${reason.trim()}\n${holders(this.path).join('\n')}`, { cause: error });
    });
    await this.dir.remove();
  }
}

/* What processes have open below a folder. */
function holders(path: string): string[] {
  const links = (folder: string): string[] => {
    try {
      return readdirSync(folder).flatMap(name => {
        const target = readlinkSync(join(folder, name));
        return target.startsWith(path) ? [`${join(folder, name)} → ${target}`] : [];
      });
    } catch {
      return []; // the process is gone, or the link is
    }
  };
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name));
  return pids.flatMap(pid => links(`/proc/${pid}/fd`));
}
