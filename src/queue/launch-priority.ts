/** BullMQ's greatest priority number, `PRIORITY_LIMIT`. */
const PRIORITY_MAX = 2 ** 21 - 1;

/** The finest order of turns in one round. */
const PRIORITIES_PER_ROUND = 16;

/* A sum of thirds may be a little less than a whole. */
const ROUNDING = 1e-6;

/**
 * The priority of a launch job by its turn: the job of a lesser turn is taken first, of equal ones that was added
 * first. Turns beyond the greatest priority are all the same, in the order of their creation: that takes 131 072 rounds
 * in which a session always waits.
 */
export function launchPriority(turn: number): number {
  return Math.min(PRIORITY_MAX, 1 + Math.floor(turn * PRIORITIES_PER_ROUND + ROUNDING));
}
