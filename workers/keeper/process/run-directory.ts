import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  lchown,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { DOWNLOADS_FOLDER } from '../../../src/core/downloads-folder';
import { systemCodeOf } from '../../../src/core/errors';
import { preferencesFor } from './first-preferences';
import { openBelow } from './open-folder';
import { removeFolder } from './remove-folder';
import { keptFolder, mountsFolder, type User } from './run-root';

const NAME_PREFIX = 'b-';

/** How much of a file is read at most: enough for Chromium's preferences and the end of its log. */
const HEAD_BYTES = 256 * 1024;
const LOG_TAIL_BYTES = 4_096;

/**
 * The content of `pid`, `relay` and `exit` until a process overwrites it. It has the same length as the final content,
 * because on a full disk bytes can only be replaced. A reader cannot take it for a number.
 */
const PID_PLACEHOLDER = `${'.'.repeat(10)}\n`;
const EXIT_PLACEHOLDER = `${'.'.repeat(3)}\n`;

/** Marks the folder of a browser that was started ahead. */
const AHEAD = 'ahead';

/** The content of `cage` until bubblewrap overwrites it, for the same reason; it is longer than any report. */
const REPORT_PLACEHOLDER = `${' '.repeat(511)}\n`;

/** Where a browser's profile comes from, and what becomes of it. */
export interface ProfileUse {
  /** The claim under which the worker has prepared a profile; null: the browser starts with a new one. */
  readonly mountedFor: string | null;
  /** Whether the profile is kept, for a save, when everything else of the browser is removed. */
  readonly isKept: boolean;
}

/** A new profile that goes with its browser. */
const NEW_PROFILE: ProfileUse = { mountedFor: null, isKept: false };

/** What the browser's user can write to; all else in a run directory belongs to the keeper's user. */
const OF_THE_BROWSER = ['profile', 'tmp', DOWNLOADS_FOLDER];

/** The browser's user can pass through the run directory and neither list it nor write to it; no other user can. */
const MODE = 0o700;
const MODE_TO_PASS = 0o710;

/**
 * The folder of one browser: `profile`, `tmp` (its TMPDIR and home), `downloads`, `log`, and what the shim fills in:
 * `pid` and `exit`. With the first upload come `uploads` and `incoming`. Where the keeper is root, `profile`, `tmp` and
 * `downloads` belong to the browser's user, and nothing in them is trusted. All else belongs to the keeper (ADR 63);
 * earlier versions gave the whole folder to the browser's user, and such a folder is only read and removed.
 */
export class RunDirectory {
  readonly path: string;
  readonly profile: string;
  readonly tmp: string;
  readonly downloads: string;
  readonly uploads: string;
  /** Uploads that are not complete. */
  readonly incoming: string;
  /** Where bubblewrap reports who is in the cage; there only for a browser in one. */
  readonly cageReport: string;
  /** What clients of its display prove themselves with; there only for a browser with windows. */
  readonly authority: string;
  /** The folder of its display's socket; there only for one with a network of its own, too. */
  readonly displaySockets: string;
  /** Leads to DevTools; there only for a browser with a network of its own. */
  readonly devToolsSocket: string;
  /** Leads to the forward proxy; the same. */
  readonly proxySocket: string;

  private constructor(
    /** The run root that contains it. */
    readonly root: string,
    readonly name: string,
    readonly profileUse: ProfileUse,
  ) {
    const path = join(root, name);
    this.path = path;
    this.profile = join(path, 'profile');
    this.tmp = join(path, 'tmp');
    this.downloads = join(path, DOWNLOADS_FOLDER);
    this.uploads = join(path, 'uploads');
    this.incoming = join(path, 'incoming');
    this.cageReport = join(path, 'cage');
    this.authority = join(path, 'Xauthority');
    this.displaySockets = join(path, 'x11');
    this.devToolsSocket = join(path, 'devtools.sock');
    this.proxySocket = join(path, 'proxy.sock');
  }

  /** An existing run directory. */
  static at(runRoot: string, name: string, profileUse = NEW_PROFILE): RunDirectory {
    return new RunDirectory(runRoot, name, profileUse);
  }

  /** A run directory with a new name; nothing is created yet. */
  static fresh(runRoot: string, profileUse = NEW_PROFILE): RunDirectory {
    return RunDirectory.at(runRoot, NAME_PREFIX + randomBytes(3).toString('hex'), profileUse);
  }

  /** The names of all run directories. */
  static async list(runRoot: string): Promise<string[]> {
    return (await readdir(runRoot)).filter(name => name.startsWith(NAME_PREFIX));
  }

  /**
   * Creates the folder for the browser of this user, with a profile that saves downloads in it.
   *
   * @param kind - isCaged: what comes later cannot be shown in a cage, so that the folder of uploads is made now;
   *   isAhead: as {@link isAhead} answers from now on
   */
  async make(user: User, { isCaged, isAhead }: { isCaged: boolean; isAhead: boolean }): Promise<void> {
    await mkdir(this.path, { mode: MODE });
    if (isAhead) await writeFile(join(this.path, AHEAD), '', { mode: 0o600 });
    await this.#makeProfile();
    for (const path of [this.tmp, this.downloads]) await mkdir(path, { mode: MODE });
    const files = [
      ['pid', PID_PLACEHOLDER] as const,
      ['exit', EXIT_PLACEHOLDER] as const,
      ['log', ''] as const,
    ];
    for (const [name, content] of files) await writeFile(join(this.path, name), content, { mode: 0o600 });
    if (isCaged) {
      await writeFile(this.cageReport, REPORT_PLACEHOLDER, { mode: 0o600 });
      await writeFile(join(this.path, 'relay'), PID_PLACEHOLDER, { mode: 0o600 });
      await mkdir(this.uploads);
    }
    if (process.getuid?.() === 0) await this.#giveTo(user);
  }

  /* Until the folder itself is opened, no other user can put anything here that would affect this. */
  async #giveTo({ uid, gid }: User): Promise<void> {
    const inside = await Promise.all(
      OF_THE_BROWSER.map(async name => {
        const path = join(this.path, name);
        return [path, ...(await readdir(path, { recursive: true })).map(entry => join(path, entry))];
      }),
    );
    await Promise.all(inside.flat().map(path => lchown(path, uid, gid)));
    await chown(this.path, 0, gid);
    await chmod(this.path, MODE_TO_PASS);
  }

  /* The prepared profile or a new one, with the preferences that every browser of the keeper has. */
  async #makeProfile(): Promise<void> {
    const { mountedFor } = this.profileUse;
    if (mountedFor !== null) await rename(join(mountsFolder(this.root), mountedFor), this.profile);
    const settings = join(this.profile, 'Default');
    await mkdir(settings, { recursive: true, mode: 0o700 });
    const preferences = join(settings, 'Preferences');
    // Only the worker can have written it.
    const prepared = mountedFor === null ? null : await readFile(preferences, 'utf8').catch(() => null);
    await writeFile(preferences, JSON.stringify(preferencesFor(this.downloads, prepared)), { mode: 0o600 });
  }

  /** Whom its browser runs as, by the group that may pass through; null if it is gone. */
  async user(): Promise<User | null> {
    const found = await lstat(this.path).catch(() => null);
    return found === null ? null : { uid: found.gid, gid: found.gid };
  }

  /** Where the profile is after the end of the browser; null if it is not kept. */
  get keptProfile(): string | null {
    return this.profileUse.isKept ? join(keptFolder(this.root), this.name) : null;
  }

  /** Whether its browser was started ahead, and has no session yet. */
  async isAhead(): Promise<boolean> {
    const found = await lstat(join(this.path, AHEAD)).catch(() => null);
    return found !== null;
  }

  /** Its browser has a session now; nothing is left by which it differs from others. */
  async noLongerAhead(): Promise<void> {
    await rm(join(this.path, AHEAD), { force: true });
  }

  /** The pid of what the shim has started, the browser or its cage; null until the shim has written it. */
  async pid(): Promise<number | null> {
    return wholeNumber(await this.#read('pid'));
  }

  /** The pid of the browser in the cage; null until it is there. */
  async cagedPid(): Promise<number | null> {
    const report = (await this.#read('cage')).trim();
    const pid = /"child-pid": (\d+)/.exec(report)?.[1];
    return pid === undefined || !report.endsWith('}') ? null : Number(pid);
  }

  /** The pid of the relay of its network, the last one; null until it has been written. */
  async relay(): Promise<number | null> {
    return wholeNumber(await this.#read('relay'));
  }

  /**
   * Writes down which process is the relay.
   *
   * @throws what the file system throws, also if an earlier version has made the folder.
   */
  async nameRelay(pid: number): Promise<void> {
    const text = `${String(pid).padStart(PID_PLACEHOLDER.length - 1, '0')}\n`;
    await writeFile(join(this.path, 'relay'), text, { flag: 'r+' });
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
   * close by the system, `Crashed` while it runs; null if it was never written, as by the headless shell.
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

  /** Removes everything but a profile to keep. */
  async remove(): Promise<void> {
    if (this.keptProfile !== null) await moveIfThere(this.profile, this.keptProfile);
    await removeFolder(this.path);
  }

  /** A file's text, or an empty text: callers read again or do without it. */
  async #read(name: string, bytes = HEAD_BYTES): Promise<string> {
    const file = await openBelow(this.path, name);
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

/* What is not there was moved before, or never made. A profile that is no folder any more is not kept. */
async function moveIfThere(from: string, to: string): Promise<void> {
  try {
    if ((await lstat(from)).isDirectory()) await rename(from, to);
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
  }
}

function wholeNumber(text: string): number | null {
  return /^\d+\n$/.test(text) ? Number(text) : null;
}
