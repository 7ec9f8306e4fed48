import { createHash, randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, readFile, realpath, stat } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { NOBODY_UID } from '../../../src/core/browser-uids';
import { writeByRename } from '../../../src/core/write-by-rename';
import { isNoRoom } from '../books/disk-room';

/** A user of the operating system. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/**
 * `nobody` on every Linux and BSD, for a keeper that is root and cannot give each browser a user of its own: as root
 * their sandbox would be off.
 */
const NOBODY: User = { uid: NOBODY_UID, gid: NOBODY_UID };

/** The user that browsers share if each has none of its own: `nobody` if the keeper is root, else the keeper's. */
export function browserUser(): User {
  const uid = process.getuid?.() ?? 0;
  return uid === 0 ? NOBODY : { uid, gid: process.getgid?.() ?? uid };
}

/**
 * Unix socket paths above 107 bytes (Linux) or 103 (macOS) are silently truncated by Node and make Chromium abort at
 * start.
 */
const MAX_SOCKET_PATH_BYTES = 103;

/** The longest socket path below a run root: the one with which Chromium guards its profile, in its TMPDIR. */
const LONGEST_SOCKET_BELOW = '/b-000000/tmp/org.chromium.Chromium.000000/SingletonSocket';

/**
 * Where the run directories, the keeper's socket and its records are for a data folder: inside it if the browser's user
 * can access it and the path is short enough for sockets, else below `/run` or a temporary folder, named after the data
 * folder. The same data folder gives the same answer on every start.
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
  throw new Error(`no folder for browsers: uid ${user.uid} can use none of ${candidates.join(', ')}`);
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
 * Creates the run root: owned by the keeper's user, accessible for browsers, but listable only by its owner.
 *
 * @throws if an entry of another user is there already (every user can write to temporary folders).
 */
export async function prepareRunRoot(runRoot: string): Promise<void> {
  const firstMade = await mkdir(runRoot, { recursive: true });
  // Every created folder must be accessible for the browser's user, with any umask.
  for (let path = runRoot; firstMade !== undefined && path.startsWith(firstMade); path = dirname(path)) {
    await chmod(path, 0o711);
  }
  const found = await lstat(runRoot);
  if (!found.isDirectory() || found.uid !== (process.getuid?.() ?? found.uid)) {
    throw new Error(`${runRoot} exists, but it is not a folder of this user`);
  }
  await chmod(runRoot, 0o711);
  for (const folder of [recordsFolder, mountsFolder, keptFolder, statesFolder].map(of => of(runRoot)))
    await mkdir(folder, { recursive: true, mode: 0o700 });
}

/** The folder of the keeper's records; no browser can write there. */
export function recordsFolder(runRoot: string): string {
  return join(runRoot, 'records');
}

/** Where the worker prepares profiles, each in a folder named after the claim whose launch will take it. */
export function mountsFolder(runRoot: string): string {
  return join(runRoot, 'mounts');
}

/** Where the profiles of ended browsers wait for the worker, each in a folder named after its run directory. */
export function keptFolder(runRoot: string): string {
  return join(runRoot, 'kept');
}

/** Where the worker keeps what it has read of browsers before their end, until it is saved. */
export function statesFolder(runRoot: string): string {
  return join(runRoot, 'states');
}

/**
 * The id of this keeper's machine in the installation: random, generated once, kept in the run root. A run root on
 * another machine (a moved volume) gets a new one.
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
 * Copies a script to where the browser's user can read it; the program's own folder may not be accessible to that user.
 * Running scripts keep the file they were started from.
 *
 * @param source - path of the script beside this program
 * @returns its path in the run root
 * @throws if there is none and it cannot be written.
 */
export async function installScript(runRoot: string, source: string): Promise<string> {
  return installFile(runRoot, basename(source), await readFile(source));
}

/**
 * Writes a file that browsers, or what starts them, can read. An equal one is left alone, and an older one stays if
 * there is no room for the new one: a keeper that cannot start would cost every browser, an older file does no harm.
 *
 * @returns its path in the run root
 * @throws if there is none and it cannot be written.
 */
export async function installFile(runRoot: string, name: string, content: Uint8Array): Promise<string> {
  const target = join(runRoot, name);
  const installed = await readFile(target).catch(() => null);
  if (installed?.equals(content) === true) return target;
  try {
    await writeByRename(target, content, 0o644);
  } catch (error) {
    if (installed === null || !isNoRoom(error)) throw error;
  }
  return target;
}

/** Identifies the machine over reboots: systemd's machine id (Linux only) and the host name. */
async function machineName(): Promise<string> {
  const machineId = await readFile('/etc/machine-id', 'utf8').catch(() => '');
  return `${machineId.trim()}@${hostname()}`;
}

function fitsSockets(runRoot: string): boolean {
  return Buffer.byteLength(runRoot + LONGEST_SOCKET_BELOW) <= MAX_SOCKET_PATH_BYTES;
}

/**
 * Whether a user has access through a folder and all above it. Folders that do not exist yet will be created
 * accessible.
 */
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
