import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chown, mkdir, open, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DOWNLOADS_FOLDER } from '../../../src/core/downloads-folder';
import type { User } from './run-root';

const NAME_PREFIX = 'b-';

/** How much of a file is read at most: enough for Chromium's preferences and the end of its log. */
const HEAD_BYTES = 256 * 1024;
const LOG_TAIL_BYTES = 4_096;

/**
 * The browser may have put anything here, and the keeper may be root: links are not followed, and opening a pipe does
 * not block.
 */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * The content of `pid` and `exit` until the shim overwrites it. It has the same length as the final content, because on
 * a full disk bytes can only be replaced. A reader cannot take it for a number.
 */
const PID_PLACEHOLDER = `${'.'.repeat(10)}\n`;
const EXIT_PLACEHOLDER = `${'.'.repeat(3)}\n`;

/**
 * The folder of one browser: `profile`, `tmp` (its TMPDIR), `downloads`, `log`, and what the shim fills in: `pid` and
 * `exit`. It belongs to the browser's user; once the browser has run, nothing in it is trusted except the exit status.
 */
export class RunDirectory {
  readonly path: string;
  readonly profile: string;
  readonly tmp: string;
  readonly downloads: string;

  private constructor(
    /** The run root that contains it. */
    readonly root: string,
    readonly name: string,
  ) {
    const path = join(root, name);
    this.path = path;
    this.profile = join(path, 'profile');
    this.tmp = join(path, 'tmp');
    this.downloads = join(path, DOWNLOADS_FOLDER);
  }

  /** An existing run directory. */
  static at(runRoot: string, name: string): RunDirectory {
    return new RunDirectory(runRoot, name);
  }

  /** A run directory with a new name; nothing is created yet. */
  static fresh(runRoot: string): RunDirectory {
    return RunDirectory.at(runRoot, NAME_PREFIX + randomBytes(3).toString('hex'));
  }

  /** The names of all run directories. */
  static async list(runRoot: string): Promise<string[]> {
    return (await readdir(runRoot)).filter(name => name.startsWith(NAME_PREFIX));
  }

  /** Creates the folder, for this user only, with a profile that saves downloads in it. */
  async make({ uid, gid }: User): Promise<void> {
    await mkdir(this.path, { mode: 0o700 });
    const settings = join(this.profile, 'Default');
    const preferences = join(settings, 'Preferences');
    const folders = [this.profile, this.tmp, this.downloads, settings];
    for (const path of folders) await mkdir(path, { mode: 0o700 });
    const [pid, exit] = [join(this.path, 'pid'), join(this.path, 'exit')];
    await writeFile(preferences, JSON.stringify(preferencesFor(this.downloads)), { mode: 0o600 });
    await writeFile(pid, PID_PLACEHOLDER, { mode: 0o600 });
    await writeFile(exit, EXIT_PLACEHOLDER, { mode: 0o600 });
    if (process.getuid?.() !== 0) return;
    await Promise.all([preferences, pid, exit, ...folders].map(path => chown(path, uid, gid)));
    // Last: until now no other user could put anything here that would affect the creation.
    await chown(this.path, uid, gid);
  }

  /** The browser's pid; null until the shim has written it. */
  async pid(): Promise<number | null> {
    return wholeNumber(await this.#read('pid'));
  }

  /** Exit status as in a shell, 128 + signal for a signal; null as long as there is none. */
  async exitStatus(): Promise<number | null> {
    return wholeNumber(await this.#read('exit'));
  }

  /** The address of the DevTools server; null until the browser has written it. */
  async devTools(): Promise<{ port: number; path: string } | null> {
    const [port, path] = (await this.#read('profile/DevToolsActivePort')).split('\n');
    if (!/^\d{1,5}$/.test(port ?? '') || path === undefined || !path.startsWith('/devtools/browser/'))
      return null;
    return { port: Number(port), path };
  }

  /**
   * `profile.exit_type` of the default profile: Chromium writes `Normal` after an orderly close, `SessionEnded` after a
   * close by the system, `Crashed` while it runs; null if the profile was never written.
   */
  async exitType(): Promise<string | null> {
    const exitType = /"exit_type":\s*"(\w+)"/.exec(await this.#read('profile/Default/Preferences'));
    return exitType?.[1] ?? null;
  }

  /** The last lines the browser printed. Control characters are removed: pages can write here. */
  async lastLines(lines = 3, maxLength = 500): Promise<string> {
    const tail = await this.#read('log', -LOG_TAIL_BYTES);
    const text = tail.trim().split('\n').slice(-lines).join(' | ');
    return text.replaceAll(/[\u0000-\u001f\u007f]/g, ' ').slice(-maxLength);
  }

  /** Removes everything. A dying process may still be writing, hence the retries. */
  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  }

  /** A file's text, or an empty text: callers read again or do without it. */
  async #read(name: string, bytes = HEAD_BYTES): Promise<string> {
    const file = await open(join(this.path, name), OPEN_FLAGS).catch(() => null);
    if (file === null) return '';
    try {
      const { size } = await file.stat();
      const start = bytes < 0 ? Math.max(0, size + bytes) : 0;
      const length = Math.min(size, Math.abs(bytes));
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
      return buffer.toString('utf8', 0, bytesRead);
    } catch {
      return ''; // not a readable file: treated like a missing one
    } finally {
      await file.close();
    }
  }
}

/**
 * The preferences in Chromium's profile at the first start. A preference outlasts every client, whereas
 * `Browser.setDownloadBehavior` ends with the client that called it.
 */
function preferencesFor(downloads: string): object {
  return {
    download: { default_directory: downloads, prompt_for_download: false },
    savefile: { default_directory: downloads },
    // Pages may save several files without a prompt.
    profile: { default_content_setting_values: { automatic_downloads: 1 } },
  };
}

function wholeNumber(text: string): number | null {
  return /^\d+\n$/.test(text) ? Number(text) : null;
}
