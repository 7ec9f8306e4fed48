import { BROWSERS } from '../../machines/session/session.words';

/**
 * What load tests run in place of browsers: `null` is a process that does nothing, `none` is no process at all.
 */
const STAND_INS = ['null', 'none'] as const;

type StandIn = (typeof STAND_INS)[number];

/** What a worker's machine can give sessions that do not choose. */
export const BROWSERS_OR_STAND_INS = [...BROWSERS, ...STAND_INS] as const;

/** @see BROWSERS_OR_STAND_INS */
export type BrowserOrStandIn = (typeof BROWSERS_OR_STAND_INS)[number];

/** Whether sessions have no real browser. */
export function isStandIn(browser: BrowserOrStandIn): browser is StandIn {
  return STAND_INS.some(standIn => standIn === browser);
}
