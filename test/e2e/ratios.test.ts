import { p50 } from '../../bench/harness';
import { lifecycleRates } from '../../bench/lifecycles';

/*
 * The regression gate of the control plane: a short form of `npm run bench -- lifecycles`. The ratio is to BullMQ alone
 * in the same seconds, so it depends little on the machine; the gate is half of what a quiet machine gives.
 */

const ROUNDS = 5;
const WINDOW_MS = 500;
const GATE = { http: 0.015, alone: 0.02 };

test('lifecycles keep their share of what BullMQ alone does', async () => {
  const { http, alone, jobs } = await lifecycleRates(ROUNDS, WINDOW_MS);
  const ratios = { http: p50(http) / p50(jobs), alone: p50(alone) / p50(jobs) };
  expect(ratios.http).toBeGreaterThan(GATE.http);
  expect(ratios.alone).toBeGreaterThan(GATE.alone);
});
