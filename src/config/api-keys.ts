import { countTenants, TENANT_PATTERN } from './tenants';

/** A tenant and its API key. The API keeps only the digest; never log this. */
export interface ApiKey {
  readonly tenant: string;
  readonly key: string;
  /** It may do everything for the whole installation; see {@link adminKeys}. */
  readonly isAdmin?: true;
}

/** The shortest key. */
const KEY_MIN = 8;

/**
 * The keys that may administer the installation: the marked ones; without a mark all keys, if they are of one tenant.
 * With several tenants and no mark there is none.
 */
export function adminKeys(apiKeys: readonly ApiKey[]): readonly ApiKey[] {
  const marked = apiKeys.filter(({ isAdmin }) => isAdmin === true);
  return marked.length === 0 && countTenants(apiKeys) === 1 ? apiKeys : marked;
}

/**
 * The keys that `HOLDFAST_API_KEYS` lists, and what is wrong with it. A wrong entry is named by its place alone: any
 * part of it can be a part of a key.
 */
export function parseApiKeys(text: string): { apiKeys: ApiKey[]; problems: string[] } {
  const problems: string[] = [];
  const apiKeys = text.split(',').flatMap((pair, i) => {
    if (pair.trim() === '') return [];
    const [, named = '', mark, key = ''] = /^([^:=]+)(:admin)?=(.+)$/.exec(pair.trim()) ?? [];
    const tenant = TENANT_PATTERN.test(named) ? named : undefined;
    if (tenant !== undefined && key.length >= KEY_MIN)
      return [{ tenant, key, ...(mark === undefined ? {} : { isAdmin: true as const }) }];
    problems.push(`HOLDFAST_API_KEYS: entry ${i + 1} ${wrongIn(pair, tenant)}`);
    return [];
  });
  return { apiKeys, problems };
}

function wrongIn(pair: string, tenant: string | undefined): string {
  if (tenant !== undefined) return `has a key of less than ${KEY_MIN} characters`;
  const form = 'must be tenant=key or tenant:admin=key';
  return pair.includes('=')
    ? `${form}, the tenant of 1 to 32 small letters, digits, "_" and "-"`
    : `${form}; commas separate entries, so no key can contain one`;
}
