/** What an API key may do; docs/keys.md says what each one allows. */
export const SCOPES = ['sessions', 'view', 'jobs', 'admin'] as const;

/** @see SCOPES */
export type Scope = (typeof SCOPES)[number];

/* What each scope allows. */
const ALLOWED: Readonly<Record<Scope, readonly Scope[]>> = {
  sessions: ['sessions', 'view'],
  view: ['view'],
  jobs: ['jobs'],
  admin: SCOPES,
};

/** The scopes of a key that may do everything for its tenant, and nothing for the installation. */
export const TENANT_SCOPES: readonly Scope[] = ['sessions', 'jobs'];

/** Whether a key with these scopes may do what needs this one. */
export const allows = (held: readonly Scope[], needed: Scope): boolean =>
  held.some(scope => ALLOWED[scope].includes(needed));
