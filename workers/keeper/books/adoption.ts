import { settlesWithin } from '../../../src/core/abort';
import { isAlive } from '../../../src/core/process-identity';
import { Companions } from '../companions/companions';
import type { BrowserRuntime } from '../process/browser-facts';
import { BrowserProcess } from '../process/browser-process';
import { fetchDevToolsPath } from '../process/devtools';
import { doubtOfPort } from '../process/doubts';
import { reportExit, reportOrdered, reportRefused } from '../process/gone-report';
import type { GoneReport } from '../door/protocol';
import { firewallEntries } from './firewall-entries';
import type { Records, StoredBrowser } from './records';
import { letRun } from '../process/let-run';
import { removeTree, UNKNOWN } from '../process/remove-tree';
import { RunDirectory } from '../process/run-directory';

/**
 * How long a browser may take to answer with its GUID. One that is too busy to answer is not taken for another browser.
 */
const GUID_PATIENCE_MS = 1_000;

/** How long the start waits for one removal: longer than a whole ladder (close, TERM, KILL) takes. */
const REAP_PATIENCE_MS = 5_000;

/** What an earlier keeper left behind. */
export interface RecoveredBrowsers {
  readonly alive: readonly { readonly stored: StoredBrowser; readonly process: BrowserProcess }[];
  readonly gone: readonly {
    readonly name: string;
    readonly stored: StoredBrowser;
    readonly report: GoneReport & { readonly atMs: number };
  }[];
  /** Run directories that were removed because no browser of theirs could be kept; see also {@link warmReaped}. */
  readonly orphansReaped: number;
  /** Those of browsers that were started ahead and that no session had: they are no orphans. */
  readonly warmReaped: number;
}

/** Dependencies of {@link recoverBrowsers}. */
export interface AdoptionDeps {
  readonly runRoot: string;
  readonly records: Records;
  readonly runtime: BrowserRuntime;
  readonly bootId: string;
  readonly nowMs: number;
}

/**
 * Checks what is on the machine at the keeper's start. Browsers that are certainly the recorded ones are kept (boot,
 * pid, start time and GUID agree), browsers that ended meanwhile become reports, everything else is killed and removed
 * (I7).
 */
export async function recoverBrowsers(deps: AdoptionDeps): Promise<RecoveredBrowsers> {
  const records = await deps.records.load();
  const directories = await RunDirectory.list(deps.runRoot);
  await deps.runtime.firewall?.open(await firewallEntries(deps.runRoot, directories, records));
  await deps.runtime.cgroups.sweep(directories).catch((error: unknown) => {
    // The next start tries again; nothing waits for their names.
    deps.runtime.log.warn({ err: error }, 'cgroups of earlier browsers could not be removed');
  });
  const unrecorded = directories.filter(name => !records.has(name));
  const [classified, ahead] = await Promise.all([
    Promise.all([...records].map(([name, stored]) => classify(name, stored, deps))),
    Promise.all(unrecorded.map(name => reapUnrecorded(RunDirectory.at(deps.runRoot, name), deps))),
  ]);
  const warmReaped = ahead.filter(isAhead => isAhead).length;
  return {
    alive: classified.flatMap(({ process, stored }) => (process === null ? [] : [{ stored, process }])),
    gone: classified.flatMap(({ name, stored, report }) =>
      report === null ? [] : [{ name, stored, report }],
    ),
    orphansReaped: unrecorded.length - warmReaped + classified.filter(({ reaped }) => reaped).length,
    warmReaped,
  };
}

/** The run directory of a recorded browser. */
export function directoryOf(runRoot: string, name: string, { keepsProfile }: StoredBrowser): RunDirectory {
  return RunDirectory.at(runRoot, name, { mountedFor: null, isKept: keepsProfile });
}

/**
 * How long the report of a browser is kept: far longer than a lease, after which no worker asks for it. A kept profile
 * waits for a day, because the store that it is saved to may be away for longer.
 */
export function goneKeptMs(keepsProfile: boolean): number {
  return keepsProfile ? 24 * 3_600_000 : 600_000;
}

interface Classification {
  readonly name: string;
  readonly stored: StoredBrowser;
  readonly process: BrowserProcess | null;
  readonly report: (GoneReport & { readonly atMs: number }) | null;
  readonly reaped: boolean;
}

async function classify(name: string, stored: StoredBrowser, deps: AdoptionDeps): Promise<Classification> {
  const directory = directoryOf(deps.runRoot, name, stored);
  if (stored.gone !== null) {
    await reap(directory, null, deps);
    const expired = deps.nowMs - stored.gone.atMs > goneKeptMs(stored.keepsProfile);
    if (expired) await deps.records.remove(name).catch(() => undefined); // tried again at the next start
    return { name, stored, process: null, report: expired ? null : stored.gone, reaped: false };
  }
  // One that sleeps would not answer.
  if (stored.bootId === deps.bootId) await letRun(stored.facts, deps.runtime);
  const doubt = await doubtOfRecorded(stored, deps);
  if (doubt === null) {
    return {
      name,
      stored,
      process: BrowserProcess.adopt(directory, stored.facts, deps.runtime),
      report: null,
      reaped: false,
    };
  }
  const status = await directory.exitStatus();
  const cause = stored.ordered
    ? reportOrdered('ended by order')
    : doubt.why === null
      ? await reportExit(status, directory, stored.facts.cgroups)
      : reportRefused(doubt.why);
  const report = { ...cause, atMs: deps.nowMs };
  await deps.records.saveOrRetry(name, { ...stored, gone: report });
  await reap(directory, stored, deps);
  return { name, stored, process: null, report, reaped: status === null };
}

/** Why a recorded browser is not kept: `why` is null if it has just ended. */
interface Doubt {
  readonly why: string | null;
}

/**
 * Boot, pid and start time must agree, the DevTools port must not be another's, and the GUID must agree if the browser
 * answers. A browser that cannot be checked is kept: its end is watched in any case.
 */
async function doubtOfRecorded({ bootId, facts }: StoredBrowser, deps: AdoptionDeps): Promise<Doubt | null> {
  const { processes } = deps.runtime;
  if (bootId !== deps.bootId) return { why: null };
  if (!(await isAlive(processes, facts.browser).catch(() => true))) return { why: null };
  const { devTools } = facts;
  const { port, path } = devTools;
  if (port === 0) return null;
  const why = await doubtOfPort(facts, processes).catch(() => null);
  if (why !== null) return { why };
  const answer = await fetchDevToolsPath(devTools, GUID_PATIENCE_MS);
  return answer === null || answer === path ? null : { why: `another browser answers on port ${port}` };
}

/* Answers whether its browser was started ahead. */
async function reapUnrecorded(directory: RunDirectory, deps: AdoptionDeps): Promise<boolean> {
  const isAhead = await directory.isAhead();
  await reap(directory, null, deps);
  return isAhead;
}

/**
 * Kills the remaining processes of a browser and removes its folder. The group is killed only if its leader is provably
 * the recorded process. A removal that takes long continues after the start: it must not delay the keeper.
 */
async function reap(
  directory: RunDirectory,
  stored: StoredBrowser | null,
  { runtime, bootId }: AdoptionDeps,
): Promise<void> {
  const isSameShim =
    stored !== null &&
    stored.bootId === bootId &&
    (await isAlive(runtime.processes, stored.facts.shim).catch(() => false));
  const removal = isSameShim
    ? BrowserProcess.adopt(directory, stored.facts, runtime).end()
    : removeDead(directory, stored, runtime);
  await settlesWithin(removal, REAP_PATIENCE_MS);
}

async function removeDead(
  directory: RunDirectory,
  stored: StoredBrowser | null,
  runtime: BrowserRuntime,
): Promise<void> {
  if (stored !== null) await Companions.adopt(directory, stored.facts.companions, runtime).end();
  const { user = null, cgroups = [] } = stored?.facts ?? {};
  await removeTree(directory, { ...UNKNOWN, user, cgroups }, runtime);
}
