import type { Response } from 'express';
import { contextOf } from '../../edge/request-context';

/** Members that answers to lists have beside `Data`. */
export interface PageMembers {
  readonly NextToken: string;
  readonly MaxResults: number;
  readonly TotalCount: number;
}

/** Answers a call that was carried out. */
export function answer(res: Response, data?: unknown, page?: PageMembers): void {
  res.json({
    RequestId: contextOf(res).requestId,
    Success: true,
    Code: 'ok',
    HttpStatusCode: 200,
    Message: '',
    ...(data === undefined ? {} : { Data: data }),
    ...page,
  });
}
