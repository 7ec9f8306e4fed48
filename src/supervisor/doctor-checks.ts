import { execFile } from 'node:child_process';
import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { BROWSERS, type BrowserName } from '../../machines/session/session.words';
import type { Config } from '../config/config';
import { executableSearchPath } from '../config/env';
import type { IsolationLevel } from '../config/isolation';
import { isStandIn } from '../config/stand-in';
import { countTenants } from '../config/tenants';
import { staleDays } from '../core/browser-age';
import { systemClock } from '../core/clock';
import { messageOf } from '../core/errors';
import { systemProcesses } from '../core/process-identity';
import { checkRedisServer } from '../redis/server-check';
import { proveChromium, type ChromiumProof } from '../../workers/keeper/chromium-proof';
import { browserLocation, hostBrowsers, hostXvfb } from '../../workers/keeper/host';
import { livingHolder } from './data-lock';
import { isPortFree } from './port-check';
import { canReadOnly, findRedisBinary } from './redis-binary';
import { lockPath } from './supervisor';

/** One line of the doctor's report. */
export interface Finding {
  /** `bad`: Holdfast cannot run like this. `note`: it can, but the operator should check this. */
  readonly mark: 'ok' | 'note' | 'bad';
  readonly text: string;
  /** Further lines: what to do about it. */
  readonly advice?: readonly string[];
}

const run = promisify(execFile);

const VERSION_TIMEOUT_MS = 10_000;
const OLDEST_NODE = [20, 19] as const;
const GIB = 2 ** 30;
/** For browsers' profiles and downloads; a disk with less is soon full. */
const ENOUGH_DISK_BYTES = 2 * GIB;

const READ_ONLY_ADVICE =
  'this Redis has no right to read only, so a worker could also write API keys: use Redis 7 or later';

/** Whether Holdfast is tested with this version of Node. */
export function checkNode(version = process.versions.node): Finding[] {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  const enough = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
  return [enough ? ok(`Node ${version}`) : bad(`Node ${version} is older than ${OLDEST_NODE.join('.')}`)];
}

/** The Redis of REDIS_URL and its settings, or the program of the embedded Redis. */
export async function checkRedis({ redisUrl }: Config): Promise<Finding[]> {
  if (redisUrl === null) {
    const binary = await findRedisBinary(executableSearchPath());
    return binary === null
      ? [
          bad('no redis-server or valkey-server on PATH, and REDIS_URL is not set', [
            'node scripts/setup.mjs',
          ]),
        ]
      : [
          ok(`embedded Redis: ${await versionOf(binary)} (${binary}), with a user for each program`),
          ...((await canReadOnly(binary)) ? [] : [note(READ_ONLY_ADVICE)]),
        ];
  }
  try {
    const { version, warnings } = await checkRedisServer(redisUrl);
    return [ok(`Redis ${version} answers at REDIS_URL`), ...warnings.map(note)];
  } catch (error) {
    return [bad(`Redis does not answer at REDIS_URL: ${messageOf(error)}`)];
  }
}

/** The browser, tested with one launch in the keeper's way. */
export async function checkChromium(config: Config): Promise<Finding[]> {
  const { keeper } = config;
  if (isStandIn(keeper.browser))
    return [note(`HOLDFAST_BROWSER=${keeper.browser}: sessions have no real browser`)];
  const programs = await hostBrowsers(keeper, executableSearchPath());
  const program = programs[keeper.browser];
  if (program === undefined) return [bad(`no ${keeper.browser} found`, ['node scripts/setup.mjs'])];
  const version = await versionOf(program);
  const { chromiumArgs: args, noSandbox, isolation: wanted, browserUids: uids, browserReads: reads } = keeper;
  const proof = await proveChromium(
    { program, args, noSandbox },
    { wanted, uids, reads },
    keeper.browserLimits,
  );
  if (!proof.ok) return [bad(`${version} (${program}) does not start: ${proof.reason}`, proof.advice)];
  return [
    ok(`${version} (${program}) starts in ${proof.launchMs} ms as uid ${proof.uid}`),
    ...(await ageFindings(program)),
    noSandbox
      ? note('the sandbox is off (HOLDFAST_NO_SANDBOX): open only pages that you trust')
      : ok('the sandbox is on'),
    isolationFinding(proof.isolation, config),
    limitsFinding(proof.limits),
    ...BROWSERS.filter(name => name !== keeper.browser).map(name =>
      otherBrowserFinding(name, programs[name]),
    ),
  ];
}

/** What is said of a browser that was built long ago; nothing of one that was not. */
export async function ageFindings(program: string, nowMs = systemClock.nowMs()): Promise<Finding[]> {
  const days = await staleDays(program, nowMs);
  if (days === null) return [];
  const text = `it was built ${days} days ago: known holes in it are closed in newer versions`;
  return [
    { ...note(text), advice: ['update it like other programs of the machine, and restart the workers'] },
  ];
}

function otherBrowserFinding(name: BrowserName, program: string | undefined): Finding {
  return program === undefined
    ? note(`no ${name}: sessions that ask for it fail; other sessions do not need it`)
    : ok(`sessions can ask for ${name} (${program})`);
}

function limitsFinding({
  enforced,
  whyNotMore,
}: {
  enforced: readonly string[];
  whyNotMore: string | null;
}): Finding {
  const text = `limits of each browser: ${enforced.length === 0 ? 'none' : enforced.join(', ')}`;
  if (whyNotMore === null) return ok(text);
  return { ...note(text), advice: [`not more: ${whyNotMore}`, 'docs/isolation.md says what limits need'] };
}

/* Several tenants are refused below the highest level, as the keeper will. */
function isolationFinding(
  { level, whyNotMore, sealedBy }: Extract<ChromiumProof, { ok: true }>['isolation'],
  { apiKeys, keeper }: Config,
): Finding {
  const around = sealedBy === null ? '' : ` (${WHAT_SEALS[sealedBy]})`;
  const text = `isolation: ${level}, ${WHAT_IT_KEEPS_APART[level]}${around}`;
  if (whyNotMore === null) return ok(text);
  const tenants = countTenants(apiKeys);
  const isRefused = tenants > 1 && !keeper.allowsWeakIsolation;
  const advice = [`not more, because ${whyNotMore}`, 'docs/isolation.md says what each level needs'];
  if (!isRefused) return { ...note(text), advice };
  return bad(`${text}: too weak for ${tenants} tenants`, [
    ...advice,
    'or set HOLDFAST_ALLOW_WEAK_ISOLATION=1',
  ]);
}

const WHAT_IT_KEEPS_APART: Readonly<Record<IsolationLevel, string>> = {
  shared: 'one user runs all browsers',
  user: 'a user for each browser',
  cage: 'each browser sees its own files and processes alone',
  sealed: 'each browser sees its own files and processes alone, and no other program reaches its DevTools',
};

const WHAT_SEALS = {
  firewall: 'rules on the network about its user',
  own_network: 'a network of its own',
} as const;

/** Whether sessions can ask for windows (`headless: false`). */
export async function checkDisplay({ keeper }: Config): Promise<Finding[]> {
  if (isStandIn(keeper.browser) || process.platform !== 'linux') return [];
  const xvfb = await hostXvfb(executableSearchPath());
  if (xvfb !== null) return [ok(`sessions with windows get a display of their own (${xvfb})`)];
  return [
    {
      ...note('no Xvfb on PATH: sessions with headless: false fail; other sessions do not need it'),
      advice: ['Debian, Ubuntu: sudo apt-get install -y --no-install-recommends xvfb'],
    },
  ];
}

/** The folders of browsers, and their free space. */
export async function checkFolders({ dataDir }: Config): Promise<Finding[]> {
  const existing = await nearestExisting(dataDir);
  const findings = [await checkWritable(existing)];
  if (existing === dataDir) {
    try {
      const { runRoot } = await browserLocation(dataDir);
      findings.push(ok(`browsers run in ${runRoot}`));
    } catch (error) {
      findings.push(bad(messageOf(error)));
    }
  }
  const freeBytes = await freeBytesOf(existing);
  findings.push(
    freeBytes >= ENOUGH_DISK_BYTES
      ? ok(`${inGib(freeBytes)} of disk are free`)
      : note(`only ${inGib(freeBytes)} of disk are free below ${existing}`),
  );
  return findings;
}

/** How many browsers fit, and how many of them are kept ready. */
export function checkCapacity({ keeper: { slots, warmBrowsers } }: Config): Finding[] {
  const ready = warmBrowsers === 0 ? 'no browser is' : `up to ${Math.min(warmBrowsers, slots)} browsers are`;
  return [
    ok(`room for ${slots} ${slots === 1 ? 'session' : 'sessions'} at a time (HOLDFAST_SLOTS)`),
    ok(`${ready} kept ready for the next sessions (HOLDFAST_WARM_BROWSERS)`),
  ];
}

/** Whether data folder and port are free. */
export async function checkRunning({ dataDir, host, port, tls }: Config): Promise<Finding[]> {
  const holder = await livingHolder(lockPath(dataDir), systemProcesses);
  if (holder !== null)
    return [ok(`already running${holder.url === null ? '' : ` at ${holder.url}`} (pid ${holder.pid})`)];
  const findings =
    port === 0
      ? [ok('nothing is running; the system will choose a port (HOLDFAST_PORT=0)')]
      : [await checkPort('HOLDFAST_PORT', host, port)];
  return tls === null ? findings : [...findings, await checkPort('HOLDFAST_TLS_PORT', tls.host, tls.port)];
}

async function checkPort(setting: string, host: string, port: number): Promise<Finding> {
  if (await isPortFree(host, port)) return ok(`${host}:${port} is free, nothing is running`);
  return bad(`${host}:${port} is in use by another program`, [`set ${setting} to a free port`]);
}

async function checkWritable(folder: string): Promise<Finding> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    return ok(`${folder} is writable`);
  } catch (error) {
    return bad(`the data folder cannot be used: ${messageOf(error)}`, ['set HOLDFAST_DATA_DIR']);
  }
}

async function versionOf(program: string): Promise<string> {
  try {
    const { stdout } = await run(program, ['--version'], { timeout: VERSION_TIMEOUT_MS });
    // "Redis server v=7.0.15 sha=00000000:0 malloc=…", "Chromium 156.0.1 built on Debian"
    return stdout
      .trim()
      .replace(/ sha=.*$/, '')
      .replace(/^Redis server v=/, 'Redis ');
  } catch (error) {
    return `version unknown: ${messageOf(error)}`;
  }
}

async function nearestExisting(path: string): Promise<string> {
  const exists = await stat(path).then(
    () => true,
    () => false, // a folder above is tried next
  );
  return exists || dirname(path) === path ? path : nearestExisting(dirname(path));
}

async function freeBytesOf(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

const inGib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;
const ok = (text: string): Finding => ({ mark: 'ok', text });
const note = (text: string): Finding => ({ mark: 'note', text });
const bad = (text: string, advice: readonly string[] = []): Finding => ({ mark: 'bad', text, advice });
