import { runChaos } from '../chaos/run';

/* A short form of `npm run test:chaos`: overlapping faults of every kind, and a checker that sees only histories. */

test.each([
  { seed: 20_261_120, seconds: 8, browser: 'null' },
  { seed: 7, seconds: 10, browser: 'shell', warmBrowsers: 2 },
] as const)('with seed $seed and the $browser browser no promise is broken', async options => {
  const { violations, faults, recording, ends } = await runChaos(options);
  const seen = { seed: options.seed, faults: faults.map(({ what }) => what), ends };
  expect({ ...seen, violations }).toEqual({ ...seen, violations: [] });
  expect(recording.sessions.length).toBeGreaterThan(5);
});
