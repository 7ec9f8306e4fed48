import { existsSync } from 'node:fs';
import { ensurePackages, whyNotInstall } from './packages.mjs';
import { log, SetupError } from './report.mjs';
import { which } from './which.mjs';

/** What is installed, and at which levels of isolation it is needed. */
const PROGRAMS = [
  { name: 'bubblewrap', levels: ['auto', 'cage', 'sealed'], isThere: () => which('bwrap') !== null },
  // Rules on the network are root's, and so is the folder that nft is in.
  {
    name: 'nftables',
    levels: ['auto', 'sealed'],
    isThere: () => process.getuid?.() !== 0 || which('nft') !== null || existsSync('/usr/sbin/nft'),
  },
];

/**
 * Installs what keeps browsers apart: bubblewrap makes their cages, nftables their firewalls. Only where that needs no
 * question: without it browsers are kept apart less well, so nothing stops for it; `holdfast doctor` and the keeper's
 * log say it.
 */
export async function ensureIsolation() {
  const { HOLDFAST_BROWSER, HOLDFAST_ISOLATION = 'auto' } = process.env;
  if (process.platform !== 'linux' || ['null', 'none'].includes(HOLDFAST_BROWSER)) return;
  const missing = PROGRAMS.filter(({ levels, isThere }) => levels.includes(HOLDFAST_ISOLATION) && !isThere());
  const names = missing.map(({ name }) => name);
  if (names.length === 0 || (await whyNotInstall(names)) !== null) return;
  try {
    await ensurePackages(names);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    log(`${error.message}; browsers will be kept apart less well (docs/isolation.md)`);
  }
}
