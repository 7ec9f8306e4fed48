/**
 * How far browsers are kept apart, weakest first (docs/isolation.md): one user for all, a user each, or a cage each with
 * what it sees.
 */
export const ISOLATION_LEVELS = ['shared', 'user', 'cage'] as const;

/** @see ISOLATION_LEVELS */
export type IsolationLevel = (typeof ISOLATION_LEVELS)[number];

/** What an operator wants; `auto`: the best level that this machine has. */
export type WantedIsolation = IsolationLevel | 'auto';
