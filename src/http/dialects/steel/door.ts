import { ServiceError } from '../../../core/errors';
import { refOf, SESSION_ID_PATTERN } from '../../../core/ids';
import { unauthorized } from '../../edge/authenticator';
import type { Door } from '../../gateway/door';
import type { DialectParts } from '../dialect';
import { steelErrorAnswer } from './errors';

/** `/steel/?sessionId=…&apiKey=…`, in any order. */
export function steelDoor({ authenticator }: Pick<DialectParts, 'authenticator'>): Door {
  return {
    isFor: pathname => pathname === '/steel' || pathname === '/steel/',
    open: ({ request, url: { searchParams } }) => {
      const tenant =
        authenticator.tenantOf(request.headers) ?? authenticator.tenantWith(searchParams.get('apiKey'));
      if (tenant === null) throw unauthorized();
      const id = searchParams.get('sessionId') ?? '';
      if (!SESSION_ID_PATTERN.test(id))
        throw new ServiceError('session_not_found', 'There is no such session.');
      return { ref: refOf(tenant, id) };
    },
    errorAnswer: steelErrorAnswer,
  };
}
