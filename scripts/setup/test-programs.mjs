import { which } from './which.mjs';

/** Programs that only tests cannot do without, by what packages.mjs calls them. The service does without. */
const TEST_PROGRAMS = {
  xvfb: 'Xvfb',
};

/** What `npm test` needs beyond the rest and does not find. Elsewhere than on Linux its tests are not run. */
export function missingForTests() {
  if (process.env.npm_lifecycle_event !== 'pretest' || process.platform !== 'linux') return [];
  return Object.keys(TEST_PROGRAMS).filter(name => which(TEST_PROGRAMS[name]) === null);
}
