/** Of the sessions that were not released before they were live, so many are live… */
export const START_OBJECTIVE = 0.99;

/** …within this long. */
export const START_WITHIN_SECONDS = 5;

/** No time-out is committed later than this after its deadline. */
export const LATENESS_SECONDS = 1;

/** The part of starts that may miss the objective; not computed, for 1 - 0.99 is not 0.01 in binary. */
export const ERROR_BUDGET = 0.01;

/** A factor that uses up 2 % of a month's budget in an hour: somebody has to get up. */
export const FAST_BURN = 14.4;

/** A factor that uses up 5 % of a month's budget in six hours: somebody has to look today. */
export const SLOW_BURN = 6;
