import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { CgroupVersion, Controller } from './controllers';

/** A cgroup of this process, in the tree of a controller. */
export interface OwnCgroup {
  readonly version: CgroupVersion;
  /** Its folder. */
  readonly folder: string;
  /** Its path below the root of this process's namespace; `/` in a container with a namespace of its own. */
  readonly path: string;
}

/** What the kernel says of a process: /proc/<pid>/cgroup and /proc/<pid>/mountinfo. */
export interface CgroupTexts {
  readonly cgroup: string;
  readonly mountinfo: string;
}

/** What the kernel says of this process; empty where it says nothing. */
export async function readCgroupTexts(): Promise<CgroupTexts> {
  const [cgroup = '', mountinfo = ''] = await Promise.all(
    ['cgroup', 'mountinfo'].map(name => readFile(`/proc/self/${name}`, 'utf8').catch(() => '')),
  );
  return { cgroup, mountinfo };
}

/** Where a tree is mounted: `root` is the part of it that is seen there. */
interface Mount {
  readonly type: string;
  readonly root: string;
  readonly at: string;
  readonly options: readonly string[];
}

/** The cgroup of the process in the tree of a controller; null if there is none, or it cannot be seen. */
export function ownCgroup(
  controller: Controller | 'freezer',
  { cgroup, mountinfo }: CgroupTexts,
): OwnCgroup | null {
  const lines = cgroup.split('\n').map(line => /^\d+:([^:]*):(.*)$/.exec(line));
  const pathOf = (belongs: (names: string) => boolean): string | null =>
    lines.find(match => match !== null && belongs(match[1] ?? ''))?.[2] ?? null;
  const mounts = mountinfo.split('\n').flatMap(mountIn);

  const own = pathOf(names => names.split(',').includes(controller));
  if (own !== null) {
    const mount = mounts.find(({ type, options }) => type === 'cgroup' && options.includes(controller));
    return placed(1, own, mount);
  }
  const unified = pathOf(names => names === '');
  return unified === null
    ? null
    : placed(
        2,
        unified,
        mounts.find(({ type }) => type === 'cgroup2'),
      );
}

function placed(version: CgroupVersion, path: string, mount: Mount | undefined): OwnCgroup | null {
  // Mounted before this process got a namespace of its own: how far below the mount it is cannot be known.
  if (mount === undefined || mount.root.startsWith('/..')) return null;
  const below = relative(mount.root, path);
  // The part of the tree that is mounted does not contain this process.
  if (below.startsWith('..')) return null;
  return { version, path, folder: join(mount.at, below) };
}

/*
 * As in proc(5): id, parent, device, root, mount point, options, other fields, "-", type, source, options of the type.
 */
function mountIn(line: string): Mount[] {
  const [before, after] = line.split(' - ');
  const [, , , root, at] = before?.split(' ') ?? [];
  const [type, , options] = after?.split(' ') ?? [];
  if (root === undefined || at === undefined || type === undefined) return [];
  return [{ type, root: unescaped(root), at: unescaped(at), options: options?.split(',') ?? [] }];
}

/* Blanks are written as octal numbers. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
