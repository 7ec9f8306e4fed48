import { resolve } from 'node:path';
import { defaultMemoryMaxBytes } from '../../../src/config/browser-limits';
import { isLoopback } from '../../../src/config/address';
import { ConfigError, defaultSlots, envToConfig } from '../../../src/config/config';
import { NO_QUOTAS } from '../../../src/config/quotas';
import { childEnvironment, readEnv, type Env, type EnvName } from '../../../src/config/env';

const GiB = 2 ** 30;
const MiB = 2 ** 20;

function problemsOf(env: Env): readonly string[] {
  try {
    envToConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the configuration', () => {
  it('needs nothing: all settings have defaults', () => {
    const { keeper, ...config } = envToConfig({});
    expect(config).toEqual({
      host: '127.0.0.1',
      port: 3000,
      dataDir: resolve('.holdfast'),
      publicUrl: null,
      tls: null,
      apiKeys: [],
      quotas: { default: NO_QUOTAS, tenants: {} },
      secret: null,
      redisUrl: null,
      redisPort: null,
      tenantEgress: {},
      storage: { kind: 'folder', dir: resolve('.holdfast/blobs') },
      contexts: { maxBytes: 256 * 2 ** 20, tenantMaxBytes: 10 * 2 ** 30, keptVersions: 5 },
      timeoutDefaultMs: 300_000,
      timeoutMaxMs: 86_400_000,
      retentionMs: 7 * 86_400_000,
      metricsHost: '127.0.0.1',
      metricsPort: 9464,
      ingressTenant: 'default',
      logLevel: 'info',
    });
    expect(keeper).toEqual({
      listen: null,
      advertise: null,
      slots: expect.any(Number),
      warmBrowsers: expect.any(Number),
      downloadsMaxBytes: 2 ** 30,
      uploadsMaxBytes: 2 ** 30,
      browserDiskMaxBytes: 4 * 2 ** 30,
      browser: 'chromium',
      isolation: 'auto',
      allowsWeakIsolation: false,
      browserReads: [],
      browserUids: null,
      browserLimits: { memoryMaxBytes: expect.any(Number), pidsMax: 2_048, cpuWeight: 100 },
      chromiumPath: null,
      headlessShellPath: null,
      chromiumArgs: [],
      noSandbox: false,
      egress: { mode: 'open', allow: [], deny: [] },
    });
    expect(keeper.slots).toBeGreaterThanOrEqual(1);
  });

  it('takes every setting from the environment', () => {
    const env = {
      HOLDFAST_HOST: '0.0.0.0',
      HOLDFAST_PORT: '8080',
      HOLDFAST_DATA_DIR: '/var/lib/holdfast',
      HOLDFAST_PUBLIC_URL: 'https://browsers.example/',
      HOLDFAST_TLS_PORT: '8443',
      HOLDFAST_TLS_HOST: '10.0.0.8',
      HOLDFAST_TLS_CERT: '/etc/tls/cert.pem',
      HOLDFAST_TLS_KEY: '/etc/tls/key.pem',
      HOLDFAST_API_KEYS: 'acme=key-of-acme, beta=key=of=beta',
      HOLDFAST_QUOTAS: '{"tenants":{"acme":{"liveSessions":5}}}',
      HOLDFAST_SECRET: '0123456789abcdef',
      HOLDFAST_KEEPER_LISTEN: '0.0.0.0:9223',
      HOLDFAST_KEEPER_ADVERTISE: 'worker-1.internal:9223',
      HOLDFAST_SLOTS: '12',
      HOLDFAST_WARM_BROWSERS: '5',
      HOLDFAST_DOWNLOADS_MAX_BYTES: '5000000',
      HOLDFAST_UPLOADS_MAX_BYTES: '6000000',
      HOLDFAST_HEADLESS_SHELL_PATH: '/opt/headless-shell',
      HOLDFAST_CHROMIUM_PATH: '/opt/chromium',
      HOLDFAST_CHROMIUM_ARGS: ' --lang=de   --mute-audio ',
      HOLDFAST_NO_SANDBOX: '1',
      HOLDFAST_BROWSER: 'null',
      HOLDFAST_ISOLATION: 'user',
      HOLDFAST_ALLOW_WEAK_ISOLATION: '1',
      HOLDFAST_BROWSER_UIDS: '200000-265535',
      HOLDFAST_BROWSER_READS: '/opt/extensions:/srv/fonts',
      HOLDFAST_EGRESS: 'public',
      HOLDFAST_EGRESS_ALLOW: '10.1.0.0/16, Intranet.Example.:8080',
      HOLDFAST_EGRESS_DENY: '*.ads.example,*:25',
      HOLDFAST_EGRESS_TENANTS: '{"acme":{"deny":["*:80"]}}',
      HOLDFAST_TIMEOUT_DEFAULT: '60000',
      HOLDFAST_TIMEOUT_MAX: '120000',
      HOLDFAST_RETENTION: '3600000',
      HOLDFAST_METRICS_HOST: '10.0.0.7',
      HOLDFAST_METRICS_PORT: '9090',
      HOLDFAST_LOG_LEVEL: 'warn',
      HOLDFAST_REDIS_PORT: '6390',
      HOLDFAST_INGRESS_TENANT: 'jobs',
      HOLDFAST_STORAGE: 's3://saved/contexts/',
      HOLDFAST_S3_ENDPOINT: 'https://s3.internal:9000',
      HOLDFAST_S3_REGION: 'eu-west-1',
      HOLDFAST_S3_PATH_STYLE: 'false',
      HOLDFAST_S3_ACCESS_KEY_ID: 'key',
      HOLDFAST_S3_SECRET_ACCESS_KEY: 'secret of the key',
      HOLDFAST_CONTEXT_MAX_BYTES: '2000000',
      HOLDFAST_CONTEXTS_MAX_BYTES: '3000000',
      HOLDFAST_CONTEXT_VERSIONS: '3',
      HOLDFAST_BROWSER_MEMORY_MAX_BYTES: '300000000',
      HOLDFAST_BROWSER_PIDS_MAX: '0',
      HOLDFAST_BROWSER_CPU_WEIGHT: '50',
      HOLDFAST_BROWSER_DISK_MAX_BYTES: '100000000',
      REDIS_URL: 'rediss://:pass@redis.internal:6380/1',
    } satisfies Record<EnvName, string>;
    expect(envToConfig(env)).toEqual({
      host: '0.0.0.0',
      port: 8080,
      dataDir: '/var/lib/holdfast',
      publicUrl: 'https://browsers.example',
      tls: { host: '10.0.0.8', port: 8443, files: { cert: '/etc/tls/cert.pem', key: '/etc/tls/key.pem' } },
      apiKeys: [
        { tenant: 'acme', key: 'key-of-acme' },
        { tenant: 'beta', key: 'key=of=beta' },
      ],
      quotas: { default: NO_QUOTAS, tenants: { acme: { ...NO_QUOTAS, liveSessions: 5 } } },
      secret: '0123456789abcdef',
      redisUrl: 'rediss://:pass@redis.internal:6380/1',
      redisPort: 6390,
      keeper: {
        listen: '0.0.0.0:9223',
        advertise: 'worker-1.internal:9223',
        slots: 12,
        warmBrowsers: 5,
        downloadsMaxBytes: 5_000_000,
        uploadsMaxBytes: 6_000_000,
        browserDiskMaxBytes: 100_000_000,
        browser: 'null',
        isolation: 'user',
        allowsWeakIsolation: true,
        browserReads: ['/opt/extensions', '/srv/fonts'],
        browserUids: { first: 200_000, last: 265_535 },
        browserLimits: { memoryMaxBytes: 300_000_000, pidsMax: null, cpuWeight: 50 },
        chromiumPath: '/opt/chromium',
        headlessShellPath: '/opt/headless-shell',
        chromiumArgs: ['--lang=de', '--mute-audio'],
        noSandbox: true,
        egress: {
          mode: 'public',
          allow: ['10.1.0.0/16', 'intranet.example:8080'],
          deny: ['*.ads.example', '*:25'],
        },
      },
      tenantEgress: { acme: { mode: 'open', allow: [], deny: ['*:80'] } },
      storage: {
        kind: 's3',
        bucket: 'saved',
        prefix: 'contexts/',
        endpoint: 'https://s3.internal:9000',
        region: 'eu-west-1',
        isPathStyle: false,
        credentials: { accessKeyId: 'key', secretAccessKey: 'secret of the key' },
      },
      contexts: { maxBytes: 2_000_000, tenantMaxBytes: 3_000_000, keptVersions: 3 },
      timeoutDefaultMs: 60_000,
      timeoutMaxMs: 120_000,
      retentionMs: 3_600_000,
      metricsHost: '10.0.0.7',
      metricsPort: 9090,
      ingressTenant: 'jobs',
      logLevel: 'warn',
    });
  });

  it('takes a folder or a bucket as storage', () => {
    const storage = (env: Env): unknown => envToConfig(env).storage;
    expect(storage({ HOLDFAST_STORAGE: '/mnt/blobs' })).toEqual({ kind: 'folder', dir: '/mnt/blobs' });
    expect(storage({ HOLDFAST_STORAGE: 's3://saved' })).toEqual({
      kind: 's3',
      bucket: 'saved',
      prefix: '',
      endpoint: null,
      region: 'us-east-1',
      isPathStyle: false,
      credentials: null,
    });
    const own = { HOLDFAST_STORAGE: 's3://saved/a//b', HOLDFAST_S3_ENDPOINT: 'http://minio:9000' };
    expect(storage(own)).toMatchObject({ prefix: 'a/b/', isPathStyle: true });
  });

  it.each<[Env, string]>([
    [{ HOLDFAST_STORAGE: 'gs://saved' }, 'HOLDFAST_STORAGE'],
    [{ HOLDFAST_STORAGE: 's3://' }, 'HOLDFAST_STORAGE'],
    [{ HOLDFAST_STORAGE: 's3://Saved' }, 'HOLDFAST_STORAGE'],
    [{ HOLDFAST_STORAGE: 's3://saved', HOLDFAST_S3_ACCESS_KEY_ID: 'key' }, 'HOLDFAST_S3_ACCESS_KEY_ID'],
    [{ HOLDFAST_STORAGE: 's3://saved', HOLDFAST_S3_ENDPOINT: 'minio:9000' }, 'HOLDFAST_S3_ENDPOINT'],
    [{ HOLDFAST_CONTEXT_MAX_BYTES: '1' }, 'HOLDFAST_CONTEXT_MAX_BYTES'],
    [{ HOLDFAST_CONTEXT_VERSIONS: '0' }, 'HOLDFAST_CONTEXT_VERSIONS'],
  ])('does not take %j as storage', (env, name) => {
    expect(problemsOf(env).map(problem => problem.split(':')[0])).toEqual([name]);
  });

  it('takes a certificate together with its key only, and uses both only with a port', () => {
    expect(problemsOf({ HOLDFAST_TLS_PORT: '8443', HOLDFAST_TLS_CERT: '/c' })).toEqual([
      expect.stringContaining('HOLDFAST_TLS_CERT'),
    ]);
    expect(problemsOf({ HOLDFAST_TLS_PORT: '3000' })).toEqual([expect.stringContaining('HOLDFAST_TLS_PORT')]);
    expect(envToConfig({ HOLDFAST_TLS_PORT: '8443' }).tls).toEqual({
      ...{ host: '127.0.0.1', port: 8443 },
      files: null,
    });
    expect(problemsOf({ HOLDFAST_TLS_HOST: '::1' })).toEqual(['HOLDFAST_TLS_HOST: needs HOLDFAST_TLS_PORT']);
    expect(problemsOf({ HOLDFAST_TLS_PORT: '8443', HOLDFAST_TLS_HOST: '0.0.0.0' })).toEqual([
      expect.stringContaining('HOLDFAST_TLS_HOST: 0.0.0.0 is not a loopback address; set HOLDFAST_API_KEYS'),
    ]);
    expect(envToConfig({ HOLDFAST_TLS_CERT: '/c', HOLDFAST_TLS_KEY: '/k' }).tls).toBeNull();
  });

  it.each(['7', '5-4', '0-10', '1-10', '2000-4294967295', 'a-b', '-5-10'])(
    'refuses %p as user ids for browsers',
    HOLDFAST_BROWSER_UIDS => {
      expect(problemsOf({ HOLDFAST_BROWSER_UIDS })).toEqual([
        expect.stringContaining('HOLDFAST_BROWSER_UIDS'),
      ]);
    },
  );

  it.each([
    ['HOLDFAST_BROWSER_MEMORY_MAX_BYTES', ['1', '268435455', '4GiB', '-1', '1e9']],
    ['HOLDFAST_BROWSER_PIDS_MAX', ['255', '4194305', 'max']],
    ['HOLDFAST_BROWSER_CPU_WEIGHT', ['10001', '1.5']],
    ['HOLDFAST_BROWSER_DISK_MAX_BYTES', ['1', '67108863', '1GiB']],
  ] as const)('refuses limits of browsers that no browser can live with: %s', (name, values) => {
    for (const value of values)
      expect(problemsOf({ [name]: value })).toEqual([expect.stringContaining(name)]);
  });

  it('lets a browser have at most half of the memory of the machine', () => {
    expect(defaultMemoryMaxBytes(64 * 2 ** 30)).toBe(4 * 2 ** 30);
    expect(defaultMemoryMaxBytes(3 * 2 ** 30)).toBe(1.5 * 2 ** 30);
    expect(defaultMemoryMaxBytes(2 ** 28)).toBe(2 ** 28);
  });

  it('names every problem at once, each with the setting it is about', () => {
    const problems = problemsOf({
      HOLDFAST_PORT: '65536',
      HOLDFAST_SLOTS: '0',
      HOLDFAST_TIMEOUT_DEFAULT: '5s',
      HOLDFAST_LOG_LEVEL: 'loud',
      HOLDFAST_NO_SANDBOX: 'yes',
      HOLDFAST_SECRET: 'short',
      REDIS_URL: 'http://redis',
    });
    expect(problems.map(problem => problem.split(':')[0]).sort()).toEqual([
      'HOLDFAST_LOG_LEVEL',
      'HOLDFAST_NO_SANDBOX',
      'HOLDFAST_PORT',
      'HOLDFAST_SECRET',
      'HOLDFAST_SLOTS',
      'HOLDFAST_TIMEOUT_DEFAULT',
      'REDIS_URL',
    ]);
    expect(new ConfigError(problems).message.split('\n')).toHaveLength(8);
  });

  it('names the problems of single settings and those between settings together', () => {
    const problems = problemsOf({
      HOLDFAST_HOST: '0.0.0.0',
      HOLDFAST_PORT: 'http',
      HOLDFAST_API_KEYS: 'nonsense',
    });
    expect(problems.join('\n')).toContain('HOLDFAST_PORT');
    expect(problems.join('\n')).toContain('HOLDFAST_API_KEYS');
  });

  it('never repeats a secret in a problem', () => {
    const problems = problemsOf({ HOLDFAST_SECRET: 'hush', HOLDFAST_API_KEYS: 'acme=hush,Beta=hush-hush' });
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join('\n')).not.toContain('hush');
  });

  it.each(['0.0.0.0', '::', '192.168.1.5', 'browsers.example'])(
    'is refused when open and bound to %s',
    host => {
      expect(problemsOf({ HOLDFAST_HOST: host })).toEqual([expect.stringContaining('HOLDFAST_API_KEYS')]);
      expect(problemsOf({ HOLDFAST_HOST: host, HOLDFAST_API_KEYS: 'acme=key-of-acme' })).toEqual([]);
    },
  );

  it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('may be open on %s', host => {
    expect(isLoopback(host)).toBe(true);
    expect(problemsOf({ HOLDFAST_HOST: host })).toEqual([]);
  });

  it.each(['127.0.0.1.example.com', '127.example.com', 'localhost.example.com'])(
    'does not take the name %s as loopback',
    host => {
      expect(isLoopback(host)).toBe(false);
    },
  );

  it.each([
    ['acme', 'must be tenant=key'],
    ['acme=', 'must be tenant=key'],
    ['acme=short', 'has a key of less than 8 characters'],
    ['=long-enough', 'must be tenant=key'],
    ['ACME=long-enough', 'the tenant of 1 to 32 small letters'],
    ['a b=long-enough', 'must be tenant=key'],
    ['hush-hush-hush', 'no key can contain one'],
  ])(
    'is refused with the API key entry %j, and says which one is wrong, without its text',
    (entry, reason) => {
      const problems = problemsOf({ HOLDFAST_API_KEYS: `beta=key-of-beta,${entry},,gamma=key-of-gamma` });
      expect(problems).toEqual([expect.stringMatching(/^HOLDFAST_API_KEYS: entry 2 /)]);
      expect(problems[0]).toContain(reason);
      expect(problems[0]).not.toMatch(/hush|short|enough/);
    },
  );

  it('is refused when the default time-out is longer than the longest', () => {
    expect(problemsOf({ HOLDFAST_TIMEOUT_DEFAULT: '2000', HOLDFAST_TIMEOUT_MAX: '1999' })).toHaveLength(1);
    expect(problemsOf({ HOLDFAST_TIMEOUT_DEFAULT: '2000', HOLDFAST_TIMEOUT_MAX: '2000' })).toEqual([]);
  });

  it.each([
    ['HOLDFAST_TIMEOUT_MAX', '999', '86400001'],
    ['HOLDFAST_RETENTION', '999', '31622400001'],
    ['HOLDFAST_SLOTS', '0', '10001'],
    ['HOLDFAST_WARM_BROWSERS', '-1', '10001'],
  ] as const)('refuses a %s below its minimum or above its maximum', (name, tooSmall, tooGreat) => {
    expect(problemsOf({ HOLDFAST_TIMEOUT_DEFAULT: '1000', [name]: tooSmall })[0]).toContain(name);
    expect(problemsOf({ [name]: tooGreat })).toEqual([expect.stringContaining(name)]);
  });
});

describe('the number of slots', () => {
  it.each([
    ['as many as thirty-two for each core', 2, 64 * GiB, 64],
    ['as many as fit beside one GiB', 16, GiB + 10 * 350 * MiB, 10],
    ['rounded down', 16, GiB + 11 * 350 * MiB - 1, 10],
    ['never less than one', 1, 0, 1],
  ])('is %s', (_what, cores, bytes, slots) => {
    expect(defaultSlots(cores, bytes)).toBe(slots);
  });
});

describe('the number of browsers that are started ahead', () => {
  it.each([
    ['none with few slots', '3', 0],
    ['one with four', '4', 1],
    ['two with eight', '8', 2],
    ['two with any more', '1000', 2],
  ])('is %s', (_what, slots, count) => {
    expect(envToConfig({ HOLDFAST_SLOTS: slots }).keeper.warmBrowsers).toBe(count);
  });

  it('is what the operator says, even none or more than there are slots', () => {
    const settings = { HOLDFAST_SLOTS: '8', HOLDFAST_WARM_BROWSERS: '0' };
    expect(envToConfig(settings).keeper.warmBrowsers).toBe(0);
    expect(envToConfig({ ...settings, HOLDFAST_WARM_BROWSERS: '20' }).keeper.warmBrowsers).toBe(20);
  });

  it.each(['1.5', 'two', ' ', '1e3'])('is not %s', value => {
    expect(problemsOf({ HOLDFAST_WARM_BROWSERS: value })).toEqual([
      expect.stringContaining('HOLDFAST_WARM_BROWSERS'),
    ]);
  });
});

describe('the environment', () => {
  it('is read by name, and an empty value is none', () => {
    expect(readEnv({ HOLDFAST_PORT: '1', HOLDFAST_HOST: '', HOME: '/root' })).toEqual({ HOLDFAST_PORT: '1' });
  });

  it('is handed to children as it is, with settings put over it', () => {
    const environment = childEnvironment({ REDIS_URL: 'unix:///tmp/r.sock' });
    expect(environment).toMatchObject({ PATH: expect.any(String), REDIS_URL: 'unix:///tmp/r.sock' });
  });
});
