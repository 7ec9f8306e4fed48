import { HoldfastError, isHoldfastError, SERVICE_ERROR_CODES } from '../../../src/client/errors';
import { ERROR_CATALOGUE } from '../../../src/core/errors';

describe('the errors of the client', () => {
  it('know every code of the service', () => {
    const unknown = Object.keys(ERROR_CATALOGUE).filter(
      code => !SERVICE_ERROR_CODES.some(known => known === code),
    );
    expect(unknown).toEqual([]);
  });

  it('are known by their code, also those of another copy of the package', () => {
    const error = new HoldfastError('session_not_found', 'gone');
    expect(isHoldfastError(error)).toBe(true);
    expect(isHoldfastError(error, 'session_not_found')).toBe(true);
    expect(isHoldfastError(error, 'session_ended')).toBe(false);
    const ofAnotherCopy = Object.assign(new Error('gone'), { name: 'HoldfastError', code: 'session_ended' });
    expect(isHoldfastError(ofAnotherCopy, 'session_ended')).toBe(true);
    expect(isHoldfastError(Object.assign(new Error('gone'), { code: 'session_ended' }))).toBe(false);
  });
});
