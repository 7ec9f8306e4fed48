import type { RunDirectory } from '../process/run-directory';
import { installFile } from '../process/run-root';
import { PROXY_DOOR, type OwnNetwork } from './own-network';
import type { VisiblePaths } from './visible-paths';

/** The descriptor on which bubblewrap reports the browser's pid; the shim opens `cage` of the run directory there. */
const REPORT_FD = 3;

/** What a cage may keep in memory in the place of a disk; Chromium has its own folder for temporary files. */
const MEMORY_FILES_BYTES = 64 * 2 ** 20;

/** A program asks who it is; nobody else's name is in there. */
const ACCOUNTS = 'root:x:0:0:root:/:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n';
const GROUPS = 'root:x:0:\nnogroup:x:65534:\n';

/** What a browser has of its own; a network of its own is made around the cage ({@link OwnNetwork}). */
const NAMESPACES = ['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-cgroup-try'];

/**
 * What a browser sees of the machine: its own folders, and an allow-list of what it needs, read-only. Made by
 * bubblewrap, which needs no privileges, so that it is the same for root and for an ordinary user (ADR 65).
 */
export class Cage {
  private constructor(
    /** bubblewrap */
    readonly program: string,
    private readonly visible: VisiblePaths,
    private readonly accounts: { readonly passwd: string; readonly group: string },
    private readonly network: OwnNetwork | null,
  ) {}

  /**
   * @param program - bubblewrap
   * @throws what the file system throws.
   */
  static async prepare(program: string, visible: VisiblePaths, runRoot: string): Promise<Cage> {
    const accounts = {
      passwd: await installFile(runRoot, 'cage-passwd', Buffer.from(ACCOUNTS)),
      group: await installFile(runRoot, 'cage-group', Buffer.from(GROUPS)),
    };
    return new Cage(program, visible, accounts, null);
  }

  /** The same cage in a network of its own. */
  in(network: OwnNetwork): Cage {
    return new Cage(this.program, this.visible, this.accounts, network);
  }

  /** Where the browser finds its forward proxy; null: where the machine has it. */
  get proxyDoor(): typeof PROXY_DOOR | null {
    return this.network === null ? null : PROXY_DOOR;
  }

  /** The socket that leads to the DevTools of a browser; null: they are on the loopback of the machine. */
  devToolsSocket({ devToolsSocket }: RunDirectory): string | null {
    return this.network === null ? null : devToolsSocket;
  }

  /** What comes before a command so that it runs in a cage of its own. */
  words(directory: RunDirectory): string[] {
    const { profile, tmp, downloads, uploads, authority, path } = directory;
    const own = [profile, tmp, downloads].flatMap(folder => ['--bind', folder, folder]);
    return [
      ...(this.network?.words(directory) ?? []),
      this.program,
      ...NAMESPACES,
      ...(this.network?.cageWords ?? []),
      // As the first process of its namespace: the kernel ends all others with it.
      '--as-pid-1',
      ...['--info-fd', String(REPORT_FD)],
      ...['--proc', '/proc', '--dev', '/dev'],
      ...['--size', String(MEMORY_FILES_BYTES), '--tmpfs', '/dev/shm'],
      ...['--size', String(MEMORY_FILES_BYTES), '--tmpfs', '/tmp'],
      ...this.#machine(),
      ...own,
      ...readOnly(uploads),
      ...readOnlyIfThere(authority),
      ...(this.network?.displayOf(directory) ?? []),
      // The folder of downloads is named relative to it over CDP, see DOWNLOADS_FOLDER.
      ...['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', path, '--'],
    ];
  }

  /** What comes before a display so that browsers in this cage reach it; null: they do in any case. */
  displayWords(directory: RunDirectory): string[] | null {
    return this.network?.displayWords(directory) ?? null;
  }

  #machine(): string[] {
    const { required, optional, links } = this.visible;
    const { passwd, group } = this.accounts;
    return [
      ...required.flatMap(readOnly),
      ...links.flatMap(({ at, target }) => ['--symlink', target, at]),
      ...optional.flatMap(readOnlyIfThere),
      ...['--ro-bind', passwd, '/etc/passwd', '--ro-bind', group, '/etc/group'],
    ];
  }
}

const readOnly = (path: string): string[] => ['--ro-bind', path, path];

const readOnlyIfThere = (path: string): string[] => ['--ro-bind-try', path, path];
