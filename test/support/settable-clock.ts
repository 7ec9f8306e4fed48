import { execFile, execFileSync } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const OFFSET_BYTES = 8;

/** Whether this machine has the C compiler that the library needs. */
export const HAS_COMPILER = (() => {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** A wall clock that a test can set while a process uses it. */
export interface SettableClock {
  /** The environment for the process. */
  readonly env: Readonly<Record<string, string>>;
  /** Sets the clock to this many seconds ahead of the real time, from now on; negative: behind it. */
  set(seconds: number): Promise<void>;
  close(): Promise<void>;
}

/** Makes a clock that is correct until it is set. Its files are in `dir`. */
export async function makeSettableClock(dir: string): Promise<SettableClock> {
  const library = join(dir, 'settable-clock.so');
  const source = join(__dirname, 'settable-clock.c');
  await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-o', library, source]);
  const path = join(dir, 'offset');
  const file = await open(path, 'w');
  const set = async (seconds: number): Promise<void> => {
    const bytes = Buffer.alloc(OFFSET_BYTES);
    bytes.writeBigInt64LE(BigInt(seconds));
    await file.write(bytes, 0, OFFSET_BYTES, 0);
  };
  await set(0);
  return { env: { LD_PRELOAD: library, CLOCK_OFFSET_FILE: path }, set, close: () => file.close() };
}
