/** What is written into the audit log. */
export const AUDIT_ACTIONS = [
  'key_created',
  'key_revoked',
  'worker_drained',
  'worker_undrained',
  'job_retried',
  'job_discarded',
  'token_rotated',
  'session_released',
  'sessions_released',
] as const;

/** @see AUDIT_ACTIONS */
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** Who did what to what. */
export interface AuditEntry {
  readonly action: AuditAction;
  /** The key, never itself: `key:<tenant>`, and for a stored key `key:<tenant>:<id>`. */
  readonly actor: string;
  /** The id of the key, worker, job or session; of a session `<tenant>/<id>`. */
  readonly subject: string;
  /** More about it, such as how many sessions; null: there is no more. */
  readonly detail: string | null;
}
