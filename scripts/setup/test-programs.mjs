import { ensurePackages } from './packages.mjs';
import { log, SetupError } from './report.mjs';
import { which } from './which.mjs';

/** Programs that only the tests need, by the names that packages.mjs uses. */
const TEST_PROGRAMS = {
  xvfb: 'Xvfb',
};

const isForTests = () => process.env.npm_lifecycle_event === 'pretest';

/** Programs that only `npm test` needs and that are missing. On other systems than Linux their tests are skipped. */
export function missingForTests() {
  if (!isForTests() || process.platform !== 'linux') return [];
  return Object.keys(TEST_PROGRAMS).filter(name => which(TEST_PROGRAMS[name]) === null);
}

/**
 * The tests of dashboards and alerts need a real Prometheus. Few systems have a package of it. Where it cannot be
 * installed without a question, setup says so and these tests are skipped.
 */
export async function ensurePrometheus() {
  if (!isForTests() || which('prometheus') !== null) return;
  try {
    await ensurePackages(['prometheus']);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    log(`${error.message}; the tests of dashboards and alerts will be skipped`);
    log('Debian: sudo apt-get install -y prometheus; elsewhere: https://prometheus.io/download');
  }
}
