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

/** Programs that few systems have, and the tests that need them. */
const OPTIONAL_TEST_PROGRAMS = {
  prometheus: 'the tests of dashboards and alerts',
  faketime: 'the tests with wrong clocks',
};

/**
 * Installs the optional programs. Where that is not possible without a question, setup says so, and their tests are
 * skipped.
 */
export async function ensureOptionalTestPrograms() {
  if (!isForTests()) return;
  const missing = Object.keys(OPTIONAL_TEST_PROGRAMS).filter(name => which(name) === null);
  if (missing.length === 0) return;
  try {
    await ensurePackages(missing);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    const skipped = missing.map(name => OPTIONAL_TEST_PROGRAMS[name]).join(' and ');
    log(`${error.message}; ${skipped} will be skipped`);
    log(`Debian: sudo apt-get install -y ${missing.join(' ')}`);
    log('elsewhere: https://prometheus.io/download, https://github.com/wolfcw/libfaketime');
  }
}
