import { existsSync } from 'node:fs';

/** Where distributions keep libfaketime (https://github.com/wolfcw/libfaketime). */
const LIBRARIES = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib64/faketime/libfaketime.so.1',
  '/usr/lib/faketime/libfaketime.so.1',
];

/** Path of the library on this machine; null: there is none. */
export const FAKETIME_LIBRARY = LIBRARIES.find(path => existsSync(path)) ?? null;

/**
 * Environment in which the wall clock of a process is `seconds` ahead. Its monotonic clock stays correct, as on a
 * machine whose clock was set.
 *
 * @throws where there is no libfaketime.
 */
export function skewedClock(seconds: number): Record<string, string> {
  if (FAKETIME_LIBRARY === null) throw new Error('libfaketime is not installed');
  return {
    LD_PRELOAD: FAKETIME_LIBRARY,
    FAKETIME: `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}s`,
    // Two names: the older one is what libfaketime before 0.9.9 reads.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
}
