import { availableParallelism, freemem } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { isLoopback } from './address';
import { parseApiKeys, type ApiKey } from './api-keys';
import { EGRESS_MODES, egressConfig, type EgressConfig } from './egress';
import { tenantEgressConfig, type TenantEgress } from './tenant-egress';
import { BROWSER_LIMIT_SETTINGS, browserLimits, type BrowserLimits } from './browser-limits';
import type { Env } from './env';
import { ISOLATION_LEVELS, type WantedIsolation } from './isolation';
import { quotaConfig, type QuotaConfig } from './quotas';
import { redisUrlSchema } from './redis-url';
import { flag, hostPort, integer, paths, uids } from './setting-values';
import { BROWSERS_OR_STAND_INS, type BrowserOrStandIn } from './stand-in';
import { storageConfig, type StorageConfig } from './storage';
import { TENANT_PATTERN, TENANT_RULE } from './tenants';
import { TLS_SETTINGS, tlsConfig, tlsProblems, type TlsConfig } from './tls';

/** The whole configuration, checked, with units in the names. Plain data, so that tests can write it by hand. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  /** Origin that URLs in answers start with; null: made from host and the port that was actually bound. */
  readonly publicUrl: string | null;
  /** A second listener, which speaks TLS only; null: off. */
  readonly tls: TlsConfig | null;
  /** Empty: requests need no key, allowed on loopback only. */
  readonly apiKeys: readonly ApiKey[];
  /** What each tenant may have. */
  readonly quotas: QuotaConfig;
  /** Signs connect tokens; null: generated once and kept in Redis. */
  readonly secret: string | null;
  /** null: the embedded redis-server in the data folder. */
  readonly redisUrl: string | null;
  /** Loopback port of the embedded redis-server for other services; null: it listens on its Unix socket only. */
  readonly redisPort: number | null;
  readonly keeper: {
    /** `host:port` the gateway for other machines listens on; null: none. */
    readonly listen: string | null;
    readonly advertise: string | null;
    readonly slots: number;
    /** How many browsers are started ahead at most; 0: none. */
    readonly warmBrowsers: number;
    /** How much disk space the downloads of one session may take, bytes. */
    readonly downloadsMaxBytes: number;
    /** The same for its uploads. */
    readonly uploadsMaxBytes: number;
    /** The same for what one browser writes for itself, its profile first of all; null: no limit. */
    readonly browserDiskMaxBytes: number | null;
    readonly browser: BrowserOrStandIn;
    readonly isolation: WantedIsolation;
    /** Whether several tenants may share a machine that does not keep them apart. */
    readonly allowsWeakIsolation: boolean;
    /** Paths that caged browsers may read besides what they need. */
    readonly browserReads: readonly string[];
    /** The user ids for browsers where the keeper is root; null: it looks for some. */
    readonly browserUids: { readonly first: number; readonly last: number } | null;
    /** What each browser may use of the machine. */
    readonly browserLimits: BrowserLimits;
    readonly chromiumPath: string | null;
    readonly headlessShellPath: string | null;
    readonly chromiumArgs: readonly string[];
    readonly noSandbox: boolean;
    /** What browsers may reach. */
    readonly egress: EgressConfig;
  };
  /** What the browsers of tenants may reach of that. */
  readonly tenantEgress: TenantEgress;
  /** Where contexts and other large things are kept. */
  readonly storage: StorageConfig;
  readonly contexts: {
    /** How large one version may be before it is compressed, bytes. */
    readonly maxBytes: number;
    /** How much the kept versions of all contexts of a tenant may take in the storage, bytes. */
    readonly tenantMaxBytes: number;
    /** How many versions of a context are kept. */
    readonly keptVersions: number;
  };
  readonly timeoutDefaultMs: number;
  readonly timeoutMaxMs: number;
  readonly retentionMs: number;
  /** The address a worker serves /metrics on: by default that of the API. */
  readonly metricsHost: string;
  /** The port on which a worker serves /metrics; 0: none. The API serves its own on the main port. */
  readonly metricsPort: number;
  /** The tenant of the sessions that jobs of other services create and access. */
  readonly ingressTenant: string;
  readonly logLevel: string;
}

/** Thrown with every problem of the configuration at once. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`the configuration is not usable:\n${problems.map(problem => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

const LOOPBACK = '127.0.0.1';
const HOUR_MS = 3_600_000;
const MIN_TIMEOUT_MS = 1_000;
const MAX_TIMEOUT_MS = 24 * HOUR_MS;
const MIB = 2 ** 20;
const SLOT_BYTES = 350 * MIB;
const RESERVED_BYTES = 2 ** 30;

const timeout = integer(MIN_TIMEOUT_MS, MAX_TIMEOUT_MS);

const schema = z.object({
  HOLDFAST_HOST: z.string().default(LOOPBACK),
  HOLDFAST_PORT: integer(0, 65_535).default(3000),
  HOLDFAST_DATA_DIR: z.string().default('.holdfast'),
  HOLDFAST_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  ...TLS_SETTINGS,
  HOLDFAST_API_KEYS: z.string().default(''),
  HOLDFAST_QUOTAS: z.string().optional(),
  HOLDFAST_SECRET: z.string().min(16, 'must have at least 16 characters').optional(),
  HOLDFAST_KEEPER_LISTEN: hostPort.optional(),
  HOLDFAST_KEEPER_ADVERTISE: hostPort.optional(),
  HOLDFAST_SLOTS: integer(1, 10_000).optional(),
  HOLDFAST_WARM_BROWSERS: integer(0, 10_000).optional(),
  HOLDFAST_DOWNLOADS_MAX_BYTES: integer(1, Number.MAX_SAFE_INTEGER).default(2 ** 30),
  HOLDFAST_UPLOADS_MAX_BYTES: integer(1, Number.MAX_SAFE_INTEGER).default(2 ** 30),
  HOLDFAST_STORAGE: z.string().optional(),
  HOLDFAST_S3_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  HOLDFAST_S3_REGION: z.string().default('us-east-1'),
  HOLDFAST_S3_PATH_STYLE: flag.optional(),
  HOLDFAST_S3_ACCESS_KEY_ID: z.string().optional(),
  HOLDFAST_S3_SECRET_ACCESS_KEY: z.string().optional(),
  HOLDFAST_CONTEXT_MAX_BYTES: integer(MIB, Number.MAX_SAFE_INTEGER).default(256 * MIB),
  HOLDFAST_CONTEXTS_MAX_BYTES: integer(MIB, Number.MAX_SAFE_INTEGER).default(10 * 2 ** 30),
  HOLDFAST_CONTEXT_VERSIONS: integer(1, 1_000).default(5),
  HOLDFAST_CHROMIUM_PATH: z.string().optional(),
  HOLDFAST_HEADLESS_SHELL_PATH: z.string().optional(),
  HOLDFAST_CHROMIUM_ARGS: z.string().default(''),
  HOLDFAST_NO_SANDBOX: flag.default(false),
  HOLDFAST_ISOLATION: z.enum(['auto', ...ISOLATION_LEVELS]).default('auto'),
  HOLDFAST_ALLOW_WEAK_ISOLATION: flag.default(false),
  HOLDFAST_BROWSER_UIDS: uids.optional(),
  HOLDFAST_BROWSER_READS: paths.default([]),
  HOLDFAST_EGRESS: z.enum(EGRESS_MODES).optional(),
  HOLDFAST_EGRESS_ALLOW: z.string().default(''),
  HOLDFAST_EGRESS_DENY: z.string().default(''),
  HOLDFAST_EGRESS_TENANTS: z.string().optional(),
  ...BROWSER_LIMIT_SETTINGS,
  HOLDFAST_BROWSER: z.enum(BROWSERS_OR_STAND_INS).default('chromium'),
  HOLDFAST_TIMEOUT_DEFAULT: timeout.default(300_000),
  HOLDFAST_TIMEOUT_MAX: timeout.default(MAX_TIMEOUT_MS),
  HOLDFAST_RETENTION: integer(1_000, 366 * 24 * HOUR_MS).default(7 * 24 * HOUR_MS),
  HOLDFAST_METRICS_HOST: z.string().optional(),
  HOLDFAST_METRICS_PORT: integer(0, 65_535).default(9464),
  HOLDFAST_INGRESS_TENANT: z.string().regex(TENANT_PATTERN, TENANT_RULE).default('default'),
  HOLDFAST_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  HOLDFAST_REDIS_PORT: integer(1, 65_535).optional(),
  REDIS_URL: redisUrlSchema.optional(),
});

/**
 * Environment → configuration: defaults, units, cross-field rules.
 *
 * @throws ConfigError naming every problem at once.
 */
export function envToConfig(env: Env): Config {
  const parsed = schema.safeParse(env);
  const { apiKeys, problems } = parseApiKeys(env.HOLDFAST_API_KEYS ?? '');
  if (apiKeys.length === 0 && problems.length === 0) problems.push(...openHostProblems(env));
  if (!parsed.success) {
    problems.unshift(...parsed.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`));
    throw new ConfigError(problems);
  }
  const values = parsed.data;
  if (values.HOLDFAST_TIMEOUT_DEFAULT > values.HOLDFAST_TIMEOUT_MAX) {
    problems.push('HOLDFAST_TIMEOUT_DEFAULT: is greater than HOLDFAST_TIMEOUT_MAX');
  }
  problems.push(...tlsProblems(values));
  const dataDir = resolve(values.HOLDFAST_DATA_DIR);
  const { storage, problems: storageProblems } = storageConfig(values, join(dataDir, 'blobs'));
  const { quotas, problems: quotaProblems } = quotaConfig(values.HOLDFAST_QUOTAS, values.HOLDFAST_RETENTION);
  const { egress, tenantEgress, problems: egressProblems } = egressSettings(values, apiKeys);
  problems.push(...storageProblems, ...quotaProblems, ...egressProblems);
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    host: values.HOLDFAST_HOST,
    port: values.HOLDFAST_PORT,
    dataDir,
    publicUrl: values.HOLDFAST_PUBLIC_URL?.replace(/\/+$/, '') ?? null,
    tls: tlsConfig(values),
    apiKeys,
    quotas,
    secret: values.HOLDFAST_SECRET ?? null,
    redisUrl: values.REDIS_URL ?? null,
    redisPort: values.HOLDFAST_REDIS_PORT ?? null,
    keeper: keeperConfig(values, egress),
    tenantEgress,
    storage,
    contexts: {
      maxBytes: values.HOLDFAST_CONTEXT_MAX_BYTES,
      tenantMaxBytes: values.HOLDFAST_CONTEXTS_MAX_BYTES,
      keptVersions: values.HOLDFAST_CONTEXT_VERSIONS,
    },
    timeoutDefaultMs: values.HOLDFAST_TIMEOUT_DEFAULT,
    timeoutMaxMs: values.HOLDFAST_TIMEOUT_MAX,
    retentionMs: values.HOLDFAST_RETENTION,
    metricsHost: values.HOLDFAST_METRICS_HOST ?? values.HOLDFAST_HOST,
    metricsPort: values.HOLDFAST_METRICS_PORT,
    ingressTenant: values.HOLDFAST_INGRESS_TENANT,
    logLevel: values.HOLDFAST_LOG_LEVEL,
  };
}

/**
 * How many browsers a machine can run: 350 MB each beside 1 GiB for everything else. Idle ones cost the processor
 * nothing, so cores only bound it where nothing was measured: 60 on two cores went well. Launches wait while memory is
 * short, whatever this says.
 */
export function defaultSlots(cores: number, availableBytes: number): number {
  return Math.max(1, Math.min(32 * cores, Math.floor((availableBytes - RESERVED_BYTES) / SLOT_BYTES)));
}

/** How many browsers are started ahead: a quarter of the slots, two at most. One of them is there on a quiet day. */
function defaultWarmBrowsers(slots: number): number {
  return Math.min(2, Math.floor(slots / 4));
}

function egressSettings(
  values: z.output<typeof schema>,
  apiKeys: readonly ApiKey[],
): Pick<Config, 'tenantEgress'> & { egress: EgressConfig; problems: string[] } {
  const { HOLDFAST_EGRESS_TENANTS: tenants, HOLDFAST_CHROMIUM_ARGS: chromiumArgs } = values;
  const { egress, problems } = egressConfig(values, apiKeys);
  const { tenantEgress, problems: tenantProblems } = tenantEgressConfig(tenants, chromiumArgs);
  return { egress, tenantEgress, problems: [...problems, ...tenantProblems] };
}

/* Without keys everybody who reaches the service may use it. */
function openHostProblems(env: Env): string[] {
  return (['HOLDFAST_HOST', 'HOLDFAST_TLS_HOST'] as const).flatMap(name => {
    const host = env[name] ?? LOOPBACK;
    if (isLoopback(host)) return [];
    return [`${name}: ${host} is not a loopback address; set HOLDFAST_API_KEYS to listen on it`];
  });
}

function keeperConfig(values: z.output<typeof schema>, egress: EgressConfig): Config['keeper'] {
  // What a container may use can be less than what its machine has free.
  const availableBytes = Math.min(freemem(), process.constrainedMemory() || Infinity);
  const slots = values.HOLDFAST_SLOTS ?? defaultSlots(availableParallelism(), availableBytes);
  return {
    listen: values.HOLDFAST_KEEPER_LISTEN ?? null,
    advertise: values.HOLDFAST_KEEPER_ADVERTISE ?? null,
    slots,
    warmBrowsers: values.HOLDFAST_WARM_BROWSERS ?? defaultWarmBrowsers(slots),
    downloadsMaxBytes: values.HOLDFAST_DOWNLOADS_MAX_BYTES,
    uploadsMaxBytes: values.HOLDFAST_UPLOADS_MAX_BYTES,
    browserDiskMaxBytes: values.HOLDFAST_BROWSER_DISK_MAX_BYTES,
    browser: values.HOLDFAST_BROWSER,
    isolation: values.HOLDFAST_ISOLATION,
    allowsWeakIsolation: values.HOLDFAST_ALLOW_WEAK_ISOLATION,
    browserReads: values.HOLDFAST_BROWSER_READS,
    browserUids: values.HOLDFAST_BROWSER_UIDS ?? null,
    browserLimits: browserLimits(values),
    chromiumPath: values.HOLDFAST_CHROMIUM_PATH ?? null,
    headlessShellPath: values.HOLDFAST_HEADLESS_SHELL_PATH ?? null,
    chromiumArgs: values.HOLDFAST_CHROMIUM_ARGS.split(/\s+/).filter(arg => arg !== ''),
    noSandbox: values.HOLDFAST_NO_SANDBOX,
    egress,
  };
}
