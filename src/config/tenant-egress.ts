import {
  EGRESS_MODES,
  EgressEntryError,
  readEgressEntry,
  setsProxy,
  writeEgressEntry,
  type EgressConfig,
} from './egress';
import { JsonSetting } from './json-setting';

/** What the browsers of tenants may reach of what the installation permits. Others are not narrowed. */
export type TenantEgress = Readonly<Record<string, EgressConfig>>;

/** The rules of one tenant; null: it has none of its own. */
export function egressOf(tenants: TenantEgress, tenant: string): EgressConfig | null {
  return Object.hasOwn(tenants, tenant) ? (tenants[tenant] ?? null) : null;
}

/**
 * The rules that `HOLDFAST_EGRESS_TENANTS` describes, and what is wrong with it.
 *
 * @param text - JSON, or `@` and the path of a file of JSON; undefined: no tenant has rules of its own
 * @param chromiumArgs - the operator's flags
 */
export function tenantEgressConfig(
  text: string | undefined,
  chromiumArgs: string,
): { tenantEgress: TenantEgress; problems: string[] } {
  const setting = new JsonSetting('HOLDFAST_EGRESS_TENANTS');
  const tenantEgress = setting.byTenant('', setting.parse(text), (place, given) =>
    rulesIn(setting, place, given),
  );
  if (Object.keys(tenantEgress).length > 0 && setsProxy(chromiumArgs))
    setting.problems.push('HOLDFAST_CHROMIUM_ARGS: a flag for a proxy goes round HOLDFAST_EGRESS_TENANTS');
  return { tenantEgress, problems: setting.problems };
}

function rulesIn(setting: JsonSetting, place: string, given: unknown): EgressConfig {
  const members = setting.object(place, given);
  setting.refuseUnknown(place, members, ['mode', 'allow', 'deny']);
  const mode = EGRESS_MODES.find(one => one === (members['mode'] ?? 'open'));
  if (mode === undefined) setting.wrong(`${place}.mode`, `must be one of ${EGRESS_MODES.join(', ')}`);
  const allow = entriesIn(setting, `${place}.allow`, members['allow'] ?? []);
  const deny = entriesIn(setting, `${place}.deny`, members['deny'] ?? []);
  if (mode === 'open' && allow.length > 0)
    setting.wrong(`${place}.allow`, 'needs the mode public or listed; open allows everything');
  if (allow.includes('*')) setting.wrong(`${place}.allow`, '* would allow everything; the mode open does');
  return { mode: mode ?? 'listed', allow, deny };
}

function entriesIn(setting: JsonSetting, place: string, given: unknown): string[] {
  if (!Array.isArray(given)) {
    setting.wrong(place, 'must be a list');
    return [];
  }
  return given.flatMap((entry: unknown, i) => {
    try {
      if (typeof entry !== 'string') throw new EgressEntryError('must be a text');
      return [writeEgressEntry(readEgressEntry(entry))];
    } catch (error) {
      if (!(error instanceof EgressEntryError)) throw error;
      setting.wrong(`${place}[${i}]`, error.message);
      return [];
    }
  });
}
