import type { SessionView } from '../test/support/installation';
import { percentile, type Claim } from './harness';

/**
 * How many milliseconds after its deadline a session was ended, by the Redis `TIME` of the commit; negative is early.
 */
export function latenessOf({ expiresAt, endedAt, endReason }: SessionView): number {
  if (endReason !== 'session_timeout') throw new Error(`ended as ${endReason ?? 'nothing'}`);
  return Date.parse(endedAt ?? '') - Date.parse(expiresAt ?? '');
}

/** The promise about time-outs: late by no more than this at the 99th percentile, and never early. */
export function latenessClaims(
  late: readonly number[],
  bare: readonly number[],
  p99AtMostMs: number,
): Claim[] {
  return [
    { text: 'late by, p99', unit: 'ms', value: percentile(late, 0.99), pass: { atMost: p99AtMostMs } },
    { text: 'p99 × bare BullMQ', unit: '×', value: percentile(late, 0.99) / percentile(bare, 0.99) },
    { text: 'early', unit: '', value: late.filter(ms => ms < 0).length, pass: { atMost: 0 } },
  ];
}
