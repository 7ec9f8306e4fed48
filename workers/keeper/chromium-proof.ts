import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OPEN_EGRESS } from '../../src/config/egress';
import { NO_LIMITS, type BrowserLimits } from '../../src/config/browser-limits';
import { systemClock } from '../../src/core/clock';
import { messageOf } from '../../src/core/errors';
import { createLogger } from '../../src/core/logger';
import { systemProcesses } from '../../src/core/process-identity';
import { CHROMIUM_ROOM_BYTES } from './books/disk-room';
import { PLAIN_LAUNCH } from './door/protocol';
import { EgressTally } from './companions/egress-tally';
import { FORWARD_PROXY_PROGRAMS } from './companions/forward-proxy-start';
import type { Firewall } from './firewall/firewall';
import { chromiumCommand, type ChromiumChoice } from './process/browser-command';
import type { BrowserRuntime } from './process/browser-facts';
import { BrowserProcess } from './process/browser-process';
import {
  AS_WELL_AS_POSSIBLE,
  findIsolation,
  type Isolation,
  type IsolationWish,
} from './isolation/isolation';
import { findLimits, type FoundLimits } from './limits/find-limits';
import { Leftovers } from './process/leftovers';
import { RunDirectory } from './process/run-directory';
import { browserUser, prepareRunRoot, runRootFor } from './process/run-root';

/** The result of one real launch. */
export type ChromiumProof =
  | {
      readonly ok: true;
      readonly launchMs: number;
      readonly uid: number;
      readonly isolation: Pick<Isolation, 'level' | 'whyNotMore' | 'sealedBy'>;
      readonly limits: Pick<FoundLimits, 'enforced' | 'whyNotMore'>;
    }
  | { readonly ok: false; readonly reason: string; readonly advice: readonly string[] };

/** The browser that is started: any of {@link ChromiumChoice}. */
export interface ProvenChromium extends Pick<ChromiumChoice, 'args' | 'noSandbox'> {
  readonly program: string;
}

const LAUNCH_TIMEOUT_MS = 30_000;

const SHIM_SCRIPT = join(__dirname, 'process', 'shim.sh');

/**
 * Starts a Chromium exactly as a keeper does (flags, user, sandbox, run directory) and ends it again. Chromium does
 * not start without its sandbox unless a flag says so, so a launch proves the sandbox as well.
 */
export async function proveChromium(
  { program, ...choice }: ProvenChromium,
  wish: IsolationWish = AS_WELL_AS_POSSIBLE,
  wanted: BrowserLimits = NO_LIMITS,
): Promise<ChromiumProof> {
  const dataDir = await mkdtemp(join(tmpdir(), 'hf-proof-'));
  let runRoot: string | null = null;
  let opened: Firewall | null = null;
  try {
    runRoot = await runRootFor(dataDir, browserUser());
    await prepareRunRoot(runRoot);
    const proven = { program, args: choice.args };
    const { runtime, isolation, limits } = await proofRuntime(proven, runRoot, wish, wanted);
    await runtime.firewall?.open([]);
    opened = runtime.firewall;
    const startedMs = systemClock.monotonicMs();
    const directory = RunDirectory.fresh(runRoot);
    const browser = await BrowserProcess.launch(
      directory,
      chromiumCommand({ ...choice, ...{ programs: { chromium: program }, byDefault: 'chromium' } }, runtime)(
        directory,
        'proof',
        PLAIN_LAUNCH,
      ),
      runtime,
      { timeoutMs: LAUNCH_TIMEOUT_MS, signal: new AbortController().signal },
    );
    const launchMs = Math.round(systemClock.monotonicMs() - startedMs);
    const { uid } = browser.facts.user;
    await browser.end();
    return { ok: true, launchMs, uid, isolation, limits };
  } catch (error) {
    const reason = messageOf(error);
    return { ok: false, reason, advice: adviceFor(reason) };
  } finally {
    await opened?.close().catch(() => undefined); // the next keeper removes what is abandoned
    if (runRoot !== null) await rm(runRoot, { recursive: true, force: true });
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** What a proof launches with, and what it says about that. */
type ProofRuntime = { readonly runtime: BrowserRuntime } & Pick<
  Extract<ChromiumProof, { ok: true }>,
  'isolation' | 'limits'
>;

async function proofRuntime(
  { program, args }: Pick<ProvenChromium, 'program' | 'args'>,
  runRoot: string,
  wish: IsolationWish,
  wanted: BrowserLimits,
): Promise<ProofRuntime> {
  const processes = systemProcesses;
  const nowMs = (): number => systemClock.nowMs();
  const log = createLogger('proof', 'silent');
  const { users, cage, firewall, ...isolation } = await findIsolation({
    ...{ wish, runRoot, programs: [program], args, processes, nowMs, log },
  });
  // Nobody else is moved: the keeper that is to come has another parent.
  const { cgroups, ...limits } = await findLimits({ wanted, runRoot, processes, ancestorPid: process.pid });
  const runtime: BrowserRuntime = {
    processes,
    leftovers: new Leftovers(processes),
    users,
    cage,
    firewall,
    cgroups,
    shimScript: SHIM_SCRIPT,
    roomNeededBytes: CHROMIUM_ROOM_BYTES,
    forwardProxyArgs: FORWARD_PROXY_PROGRAMS,
    egress: OPEN_EGRESS,
    egressTally: new EgressTally(log),
    // A plain launch needs no display.
    searchPath: '',
    log,
  };
  return { runtime, isolation, limits };
}

/** Advice for known failures of Chromium at start. */
export function adviceFor(reason: string): string[] {
  if (/no usable sandbox|setuid sandbox|CanCreateProcessInNewNS|Operation not permitted/i.test(reason)) {
    return [
      'Chromium cannot build its sandbox: this system forbids unprivileged user namespaces. To allow them:',
      '  Debian, older kernels:  sudo sysctl -w kernel.unprivileged_userns_clone=1',
      '  Ubuntu 23.10 or later:  sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
      '  RHEL, Fedora:           sudo sysctl -w user.max_user_namespaces=15000',
      '  Docker:                 --security-opt seccomp=docker/seccomp.json',
      'Or set HOLDFAST_NO_SANDBOX=1: a page that breaks out of the renderer then has the rights of the browser user.',
    ];
  }
  if (/error while loading shared libraries/i.test(reason)) {
    return [
      'Libraries of Chromium are missing; install Chromium through the package manager of this system.',
    ];
  }
  if (/Permission denied|EACCES|status 126/i.test(reason)) {
    return [
      'The browser user may not read or execute it: browsers run as users of their own when Holdfast runs as root.',
      'Install Chromium outside of home folders (for example below /opt) and set HOLDFAST_CHROMIUM_PATH.',
    ];
  }
  return [];
}
