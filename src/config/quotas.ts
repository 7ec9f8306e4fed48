import { JsonSetting } from './json-setting';

/** What an operator may limit for a tenant. The one list of quotas: settings, errors, metrics and pages follow it. */
export const QUOTAS = {
  liveSessions: 'sessions that have not ended, those that wait for a worker included',
  queuedSessions: 'sessions that wait for a worker',
  createsPerMinute: 'sessions created within any 60 seconds',
  sockets: 'CDP connections open at a time',
  streams: 'event streams open at a time',
  contexts: 'contexts',
  contextBytes: 'size of all kept versions of contexts, in bytes',
  diskBytes: 'what live sessions take on the disk of one machine, in bytes',
} as const;

/** The name of a quota. */
export type QuotaName = keyof typeof QUOTAS;

// SAFETY: the keys of the literal are its type's.
/** All of them, in the order of their page. */
export const QUOTA_NAMES = Object.keys(QUOTAS) as QuotaName[];

/** What a tenant may have; null: as much as the installation has. */
export interface TenantQuotas extends Readonly<Record<QuotaName, number | null>> {
  /** The tenant's share of the launches while sessions of several tenants wait: 1 to {@link WEIGHT_MAX}. */
  readonly weight: number;
}

/** The quotas of all tenants. */
export interface QuotaConfig {
  readonly default: TenantQuotas;
  /** Complete: what an entry leaves out is that of `default`. */
  readonly tenants: Readonly<Record<string, TenantQuotas>>;
}

/** The greatest weight. */
const WEIGHT_MAX = 100;

/** The window of `createsPerMinute`. */
export const CREATES_WINDOW_MS = 60_000;

/** No limits but those that hold for everybody, and equal shares. */
export const NO_QUOTAS: TenantQuotas = {
  liveSessions: null,
  queuedSessions: null,
  createsPerMinute: null,
  sockets: null,
  streams: null,
  contexts: null,
  contextBytes: null,
  diskBytes: null,
  weight: 1,
};

/** The quotas of one tenant. */
export function quotasOf({ default: all, tenants }: QuotaConfig, tenant: string): TenantQuotas {
  return Object.hasOwn(tenants, tenant) ? (tenants[tenant] ?? all) : all;
}

const SETTING = 'HOLDFAST_QUOTAS';
const FIELDS = [...QUOTA_NAMES, 'weight'] as const;

/**
 * The quotas that the setting describes, and what is wrong with it.
 *
 * @param text - JSON, or `@` and the path of a file of JSON; undefined: there are no quotas
 * @param retentionMs - sessions are counted as long as they are kept
 */
export function quotaConfig(
  text: string | undefined,
  retentionMs: number,
): { quotas: QuotaConfig; problems: string[] } {
  const setting = new JsonSetting(SETTING);
  const quotas = new Reader(setting).read(text);
  const limitsCreates = [quotas.default, ...Object.values(quotas.tenants)].some(
    ({ createsPerMinute }) => createsPerMinute !== null,
  );
  if (limitsCreates && retentionMs < CREATES_WINDOW_MS)
    setting.wrong('', `createsPerMinute needs a HOLDFAST_RETENTION of at least ${CREATES_WINDOW_MS}`);
  return { quotas, problems: setting.problems };
}

class Reader {
  constructor(private readonly setting: JsonSetting) {}

  read(text: string | undefined): QuotaConfig {
    const { setting } = this;
    const given = setting.parse(text);
    setting.refuseUnknown('', given, ['default', 'tenants']);
    const all = this.#quotas('default', given['default'] ?? {}, NO_QUOTAS);
    const tenants = setting.byTenant('tenants', given['tenants'] ?? {}, (place, quotas) =>
      this.#quotas(place, quotas, all),
    );
    return { default: all, tenants };
  }

  #quotas(place: string, given: unknown, inherited: TenantQuotas): TenantQuotas {
    const fields = this.setting.object(place, given);
    this.setting.refuseUnknown(place, fields, FIELDS);
    const limits = QUOTA_NAMES.map(name => [
      name,
      this.#limit(`${place}.${name}`, fields[name], inherited[name]),
    ]);
    // SAFETY: the names are all of the record's.
    const quotas = Object.fromEntries(limits) as Record<QuotaName, number | null>;
    return { ...quotas, weight: this.#weight(`${place}.weight`, fields['weight'], inherited.weight) };
  }

  #limit(place: string, value: unknown, inherited: number | null): number | null {
    if (value === undefined) return inherited;
    if (value === null || isWhole(value, Number.MAX_SAFE_INTEGER)) return value;
    this.setting.wrong(place, 'must be a whole number from 0 on, or null for no limit');
    return inherited;
  }

  #weight(place: string, value: unknown, inherited: number): number {
    if (value === undefined) return inherited;
    if (isWhole(value, WEIGHT_MAX) && value > 0) return value;
    this.setting.wrong(place, `must be a whole number from 1 to ${WEIGHT_MAX}`);
    return inherited;
  }
}

const isWhole = (value: unknown, max: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
