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

/** Programs that few systems have, and what becomes of the tests without them. */
const OPTIONAL_TEST_PROGRAMS = {
  prometheus: 'the tests of dashboards and alerts will be skipped',
  faketime: 'the tests with wrong clocks will be skipped',
  'chromium-headless-shell': 'more tests will start the whole Chromium',
};

/**
 * Installs the optional programs. Where that is not possible without a question, setup says so.
 */
export async function ensureOptionalTestPrograms() {
  if (!isForTests()) return;
  const missing = Object.keys(OPTIONAL_TEST_PROGRAMS).filter(name => which(name) === null);
  if (missing.length === 0) return;
  try {
    await ensurePackages(missing);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    log(`${error.message}; ${missing.map(name => OPTIONAL_TEST_PROGRAMS[name]).join(', ')}`);
    log(`Debian: sudo apt-get install -y ${missing.join(' ')}`);
    log('elsewhere: https://prometheus.io/download, https://github.com/wolfcw/libfaketime');
  }
}
