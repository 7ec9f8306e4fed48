/** The ratio of starts that must be in time, among sessions that were not released before they were live. */
export const START_OBJECTIVE = 0.99;

/** A start is in time if the session is live within this long. */
export const START_WITHIN_SECONDS = 5;

/** No time-out is committed later than this after its deadline. */
export const LATENESS_SECONDS = 1;

/** The ratio of starts that may miss the objective. Not computed, because 1 - 0.99 is not 0.01 in floating point. */
export const ERROR_BUDGET = 0.01;

/** A factor that uses up 2 % of a month's budget in an hour: an operator has to act now. */
export const FAST_BURN = 14.4;

/** A factor that uses up 5 % of a month's budget in six hours: an operator has to look today. */
export const SLOW_BURN = 6;
