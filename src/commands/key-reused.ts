import { ServiceError } from '../core/errors';

/** The error for an Idempotency-Key that another body has used. */
export const keyReused = (): ServiceError =>
  new ServiceError('idempotency_key_reused', 'This Idempotency-Key was used before, with another body.', {
    fields: [{ pointer: 'header/Idempotency-Key', message: 'was used before, with another body' }],
  });
