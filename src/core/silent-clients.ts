import type { StallRule } from './stalled-readers';

/** How often it is looked whether a client of a browser has stopped to read; a flood fills its buffers in less than this. */
export const SILENCE_CHECK_MS = 250;

const MIB = 1_048_576;

/**
 * The rule for clients that do not read what their browser sends: Chromium keeps it all, up to 256 MiB for each of them.
 * A client may be silent for as long as the browser takes to send `budgetBytes` at the pace seen last, since that is what
 * the browser keeps for it meanwhile, within two limits: the short one spares a client that has stopped for a moment in the middle of
 * a flood, the long one somebody who has halted his program in a debugger.
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

/** For API processes, by a keeper: twice that, since an API that lives cuts the client itself. */
export const API_SILENCE = silence(128 * MIB, 10_000, 600_000);
