import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { withDeadline } from '../../../src/core/abort';
import { windowLayout, type Size } from '../../../src/core/window-layout';
import { LineReader } from '../../../src/core/line-reader';
import type { LaunchOptions } from '../door/protocol';
import { hostXvfb } from '../host';
import type { Cage } from '../isolation/cage';
import type { RunDirectory } from '../process/run-directory';
import type { User } from '../process/run-root';

const START_TIMEOUT_MS = 10_000;

/** Chromium keeps windows a little smaller than their screen (156: by one pixel). */
const SCREEN_MARGIN = 8;

/** Where Xvfb writes the number of its display: the first descriptor after the standard ones. */
const DISPLAY_FD = 3;

const COOKIE_BYTES = 16;

type WindowOptions = Pick<LaunchOptions, 'dimensions' | 'deviceScaleFactor'>;

/** Dependencies of displays on the machine. */
export interface DisplayRuntime {
  readonly user: User;
  /** A PATH. */
  readonly searchPath: string;
  /** What browsers are in; null: nothing. */
  readonly cage: Pick<Cage, 'displayWords'> | null;
}

/** Flags and environment for a browser with windows. */
export interface Display {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * A display for one browser: an Xvfb of its own on Linux, the desktop of the current user elsewhere. The Xvfb runs as
 * the browser's user, listens on an abstract socket only (no file, no port), or on one in the run directory for a
 * browser in a network of its own, accepts only clients with its cookie, and is killed like all processes that name the
 * run directory. If it dies, its browser dies too.
 *
 * @throws if there is no Xvfb, it does not start, or `signal` is aborted meanwhile.
 */
export async function startDisplay(
  directory: RunDirectory,
  options: WindowOptions,
  { user, searchPath, cage }: DisplayRuntime,
  signal: AbortSignal,
): Promise<Display> {
  if (process.platform !== 'linux') return { args: [], env: {} };
  const program = await hostXvfb(searchPath);
  if (program === null) {
    throw new Error('a session with headless: false needs Xvfb on its worker (Debian: apt-get install xvfb)');
  }
  const { authority, displaySockets } = directory;
  await writeAuthority(authority, user);
  const before = cage?.displayWords(directory) ?? null;
  if (before !== null) await mkdir(displaySockets, { mode: 0o700 });
  const plan = { directory, before, screen: screenFor(options), user };
  const number = await startXvfb(program, plan, signal);
  return {
    args: ['--ozone-platform=x11'],
    env: { DISPLAY: `:${number}`, XAUTHORITY: authority },
  };
}

/* Device pixels. */
function screenFor(options: WindowOptions): Size {
  const scale = options.deviceScaleFactor ?? 1;
  const { width, height } = windowLayout(options).window;
  return {
    width: Math.ceil(width * scale) + SCREEN_MARGIN,
    height: Math.ceil(height * scale) + SCREEN_MARGIN,
  };
}

interface XvfbPlan {
  readonly directory: RunDirectory;
  /** Words before its command; null: it listens on an abstract socket. */
  readonly before: readonly string[] | null;
  readonly screen: Size;
  readonly user: User;
}

async function startXvfb(
  program: string,
  { directory, before, screen, user }: XvfbPlan,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  const args = [
    ...['-displayfd', String(DISPLAY_FD), '-screen', '0', `${screen.width}x${screen.height}x24`],
    ...['-auth', directory.authority, '-nolisten', 'tcp', '-nolisten', before === null ? 'unix' : 'local'],
    '-noreset',
  ];
  const [command = program, ...words] = [...(before ?? []), program, ...args];
  const child = spawn(command, words, {
    // The sweep of leftovers looks for an argument of this form, and Xvfb has no such option.
    ...(before === null ? { argv0: `Xvfb --display-of=${directory.path}/` } : {}),
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    ...(process.getuid?.() === 0 ? user : {}),
  });
  child.unref();
  // Without this event there are no pipes, and Node 20 would take `kill` for the keeper's whole process group.
  await once(child, 'spawn');
  // SAFETY: the fourth descriptor is a pipe that Node made for reading and writing.
  const output = child.stdio[DISPLAY_FD] as Readable;
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();
  try {
    return await withDeadline('starting Xvfb', START_TIMEOUT_MS, displayNumber(child, output));
  } catch (error) {
    kill();
    throw error;
  } finally {
    signal.removeEventListener('abort', kill);
    output.destroy();
  }
}

/* Xvfb writes the number once it accepts connections. */
function displayNumber(child: ChildProcess, output: Readable): Promise<number> {
  return new Promise((resolve, reject) => {
    const reader = new LineReader(line => resolve(Number(line)));
    output.on('data', (chunk: Buffer) => reader.push(chunk));
    child.once('error', reject);
    child.once('exit', code =>
      reject(new Error(`Xvfb exited with ${code ?? 'a signal'} before it was ready`)),
    );
  });
}

/**
 * An Xauthority file with one random MIT-MAGIC-COOKIE-1 (Xau(3)): family, address, display, name, data, each except the
 * first preceded by its length. FamilyWild and an empty display match any display number.
 */
function authorityFile(): Buffer {
  const familyWild = Buffer.from([0xff, 0xff]);
  const fields = [
    Buffer.alloc(0),
    Buffer.alloc(0),
    Buffer.from('MIT-MAGIC-COOKIE-1'),
    randomBytes(COOKIE_BYTES),
  ];
  return Buffer.concat([familyWild, ...fields.flatMap(field => [lengthOf(field), field])]);
}

/* Never into an existing file. */
async function writeAuthority(path: string, { uid, gid }: User): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(authorityFile());
    if (process.getuid?.() === 0) await file.chown(uid, gid);
  } finally {
    await file.close();
  }
}

function lengthOf(field: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(field.length);
  return length;
}
