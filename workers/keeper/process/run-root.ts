import { createHash, randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isNoRoom } from '../books/disk-room';

/** A user of the operating system. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** `nobody` on every Linux and BSD; browsers run as it when we are root, so that their sandbox stays on. */
const NOBODY: User = { uid: 65_534, gid: 65_534 };

/** Who runs the browsers: `nobody` when we are root, otherwise ourselves. */
export function browserUser(): User {
  const uid = process.getuid?.() ?? 0;
  return uid === 0 ? NOBODY : { uid, gid: process.getgid?.() ?? uid };
}

/**
 * Unix socket paths above 107 bytes (Linux) or 103 (macOS) are cut by Node without a word and make Chromium
 * abort at start.
 */
const MAX_SOCKET_PATH_BYTES = 103;

/** The longest socket path below a run root: the one Chromium guards its profile with, in its TMPDIR. */
const LONGEST_SOCKET_BELOW = '/b-000000/tmp/org.chromium.Chromium.000000/SingletonSocket';

/**
 * Where the run directories, the keeper's socket and its records are for a data folder: inside it if the browser's user can
 * get there and the path is short enough for sockets, else below `/run` or a temporary folder, named after
 * the data folder. The same data folder gives the same answer on every start.
 *
 * A data folder belongs to one machine at a time; on a shared volume give every worker machine its own.
 *
 * @param dataDir - must exist
 * @throws if no candidate is usable.
 */
export async function runRootFor(dataDir: string, user: User = browserUser()): Promise<string> {
  const real = await realpath(dataDir);
  const name = createHash('sha256').update(real).digest('hex').slice(0, 12);
  const candidates = [
    join(real, 'run'),
    ...(process.getuid?.() === 0 && (await isDirectory('/run')) ? [join('/run/holdfast', name)] : []),
    join(tmpdir(), `holdfast-${name}`),
    `/tmp/holdfast-${name}`,
  ];
  for (const candidate of candidates) {
    if (!fitsSockets(candidate)) continue;
    if (await canTraverse(dirname(candidate), user)) return candidate;
  }
  throw new Error(`no folder for browsers: uid ${user.uid} can reach none of ${candidates.join(', ')}`);
}

/** The keeper's Unix socket. */
export function keeperSocketPath(runRoot: string): string {
  return join(runRoot, 'keeper.sock');
}

/** The Unix socket of the keeper's gateway. */
export function gatewaySocketPath(runRoot: string): string {
  return join(runRoot, 'gateway.sock');
}

/**
 * Creates the run root: ours, enterable by browsers, listable by nobody else.
 *
 * @throws if something that is not ours already stands there (temporary folders are everybody's).
 */
export async function prepareRunRoot(runRoot: string): Promise<void> {
  const firstMade = await mkdir(runRoot, { recursive: true });
  // Every folder made on the way has to let the browser's user through, whatever our umask.
  for (let path = runRoot; firstMade !== undefined && path.startsWith(firstMade); path = dirname(path)) {
    await chmod(path, 0o711);
  }
  const found = await lstat(runRoot);
  if (!found.isDirectory() || found.uid !== (process.getuid?.() ?? found.uid)) {
    throw new Error(`${runRoot} exists and is not a folder of ours`);
  }
  await chmod(runRoot, 0o711);
  await mkdir(recordsFolder(runRoot), { recursive: true, mode: 0o700 });
}

/** Where the keeper remembers its browsers; no browser can write there. */
export function recordsFolder(runRoot: string): string {
  return join(runRoot, 'records');
}

/**
 * The name of this keeper's machine in the installation: random, made once, kept in the run root. A run root
 * that turns up on another machine (a moved volume) gets a new one.
 */
export async function hostIdOf(runRoot: string): Promise<string> {
  const file = join(runRoot, 'host-id');
  const machine = await machineName();
  const [hostId, of] = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  if (hostId !== undefined && hostId !== '' && of === machine) return hostId;
  const fresh = randomUUID();
  await writeByRename(file, `${fresh}\n${machine}\n`);
  return fresh;
}

/**
 * Replaces a file in one step: a reader sees the old or the new content, whenever we die and however full the disk is.
 *
 * @throws what the file system throws; the old content is still there then.
 */
export async function writeByRename(path: string, content: string, mode = 0o600): Promise<void> {
  const draft = `${path}.new`;
  try {
    await writeFile(draft, content, { mode });
    await chmod(draft, mode); // whatever our umask
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined); // the first error says more
    throw error;
  }
}

/**
 * Puts a script of ours where a browser's user can read it; the folder of the program itself may be closed to it. Scripts that
 * run already keep the file they were started from. One that is there already is left alone, and stays when there is no room
 * for its successor: a keeper that cannot start would cost every browser, an older script costs nothing.
 *
 * @param source - path of the script beside this program
 * @returns its path in the run root
 * @throws if there is none and it cannot be written.
 */
export async function installScript(runRoot: string, source: string): Promise<string> {
  const target = join(runRoot, basename(source));
  const content = await readFile(source, 'utf8');
  const installed = await readFile(target, 'utf8').catch(() => null);
  if (installed === content) return target;
  try {
    await writeByRename(target, content, 0o644);
  } catch (error) {
    if (installed === null || !isNoRoom(error)) throw error;
  }
  return target;
}

/** Same machine, whatever the boot: systemd's machine id (Linux only) and the host name. */
async function machineName(): Promise<string> {
  const machineId = await readFile('/etc/machine-id', 'utf8').catch(() => '');
  return `${machineId.trim()}@${hostname()}`;
}

function fitsSockets(runRoot: string): boolean {
  return Buffer.byteLength(runRoot + LONGEST_SOCKET_BELOW) <= MAX_SOCKET_PATH_BYTES;
}

/** Whether a user may pass through a folder and all above it. What does not exist yet will be made passable. */
async function canTraverse(folder: string, user: User): Promise<boolean> {
  const found = await stat(folder).catch(() => null);
  if (found !== null && !mayEnter(found, user)) return false;
  const parent = dirname(folder);
  return parent === folder || canTraverse(parent, user);
}

function mayEnter(folder: { mode: number; uid: number; gid: number }, user: User): boolean {
  if (user.uid === 0) return true;
  if (folder.uid === user.uid) return (folder.mode & 0o100) !== 0;
  if (folder.gid === user.gid) return (folder.mode & 0o010) !== 0;
  return (folder.mode & 0o001) !== 0;
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false;
}
