import type { RequestHandler } from 'express';
import { invalidFields, unknownField } from '../../core/check-fields';
import type { FieldError } from '../../core/errors';
import type { Operation } from '../openapi/operation';

const ROOT = 'query';

/**
 * Refuses query parameters that an operation does not have, and those that are given more than once: a misspelt filter
 * that is ignored would select everything.
 */
export function queryGuard({ query }: Pick<Operation, 'query'>): RequestHandler {
  const known = Object.keys(query?.shape ?? {});
  return (req, _res, next) => {
    const wrong = Object.entries(req.query).flatMap(([name, value]): FieldError[] => {
      if (!known.includes(name)) return [unknownField(name, known, ROOT)];
      return typeof value === 'string'
        ? []
        : [{ pointer: `${ROOT}/${name}`, message: 'must be given only once' }];
    });
    if (wrong.length > 0) throw invalidFields(wrong);
    next();
  };
}
