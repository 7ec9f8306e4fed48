import { ensurePackages, whyNotInstall } from './packages.mjs';
import { log, SetupError } from './report.mjs';
import { which } from './which.mjs';

/**
 * Installs bubblewrap, which makes the cages of browsers, where that needs no question. Without it browsers are kept apart
 * less well, so nothing stops for it; `holdfast doctor` and the keeper's log say it.
 */
export async function ensureBubblewrap() {
  const { HOLDFAST_BROWSER, HOLDFAST_ISOLATION = 'auto' } = process.env;
  const isWanted = HOLDFAST_BROWSER !== 'null' && ['auto', 'cage'].includes(HOLDFAST_ISOLATION);
  if (process.platform !== 'linux' || !isWanted || which('bwrap') !== null) return;
  if ((await whyNotInstall(['bubblewrap'])) !== null) return;
  try {
    await ensurePackages(['bubblewrap']);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    log(`${error.message}; browsers will have no cage of their own (docs/isolation.md)`);
  }
}
