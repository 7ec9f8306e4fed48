/** What one delivery of a job can come to; the label `outcome` of its metric has these values. */
export const DELIVERY_OUTCOMES = ['done', 'again', 'handed_back', 'failed'] as const;

/** @see DELIVERY_OUTCOMES */
export type DeliveryOutcome = (typeof DELIVERY_OUTCOMES)[number];
