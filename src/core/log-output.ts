import { writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';

const STDOUT = 1;
const RETRY_MS = 5;
const MAX_RETRIES = 100;

/**
 * Lines on stdout, written at once. A line that nobody can read any more is dropped: when the terminal is closed every
 * write fails with EIO, and pino's own destination would try again for ever, which stops the whole process. A reader
 * that is slow (EAGAIN) is given half a second.
 */
export const stdoutLines: DestinationStream = {
  write(line) {
    let rest = Buffer.from(line);
    for (let retries = 0; rest.length > 0;) {
      try {
        rest = rest.subarray(writeSync(STDOUT, rest));
      } catch (error) {
        // SAFETY: fs throws system errors only.
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || ++retries > MAX_RETRIES) return;
        sleepSync(RETRY_MS);
      }
    }
  },
};

function sleepSync(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
