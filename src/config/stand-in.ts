/**
 * What load tests run in place of browsers: `null` is a process that does nothing, `none` is no process at all.
 */
export const STAND_INS = ['null', 'none'] as const;

/** @see STAND_INS */
export type StandIn = (typeof STAND_INS)[number];

/** Whether sessions have no real browser. */
export function isStandIn(browser: string): browser is StandIn {
  return STAND_INS.some(standIn => standIn === browser);
}
