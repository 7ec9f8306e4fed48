import type { Door } from '../../gateway/door';
import { steelAccess, type AccessParts } from './access';
import { steelErrorAnswer } from './errors';

/** `/steel/?sessionId=…&apiKey=…`, in any order. */
export function steelDoor(parts: AccessParts): Door {
  const access = steelAccess(parts);
  return {
    isFor: pathname => pathname === '/steel' || pathname === '/steel/',
    open: async ({ request, url: { searchParams } }) => {
      const { ref, caller, generation } = await access(request, searchParams);
      return { ref, generation, revoked: caller?.revoked ?? null };
    },
    errorAnswer: steelErrorAnswer,
  };
}
