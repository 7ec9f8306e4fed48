import { z } from 'zod';
import { FILE_SCOPE } from '../routes/files';
import type { Operation } from './operation';

/** Operations about files that jobs have made, see {@link Operation}. */
export const FILE_OPERATIONS = {
  getFile: {
    method: 'GET',
    path: '/v1/files/{id}',
    tag: 'Jobs',
    summary: 'Read a file that a job has made',
    description:
      'Files are kept for an hour. The `url` in the result of the job has a token; without the ' +
      'token an API key is needed.',
    isOpen: true,
    scope: FILE_SCOPE,
    query: z.object({ token: z.string().optional().describe('Part of the `url`.') }),
    answers: { 200: { description: 'The file.', schema: z.string(), mediaType: '*/*' } },
    errors: ['unauthorized', 'too_many_failures', 'forbidden', 'file_not_found', 'redis_unavailable'],
  },
} as const satisfies Record<string, Operation>;
