import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ConfigError } from '../../../src/config/config';
import { setsProxy } from '../../../src/config/egress';
import { ISOLATION_LEVELS, type IsolationLevel, type WantedIsolation } from '../../../src/config/isolation';
import { messageOf } from '../../../src/core/errors';
import type { Logger } from '../../../src/core/logger';
import type { ProcessTable } from '../../../src/core/process-identity';
import type { Firewall } from '../firewall/firewall';
import { dropEarlierFirewall, findFirewall } from '../firewall/find-firewall';
import { dropPrivileges } from '../process/privileges';
import { removeFolder } from '../process/remove-folder';
import { RunDirectory } from '../process/run-directory';
import { browserUser } from '../process/run-root';
import { SharedUser, type BrowserUsers } from '../users/browser-users';
import { usersForEach } from '../users/open-users';
import type { UidRange } from '../../../src/core/browser-uids';
import { Cage } from './cage';
import { findProgram } from './find-program';
import { OwnNetwork } from './own-network';
import { visiblePaths } from './visible-paths';

/** How the browsers of a keeper are kept apart. */
export interface Isolation {
  readonly level: IsolationLevel;
  /** Why it is not a higher one; null for the highest. */
  readonly whyNotMore: string | null;
  /** What is around cages on the network; null below `sealed`. */
  readonly sealedBy: 'firewall' | 'own_network' | null;
  readonly users: BrowserUsers;
  readonly cage: Cage | null;
  /** Not open yet. Whoever opens it has to close it. */
  readonly firewall: Firewall | null;
}

/** What an operator asks for. */
export interface IsolationWish {
  readonly wanted: WantedIsolation;
  /** The user ids for browsers; null: the best that are available. */
  readonly uids: UidRange | null;
  /** Paths that caged browsers may read besides what they need. */
  readonly reads: readonly string[];
}

/** Without an operator's wish. */
export const AS_WELL_AS_POSSIBLE: IsolationWish = { wanted: 'auto', uids: null, reads: [] };

/** What {@link findIsolation} needs. */
export interface IsolationParts {
  readonly wish: IsolationWish;
  readonly runRoot: string;
  /** The browsers' executables; none: the null browser, which needs no cage. */
  readonly programs: readonly string[];
  /** The operator's flags for them. */
  readonly args?: readonly string[];
  /** For tests: how Node runs the relay when there is no build. */
  readonly relayArgs?: readonly string[];
  readonly processes: ProcessTable;
  readonly nowMs: () => number;
  readonly log: Logger;
}

/** The settings ask for an isolation that this machine does not have, or for one that is too weak. */
export class IsolationError extends ConfigError {
  constructor(
    readonly code: 'isolation_unavailable' | 'isolation_too_weak',
    problem: string,
  ) {
    super([`${problem} (${code})`]);
    this.name = 'IsolationError';
  }
}

/** The PATH of browsers, on which the shim finds programs as well. */
const SEARCH_PATH = '/usr/local/bin:/usr/bin:/bin';

const TRIAL_TIMEOUT_MS = 10_000;

/** Chromium's own sandbox needs a user namespace inside the cage; unshare(1) of util-linux says whether it gets one. */
const TRIAL = 'command -v unshare >/dev/null || exit 0; exec unshare --user true';

/**
 * The best isolation that is wanted and available: a cage is tried once, as the browsers' user, and the rules of a
 * firewall.
 *
 * @throws IsolationError if a level is named and this machine does not have it; NftError; what the file system throws.
 */
export async function findIsolation(parts: IsolationParts): Promise<Isolation> {
  const { wanted } = parts.wish;
  const limit = wanted === 'auto' ? ISOLATION_LEVELS.length - 1 : ISOLATION_LEVELS.indexOf(wanted);
  const found = await upTo(limit, parts);
  if (found.firewall === null && process.getuid?.() === 0) await dropEarlierFirewall(parts.runRoot);
  if (wanted === 'auto' || found.level === wanted || isEnough(wanted, parts)) return found;
  throw new IsolationError(
    'isolation_unavailable',
    `HOLDFAST_ISOLATION: ${wanted} is not available on this machine: ${found.whyNotMore ?? ''}`,
  );
}

/* A null browser is a process that reads nothing and sends nothing. */
const isEnough = (wanted: IsolationLevel, { programs }: IsolationParts): boolean =>
  programs.length === 0 && ISOLATION_LEVELS.indexOf(wanted) >= ISOLATION_LEVELS.indexOf('cage');

async function upTo(limit: number, parts: IsolationParts): Promise<Isolation> {
  const { wish, processes, nowMs } = parts;
  const shared = { users: new SharedUser(browserUser()), cage: null, firewall: null, sealedBy: null };
  if (limit === 0) return { ...shared, level: 'shared', whyNotMore: SETTING };
  const each = await usersForEach({ wished: wish.uids, processes, nowMs });
  const isRoot = process.getuid?.() === 0;
  // An ordinary user has cages without users; root would have them with users that share files.
  if (isRoot && 'why' in each) return { ...shared, level: 'shared', whyNotMore: each.why };
  const uncaged = 'why' in each ? shared : { ...shared, users: each };
  const level = 'why' in each ? 'shared' : 'user';
  if (limit === 1) return { ...uncaged, level, whyNotMore: 'why' in each ? each.why : SETTING };
  const cage = await tryCage(uncaged.users, parts);
  if ('why' in cage) return { ...uncaged, level, whyNotMore: cage.why };
  const caged = { ...uncaged, ...cage, level: 'cage' } as const;
  if (limit === 2) return { ...caged, whyNotMore: SETTING };
  const sealed = await trySealing(caged, parts);
  if ('why' in sealed) return { ...caged, whyNotMore: sealed.why };
  return { ...caged, ...sealed, level: 'sealed', whyNotMore: null };
}

/* Rules are about users: those of a browser alone. Whoever cannot give it one gives it a network. */
async function trySealing(
  { cage, users }: { readonly cage: Cage; readonly users: BrowserUsers },
  parts: IsolationParts,
): Promise<(Pick<Isolation, 'sealedBy'> & Partial<Isolation>) | { readonly why: string }> {
  if (process.getuid?.() === 0) {
    const found = await findFirewall(parts);
    return 'why' in found ? found : { ...found, sealedBy: 'firewall' };
  }
  const { args = [], relayArgs, runRoot } = parts;
  // It would win over the forward proxy, and lead nowhere.
  if (setsProxy(args.join(' '))) return { why: 'HOLDFAST_CHROMIUM_ARGS names a proxy of its own' };
  const network = await OwnNetwork.prepare(cage.program, runRoot, relayArgs);
  const problem = await trial(cage.in(network.withoutRelay), users, runRoot);
  if (problem !== null) return { why: `a network of its own cannot be made: ${problem}` };
  return { cage: cage.in(network), sealedBy: 'own_network' };
}

const SETTING = 'HOLDFAST_ISOLATION says so';

async function tryCage(
  users: BrowserUsers,
  { programs, wish, runRoot }: IsolationParts,
): Promise<{ readonly cage: Cage } | { readonly why: string }> {
  if (process.platform !== 'linux') return { why: 'cages need Linux' };
  if (programs.length === 0) return { why: 'the null browser needs no cage' };
  const bubblewrap = await findProgram('bwrap', SEARCH_PATH);
  if (bubblewrap === null) return { why: 'bubblewrap is not installed (Debian: apt-get install bubblewrap)' };
  const visible = await visiblePaths(programs, wish.reads);
  const shows = visible.required.find(path => `${runRoot}/`.startsWith(`${path}/`));
  if (shows !== undefined) return { why: `${shows}, which browsers have to read, contains the data folder` };
  const cage = await Cage.prepare(bubblewrap, visible, runRoot);
  const problem = await trial(cage, users, runRoot);
  return problem === null ? { cage } : { why: `a cage cannot be made: ${problem}` };
}

/* Why a small program does not run in a cage; null if it does. */
async function trial(cage: Cage, users: BrowserUsers, runRoot: string): Promise<string | null> {
  const directory = RunDirectory.fresh(runRoot);
  const user = await users.take(directory.path);
  try {
    await directory.make(user, { isCaged: true, isAhead: false });
    const words = [...dropPrivileges(user), ...cage.words(directory), '/bin/sh', '-c', TRIAL];
    const script = '"$@" 3<>"$0"';
    const options = { env: { PATH: SEARCH_PATH }, cwd: '/', timeout: TRIAL_TIMEOUT_MS };
    await promisify(execFile)('/bin/sh', ['-c', script, directory.cageReport, ...words], options);
    return null;
  } catch (error) {
    // SAFETY: Object() makes an object of anything; whether the program has said something is what is asked.
    const { stderr } = Object(error) as { stderr?: unknown };
    const words = typeof stderr === 'string' ? stderr.trim().split('\n').at(-1) : '';
    return words || messageOf(error);
  } finally {
    await removeFolder(directory.path);
    await users.free(user);
  }
}
