/**
 * How far browsers are kept apart, weakest first (docs/isolation.md): one user for all, a user each, a cage each with
 * what it sees, or such a cage that nobody else reaches over the network.
 */
export const ISOLATION_LEVELS = ['shared', 'user', 'cage', 'sealed'] as const;

/** @see ISOLATION_LEVELS */
export type IsolationLevel = (typeof ISOLATION_LEVELS)[number];

/** What an operator wants; `auto`: the best level that this machine has. */
export type WantedIsolation = IsolationLevel | 'auto';
