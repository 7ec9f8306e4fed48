import type { BrowserGoneCause } from '../../../machines/session/session.words';
import {
  DEFAULT_BROWSER_OPTIONS,
  type BrowserOptions,
  type Endpoint,
  type Fence,
} from '../../../machines/session/session.types';
import type { BrowserLoad } from '../process/browser-load';

/**
 * What worker and keeper say to each other over the keeper's Unix socket: one JSON object a line.
 * The worker asks with an `id` and gets exactly one reply with the same id; events come unasked.
 *
 * The keeper knows sessions only as `ref` strings and trusts a claim, not a caller: an order under a claim that
 * is not the one it recorded for that browser is refused with `unknown_claim` (I6).
 */

/** A browser as the keeper sees it. */
export interface BrowserRecord {
  readonly ref: string;
  readonly fence: Fence;
  /** `gone` ones are kept until the worker forgets them, so that a restarted worker still learns how they went. */
  readonly state: 'starting' | 'running' | 'closing' | 'gone';
  readonly endpoint: Endpoint | null;
  /** Only for `gone`: how it went; null when it went by our own order. */
  readonly gone: GoneReport | null;
  /** Its downloads have been cut, and no worker has said `cutsHeard` yet. Left out otherwise, and by older keepers. */
  readonly hasNewCuts?: true;
}

/** How a browser ended. */
export interface GoneReport {
  readonly cause: BrowserGoneCause | null;
  readonly message: string;
}

/** The proxy that a browser goes through. Never logged: it may hold a password. */
export interface UpstreamProxy {
  /** `scheme://host:port`, the scheme `http`, `https` or `socks5`. */
  readonly server: string;
  readonly username: string | null;
  readonly password: string | null;
}

/** What a browser is started with: the session's own options, and the whole of its proxy. */
export interface LaunchOptions extends Omit<BrowserOptions, 'proxyServer'> {
  readonly proxy: UpstreamProxy | null;
}

const { proxyServer, ...PLAIN_OPTIONS } = DEFAULT_BROWSER_OPTIONS;

/** A launch about which nobody had a wish. */
export const PLAIN_LAUNCH: LaunchOptions = { ...PLAIN_OPTIONS, proxy: null };

/** Counters for the worker to export; the keeper itself serves no metrics. All since the keeper's start. */
export interface KeeperStats {
  readonly slots: number;
  /** Browsers that hold a slot: everything not yet gone, process tree and run directory. */
  readonly used: number;
  readonly orphansReaped: number;
  /** Downloads that were cut because a session had used up its quota. Left out by older keepers. */
  readonly downloadsCut?: number;
  /** Clients from other machines that are spliced through right now. */
  readonly gatewayConnections: number;
  /** What the browsers cost, looked at every ten seconds; null where that cannot be known. */
  readonly load: BrowserLoad | null;
}

/** Worker → keeper, by operation: what is asked and what is answered. */
export interface KeeperOperations {
  /**
   * Makes the caller the one registered worker; the connection of any earlier one is closed. The worker must beat
   * every second from then on; silent for 3 s, it is killed by pid and start time.
   */
  readonly register: {
    readonly request: {
      readonly workerPid: number;
      readonly workerStartedAt: string;
    };
    readonly reply: {
      readonly hostId: string;
      readonly keeperPid: number;
      readonly keeperStartedAt: string;
      readonly stats: KeeperStats;
      readonly browsers: readonly BrowserRecord[];
    };
  };
  readonly beat: { readonly request: Record<string, never>; readonly reply: { readonly stats: KeeperStats } };
  /**
   * Supervisor → keeper, every second and without a registration: it lives and brings a worker. A keeper that hears
   * this keeps its browsers without a worker for {@link WORKERLESS_MAX_MS} instead of {@link ADOPT_GRACE_MS}.
   */
  readonly attend: {
    readonly request: Record<string, never>;
    readonly reply: {
      readonly hostId: string;
      readonly keeperPid: number;
      readonly keeperStartedAt: string;
    };
  };
  /** Hands over the installation's secret, with which the gateway checks tickets. Needs Redis, so it comes later. */
  readonly secret: { readonly request: { readonly secret: string }; readonly reply: Record<string, never> };
  /** Starts a browser; answers when its DevTools socket accepts, or fails with everything it had started gone. */
  readonly launch: {
    readonly request: {
      readonly ref: string;
      readonly fence: Fence;
      readonly timeoutMs: number;
      readonly options: LaunchOptions;
    };
    readonly reply: { readonly endpoint: Endpoint };
  };
  /** Records a new claim for a running browser (adoption). `from` must be the recorded one. */
  readonly claim: {
    readonly request: { readonly ref: string; readonly from: Fence; readonly to: Fence };
    readonly reply: Record<string, never>;
  };
  /** Ends a browser and answers when its process tree and run directory are gone. Unknown claims answer at once. */
  readonly close: {
    readonly request: { readonly ref: string; readonly claimId: string };
    readonly reply: { readonly known: boolean };
  };
  /** The worker has committed what a `gone` browser meant; its record may go. */
  readonly forget: {
    readonly request: { readonly ref: string; readonly claimId: string };
    readonly reply: Record<string, never>;
  };
  /** The worker has committed that the downloads of a browser were cut. */
  readonly cutsHeard: {
    readonly request: { readonly ref: string; readonly claimId: string };
    readonly reply: Record<string, never>;
  };
  readonly list: {
    readonly request: Record<string, never>;
    readonly reply: { readonly stats: KeeperStats; readonly browsers: readonly BrowserRecord[] };
  };
}

/** The name of an operation. */
export type KeeperOperation = keyof KeeperOperations;

/** Why the keeper did not do what it was asked. */
export type KeeperErrorCode =
  | 'no_free_slot'
  | 'launch_failed'
  | 'launch_cancelled'
  | 'unknown_claim'
  | 'stale_claim'
  | 'not_registered'
  | 'bad_request'
  /** Something of the keeper's broke (a full disk, for one); its log says what. */
  | 'internal_error';

/** One line from the worker. */
export interface KeeperRequest {
  readonly id: number;
  readonly op: KeeperOperation;
  readonly args: unknown;
}

/** One line from the keeper. */
export type KeeperMessage =
  | { readonly id: number; readonly ok: unknown }
  | { readonly id: number; readonly error: { readonly code: KeeperErrorCode; readonly message: string } }
  | KeeperEvent;

/** Lines from the keeper that nobody asked for. */
export type KeeperEvent =
  /** A browser went without an order of ours. */
  | { readonly event: 'browser_gone'; readonly browser: BrowserRecord }
  /** A slot was taken or became free. */
  | { readonly event: 'stats'; readonly stats: KeeperStats };

/** How often the worker beats. */
export const BEAT_EVERY_MS = 1_000;

/** After this long without a beat the other side is taken for frozen and killed. */
export const SILENT_AFTER_MS = 3_000;

/**
 * A keeper that has heard neither a worker nor a supervisor for this long ends its browsers: the length of a worker's lease.
 */
export const ADOPT_GRACE_MS = 10_000;

/**
 * For how long a supervisor's word counts without a worker. Nobody but a worker can have the browsers of ended sessions
 * closed, so that a worker that never comes must not keep them for ever.
 */
export const WORKERLESS_MAX_MS = 60_000;

/** How long the keeper lets one launch take; below the machine's own 30 s, so that the owner speaks first. */
export const KEEPER_LAUNCH_TIMEOUT_MS = 25_000;
