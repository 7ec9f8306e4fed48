import type { BrowserGoneCause } from '../../../machines/session/session.words';
import {
  DEFAULTS_BESIDE_PROXY,
  type Endpoint,
  type Fence,
  type OptionsBesideProxy,
} from '../../../machines/session/session.types';
import type { EgressConfig } from '../../../src/config/egress';
import type { SleepCounts } from '../../../src/core/sleep-counts';
import type { Traffic, TrafficCounts } from '../../../src/core/traffic';
import type { WarmEndCause } from '../../../src/core/warm-end-causes';
import type { BrowserLoad } from '../process/browser-load';

/**
 * The protocol of worker and keeper on the keeper's Unix socket: one JSON object a line. The worker sends requests with
 * an `id` and gets exactly one reply with the same id; events come without a request.
 *
 * The keeper knows sessions only as `ref` strings and checks claims, not callers: an order under a claim that is not
 * the one it recorded for that browser is refused with `unknown_claim` (I6).
 */

/** A browser as the keeper sees it. */
export interface BrowserRecord {
  readonly ref: string;
  readonly fence: Fence;
  /** `gone` ones are kept until the worker forgets them, so that a restarted worker still learns how they ended. */
  readonly state: 'starting' | 'running' | 'closing' | 'gone';
  readonly endpoint: Endpoint | null;
  /** Only for `gone`: how it ended; null when it ended by the keeper's own order. */
  readonly gone: GoneReport | null;
  /** Its downloads have been cut, and no worker has sent `cutsHeard` yet. Left out otherwise, and by older keepers. */
  readonly hasNewCuts?: true;
  /** The same for an upload, until a worker has sent `uploadCutHeard`. */
  readonly hasNewUploadCut?: true;
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

/** What a launch does with profiles. */
export interface LaunchProfile {
  /** The worker has prepared a profile for this claim in its place (`workerFolders` in host.ts). */
  readonly isMounted: boolean;
  /** The profile stays after the end of the browser, until the worker forgets it. */
  readonly isKept: boolean;
}

/** What a browser is started with: the session's options, the proxy with its credentials, and the profile. */
export interface LaunchOptions extends OptionsBesideProxy {
  /** What browsers of the session's tenant may reach; null: all that the installation permits. */
  readonly tenantEgress: EgressConfig | null;
  readonly proxy: UpstreamProxy | null;
  readonly profile: LaunchProfile;
}

/** A launch with default options, and a new profile that goes with its browser. */
export const PLAIN_LAUNCH: LaunchOptions = {
  ...DEFAULTS_BESIDE_PROXY,
  tenantEgress: null,
  proxy: null,
  profile: { isMounted: false, isKept: false },
};

/** The browsers that a keeper starts ahead. */
export interface WarmCounts {
  /** Those that are ready, and wait for a session. They hold no slot. */
  readonly ready: number;
  /** Those that were ended without a session, since the keeper's start. */
  readonly ended: Readonly<Record<WarmEndCause, number>>;
}

/** Counters for the worker to export; the keeper itself serves no metrics. All since the keeper's start. */
export interface KeeperStats {
  readonly slots: number;
  /** Browsers that hold a slot: those whose process tree or run directory still exists. */
  readonly used: number;
  readonly orphansReaped: number;
  /** Left out by older keepers. */
  readonly warm?: WarmCounts;
  /** Left out by older keepers. */
  readonly sleep?: SleepCounts;
  /** Downloads that were cut because a session had used up its quota. Left out by older keepers. */
  readonly downloadsCut?: number;
  /** The same for uploads. */
  readonly uploadsCut?: number;
  /** What has gone through the forward proxies of its browsers. Left out by older keepers. */
  readonly egress?: TrafficCounts;
  /** Currently spliced clients from other machines. */
  readonly gatewayConnections: number;
  /** Load of the browsers, measured every ten seconds; null where it cannot be measured. */
  readonly load: BrowserLoad | null;
  /** Launches are to wait, because memory is short. Left out by older keepers. */
  readonly isMemoryShort?: boolean;
}

/** Requests and replies, worker → keeper, by operation. */
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
  readonly beat: {
    readonly request: {
      /**
       * Whether the worker takes launches now, and a browser with its first page open for them. Left out by older
       * workers, who do not.
       */
      readonly takesWarm?: boolean | undefined;
    };
    readonly reply: { readonly stats: KeeperStats };
  };
  /**
   * Supervisor → keeper, every second and without a registration: the supervisor is alive and starts a worker. A keeper
   * that gets this keeps its browsers without a worker for {@link WORKERLESS_MAX_MS} instead of {@link ADOPT_GRACE_MS}.
   */
  readonly attend: {
    readonly request: Record<string, never>;
    readonly reply: {
      readonly hostId: string;
      readonly keeperPid: number;
      readonly keeperStartedAt: string;
    };
  };
  /**
   * Hands over the installation's secret, with which the gateway checks tickets. It is read from Redis, so it comes
   * after the registration.
   */
  readonly secret: { readonly request: { readonly secret: string }; readonly reply: Record<string, never> };
  /**
   * Starts a browser, or hands one over that was started ahead; answers when its DevTools socket accepts, or fails
   * after everything that it had started is gone.
   */
  readonly launch: {
    readonly request: {
      readonly ref: string;
      readonly fence: Fence;
      readonly timeoutMs: number;
      readonly options: LaunchOptions;
      /**
       * Its browser sleeps after so long with nothing to do; null: never. Left out by older workers, whose never do.
       */
      readonly sleepAfterMs?: number | null | undefined;
      /** Whether the worker can do with a browser whose first page is open. Left out by older workers, who cannot. */
      readonly takesWarm?: boolean | undefined;
    };
    readonly reply: {
      readonly endpoint: Endpoint;
      /** Whether it was started ahead: then its first page is open. Left out by older keepers, who never do that. */
      readonly isWarm?: boolean;
    };
  };
  /** Records a new claim for a running browser (adoption). `from` must be the recorded one. */
  readonly claim: {
    readonly request: { readonly ref: string; readonly from: Fence; readonly to: Fence };
    readonly reply: Record<string, never>;
  };
  /** Ends a browser and answers when its process tree and run directory are gone. Unknown claims answer at once. */
  readonly close: {
    readonly request: { readonly ref: string; readonly claimId: string };
    readonly reply: {
      readonly known: boolean;
      /** The folder of its profile, if it is kept. Left out by older keepers. */
      readonly profile?: string | null;
      /** What has gone through its forward proxy; null: it had none. Left out by older keepers. */
      readonly traffic?: Traffic | null;
    };
  };
  /** The worker has committed the end of a `gone` browser; its record may be removed. */
  readonly forget: {
    readonly request: { readonly ref: string; readonly claimId: string };
    readonly reply: Record<string, never>;
  };
  /** The worker has committed that the downloads of a browser were cut. */
  readonly cutsHeard: {
    readonly request: { readonly ref: string; readonly claimId: string };
    readonly reply: Record<string, never>;
  };
  /**
   * Copies these files and folders of a running browser's profile while its processes are stopped, so that all of them
   * are of one moment. The copy belongs to the worker, which removes it.
   */
  readonly copyProfile: {
    readonly request: { readonly ref: string; readonly claimId: string; readonly parts: readonly string[] };
    readonly reply: { readonly profile: string };
  };
  /** The same for an upload. */
  readonly uploadCutHeard: {
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

/** Why the keeper refused a request. */
export type KeeperErrorCode =
  | 'no_free_slot'
  | 'launch_failed'
  | 'launch_cancelled'
  | 'unknown_claim'
  | 'stale_claim'
  | 'not_registered'
  | 'bad_request'
  /** An error in the keeper itself (such as a full disk); see its log. */
  | 'internal_error';

/** Why a request failed; with `connection_lost` it may have been carried out. */
export class KeeperError extends Error {
  constructor(
    readonly code: KeeperErrorCode | 'connection_lost',
    message: string,
  ) {
    super(message);
    this.name = 'KeeperError';
  }
}

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

/** Lines from the keeper without a request. */
export type KeeperEvent =
  /** A browser ended without an order of the keeper. */
  | { readonly event: 'browser_gone'; readonly browser: BrowserRecord }
  /** A slot was taken or became free. */
  | { readonly event: 'stats'; readonly stats: KeeperStats };

/** How often the worker beats. */
export const BEAT_EVERY_MS = 1_000;

/** After this long without a beat the other process is taken for frozen and killed. */
export const SILENT_AFTER_MS = 3_000;

/**
 * A keeper without a message from a worker or a supervisor for this long ends its browsers: the length of a worker's
 * lease.
 */
export const ADOPT_GRACE_MS = 10_000;

/**
 * How long a supervisor's `attend` counts without a worker. Only a worker can close the browsers of ended sessions, so
 * they must not stay for ever if no worker comes.
 */
export const WORKERLESS_MAX_MS = 60_000;

/**
 * How long the keeper lets one launch take; below the machine's own 30 s, so that the owner commits the failure first.
 */
export const KEEPER_LAUNCH_TIMEOUT_MS = 25_000;
