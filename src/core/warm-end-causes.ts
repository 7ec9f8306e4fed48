/** Why a browser that was started ahead was ended without a session. */
export const WARM_END_CAUSES = ['aged', 'demand', 'room', 'memory', 'died'] as const;

/** @see WARM_END_CAUSES */
export type WarmEndCause = (typeof WARM_END_CAUSES)[number];
