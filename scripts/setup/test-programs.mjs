import { ensurePackages } from './packages.mjs';
import { say, SetupError } from './report.mjs';
import { which } from './which.mjs';

/** Programs that only tests cannot do without, by what packages.mjs calls them. The service does without. */
const TEST_PROGRAMS = {
  xvfb: 'Xvfb',
};

const isForTests = () => process.env.npm_lifecycle_event === 'pretest';

/** What `npm test` needs beyond the rest and does not find. Elsewhere than on Linux its tests are not run. */
export function missingForTests() {
  if (!isForTests() || process.platform !== 'linux') return [];
  return Object.keys(TEST_PROGRAMS).filter(name => which(TEST_PROGRAMS[name]) === null);
}

/**
 * The tests of dashboards and alerts want a real Prometheus. Only they do, and few systems have a package of it: where it
 * cannot be installed without a question that is said, and they are skipped.
 */
export async function ensurePrometheus() {
  if (!isForTests() || which('prometheus') !== null) return;
  try {
    await ensurePackages(['prometheus']);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`${error.message}; the tests of dashboards and alerts will be skipped`);
    say('Debian: sudo apt-get install -y prometheus; elsewhere: https://prometheus.io/download');
  }
}
