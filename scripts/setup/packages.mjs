import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchesChromium, whyNotFetch } from './fetch-chromium.mjs';
import { log, SetupError } from './report.mjs';
import { run } from './run.mjs';
import { which } from './which.mjs';

const DEBIAN_PACKAGES = {
  redis: 'redis-server',
  chromium: 'chromium',
  xvfb: 'xvfb',
  bubblewrap: 'bubblewrap',
  nftables: 'nftables',
  prometheus: 'prometheus',
  faketime: 'faketime',
  'chromium-headless-shell': 'chromium-headless-shell',
};
const FEDORA_PACKAGES = {
  redis: 'valkey',
  chromium: 'chromium',
  xvfb: 'xorg-x11-server-Xvfb',
  bubblewrap: 'bubblewrap',
  nftables: 'nftables',
};

/** Packages that have the same name on Ubuntu. */
const UBUNTU_PACKAGES = ['redis', 'xvfb', 'bubblewrap', 'nftables', 'prometheus', 'faketime'];

/** Variables that a package manager may need to reach the network behind a proxy; sudo drops them otherwise. */
const PROXY_NAMES = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

/**
 * Installs what is missing (names of `DEBIAN_PACKAGES`) where that needs no question: with apt-get as root, or through
 * a sudo that asks for no password.
 */
export async function ensurePackages(missing) {
  const problem = await whyNotInstall(missing);
  if (problem !== null)
    throw new SetupError(`missing: ${missing.join(', ')} (${problem})`, installHints(missing));
  const packages = missing.map(name => DEBIAN_PACKAGES[name]);
  log(
    `missing: ${missing.join(', ')}; installing ${packages.join(', ')} with apt-get (HOLDFAST_SETUP=check only checks)`,
  );
  const script = join(dirname(fileURLToPath(import.meta.url)), 'install-debian.sh');
  const prefix = isRoot() ? [] : ['sudo', '-n', `--preserve-env=${PROXY_NAMES.join(',')}`];
  const [program, ...args] = [...prefix, 'sh', script, ...packages];
  const code = await run(program, args);
  if (code !== 0)
    throw new SetupError(`apt-get failed with ${code}; see its errors above`, installHints(missing));
}

/** The lines that install what is missing, for the systems we know. */
export function installHints(missing) {
  const [redis, chromium] = ['redis', 'chromium'].map(name => missing.includes(name));
  const onFedora = missing.map(name => FEDORA_PACKAGES[name]).filter(Boolean);
  const onUbuntu = missing.filter(name => UBUNTU_PACKAGES.includes(name)).map(name => DEBIAN_PACKAGES[name]);
  const lines = [
    [
      'Debian',
      `sudo apt-get install -y --no-install-recommends ${missing.map(name => DEBIAN_PACKAGES[name]).join(' ')}`,
    ],
    ...(onUbuntu.length > 0
      ? [['Ubuntu', `sudo apt-get install -y --no-install-recommends ${onUbuntu.join(' ')}`]]
      : []),
    ...(chromium
      ? [
          ['Ubuntu', 'wget https://dl.google.com/linux/direct/google-chrome-stable_current_amd64.deb'],
          [
            '',
            'sudo apt-get install -y ./google-chrome-stable_current_amd64.deb   (its chromium is a snap, which cannot be used)',
          ],
        ]
      : []),
    ...(onFedora.length > 0 ? [['Fedora', `sudo dnf install -y ${onFedora.join(' ')}`]] : []),
    ...(redis ? [['macOS', 'brew install redis']] : []),
    ...(chromium ? [['macOS', 'brew install --cask google-chrome']] : []),
    ...(redis
      ? [
          [
            'Docker',
            'docker run -d -p 127.0.0.1:6379:6379 redis:7 --appendonly yes --maxmemory-policy noeviction --hz 100',
          ],
          ['', 'export REDIS_URL=redis://127.0.0.1:6379'],
        ]
      : []),
    ...(chromium && fetchesChromium()
      ? [['here', 'Chromium: nothing to do; the next start fetches it, when the rest is there']]
      : []),
    ...(missing.includes('chromium-headless-shell')
      ? [['any', 'npx puppeteer browsers install chrome-headless-shell   (not as root)']]
      : []),
    ...(chromium
      ? [['any', 'npx puppeteer browsers install chrome   (as the user that runs Holdfast, not as root)']]
      : []),
  ];
  return lines.map(([system, line]) => `  ${system.padEnd(8)}${line}`);
}

export async function whyNotInstall(missing) {
  if (process.env.HOLDFAST_SETUP === 'check') return 'nothing is installed, because of HOLDFAST_SETUP=check';
  if (which('apt-get') === null) {
    const whyNot = missing.includes('chromium') ? whyNotFetch() : null;
    return `this system has no apt-get${whyNot === null ? '' : `, and ${whyNot}`}`;
  }
  if (missing.includes('chromium') && osId() === 'ubuntu')
    return "Ubuntu's chromium is a snap, which cannot be used";
  if (
    !isRoot() &&
    (which('sudo') === null || (await run('sudo', ['-n', 'true'], { stdio: 'ignore' })) !== 0)
  ) {
    return 'not root, and sudo asks for a password';
  }
  return null;
}

const isRoot = () => process.getuid?.() === 0;

function osId() {
  try {
    return /^ID="?([a-z]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return 'unknown'; // no such file: not a system we know
  }
}
