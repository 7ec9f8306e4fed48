import type { StallRule } from './stalled-readers';

/**
 * How often to check whether a client of a browser has stopped reading; a flood fills its buffers in less than this.
 */
export const SILENCE_CHECK_MS = 250;

const MIB = 1_048_576;

/**
 * The rule for clients that do not read what their browser sends: Chromium buffers it, up to 256 MiB for each client. A
 * client may be silent for as long as the browser takes to send `budgetBytes` at the rate seen last, since that is what
 * the browser buffers meanwhile. Two limits apply. The short one tolerates a client that pauses for a moment during a
 * flood. The long one tolerates a program that is halted in a debugger.
 */
function silence(budgetBytes: number, shortestMs: number, longestMs: number): StallRule {
  return {
    appliesTo: 'blocked',
    limitMs: bytesPerSecond =>
      Math.min(longestMs, Math.max(shortestMs, (budgetBytes / Math.max(1, bytesPerSecond)) * 1_000)),
  };
}

/** For clients, by the API process that carries them. */
export const CLIENT_SILENCE = silence(64 * MIB, 5_000, 300_000);

/** For API processes, by a keeper: twice that, since a running API process cuts the client itself. */
export const API_SILENCE = silence(128 * MIB, 10_000, 600_000);
