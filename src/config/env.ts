/**
 * The only reader of the environment: names and raw values, without defaults or interpretation. config.ts and the table
 * of docs/settings.md explain each; the table is tested against this list.
 */
export const ENV_NAMES = [
  'HOLDFAST_HOST',
  'HOLDFAST_PORT',
  'HOLDFAST_DATA_DIR',
  'HOLDFAST_PUBLIC_URL',
  'HOLDFAST_TLS_PORT',
  'HOLDFAST_TLS_HOST',
  'HOLDFAST_TLS_CERT',
  'HOLDFAST_TLS_KEY',
  'HOLDFAST_API_KEYS',
  'HOLDFAST_QUOTAS',
  'HOLDFAST_SECRET',
  'HOLDFAST_DOWNLOADS_MAX_BYTES',
  'HOLDFAST_STORAGE',
  'HOLDFAST_S3_ENDPOINT',
  'HOLDFAST_S3_REGION',
  'HOLDFAST_S3_PATH_STYLE',
  'HOLDFAST_S3_ACCESS_KEY_ID',
  'HOLDFAST_S3_SECRET_ACCESS_KEY',
  'HOLDFAST_CONTEXT_MAX_BYTES',
  'HOLDFAST_CONTEXTS_MAX_BYTES',
  'HOLDFAST_CONTEXT_VERSIONS',
  'HOLDFAST_UPLOADS_MAX_BYTES',
  'HOLDFAST_KEEPER_LISTEN',
  'HOLDFAST_KEEPER_ADVERTISE',
  'HOLDFAST_SLOTS',
  'HOLDFAST_WARM_BROWSERS',
  'HOLDFAST_CHROMIUM_PATH',
  'HOLDFAST_HEADLESS_SHELL_PATH',
  'HOLDFAST_CHROMIUM_ARGS',
  'HOLDFAST_NO_SANDBOX',
  'HOLDFAST_BROWSER',
  'HOLDFAST_ISOLATION',
  'HOLDFAST_ALLOW_WEAK_ISOLATION',
  'HOLDFAST_BROWSER_UIDS',
  'HOLDFAST_BROWSER_READS',
  'HOLDFAST_EGRESS',
  'HOLDFAST_EGRESS_ALLOW',
  'HOLDFAST_EGRESS_DENY',
  'HOLDFAST_EGRESS_TENANTS',
  'HOLDFAST_BROWSER_MEMORY_MAX_BYTES',
  'HOLDFAST_BROWSER_PIDS_MAX',
  'HOLDFAST_BROWSER_CPU_WEIGHT',
  'HOLDFAST_BROWSER_DISK_MAX_BYTES',
  'HOLDFAST_TIMEOUT_DEFAULT',
  'HOLDFAST_TIMEOUT_MAX',
  'HOLDFAST_RETENTION',
  'HOLDFAST_METRICS_HOST',
  'HOLDFAST_METRICS_PORT',
  'HOLDFAST_LOG_LEVEL',
  'HOLDFAST_REDIS_PORT',
  'HOLDFAST_INGRESS_TENANT',
  'REDIS_URL',
] as const;

/** The name of a setting. */
export type EnvName = (typeof ENV_NAMES)[number];

/** Raw settings as the environment gives them. */
export type Env = Readonly<Partial<Record<EnvName, string>>>;

/** Reads the settings; an empty value counts as not set. */
export function readEnv(source: NodeJS.ProcessEnv = process.env): Env {
  return Object.fromEntries(
    ENV_NAMES.flatMap(name => {
      const value = source[name];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
}

/** The environment of a child process: the whole environment of this process, with some settings overridden. */
export function childEnvironment(settings: Env): NodeJS.ProcessEnv {
  return { ...process.env, ...settings };
}

/** Where executables are looked for: this process's PATH. Not a Holdfast setting. */
export function executableSearchPath(): string {
  return process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
}

/** Where Puppeteer keeps browsers, if `PUPPETEER_CACHE_DIR` moves it. Not a Holdfast setting. */
export function puppeteerCacheDir(): string | null {
  return process.env['PUPPETEER_CACHE_DIR'] || null;
}

/** The variables that the command line itself reads; `HOLDFAST_API_KEY` is the client library's. */
export interface TerminalEnv {
  /** `HOLDFAST_URL`: where the service is. */
  readonly url: string | undefined;
  /** `HOLDFAST_HOST` and `HOLDFAST_PORT`: where a service listens that was started here with the same settings. */
  readonly host: string | undefined;
  readonly port: string | undefined;
  /** `HOLDFAST_PROXY_PASSWORD`: keeps it out of the arguments, which every user of a machine can read. */
  readonly proxyPassword: string | undefined;
  /** `NO_COLOR` is set to anything (no-color.org). */
  readonly noColor: boolean;
  /** The terminal cannot move its cursor: `TERM=dumb`. */
  readonly isDumb: boolean;
}

/** @see TerminalEnv */
export function readTerminalEnv(source: NodeJS.ProcessEnv = process.env): TerminalEnv {
  const { NO_COLOR: noColor, TERM: term } = source;
  return {
    url: source['HOLDFAST_URL'] || undefined,
    host: source['HOLDFAST_HOST'] || undefined,
    port: source['HOLDFAST_PORT'] || undefined,
    proxyPassword: source['HOLDFAST_PROXY_PASSWORD'] || undefined,
    noColor: noColor !== undefined && noColor !== '',
    isDumb: term === 'dumb',
  };
}
