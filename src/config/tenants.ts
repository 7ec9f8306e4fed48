/** The names that a tenant may have. */
export const TENANT_PATTERN = /^[a-z0-9_-]{1,32}$/;

/** The same in words, for messages. */
export const TENANT_RULE = 'must have 1 to 32 characters: lower-case letters, digits, "_", "-"';

/** How many tenants there are among keys. */
export const countTenants = (keys: readonly { readonly tenant: string }[]): number =>
  new Set(keys.map(({ tenant }) => tenant)).size;
