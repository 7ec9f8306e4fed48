/*
 * The package `holdfast`: everything its users may import. Nothing else of src is part of it, and it has no
 * dependencies: fetch, AbortSignal and crypto.randomUUID() are enough, Puppeteer and Playwright are loaded only when
 * they are used.
 */
export { Browser, type ClientOptions } from './browser';
export type {
  ContextChangeRequest,
  ContextData,
  ContextOrId,
  Contexts,
  ContextVersionData,
  CreateContextOptions,
  CreateContextRequestOptions,
  ListContextsOptions,
  StorageState,
  UpdateContextOptions,
} from './contexts';
export type { SyncRequest } from './context-sync';
export type { CreateLiveRequest, CreateRequest } from './creation';
export {
  HoldfastError,
  isHoldfastError,
  SessionEndedError,
  type ClientErrorCode,
  type ErrorCode,
  type FieldError,
  type SessionEnd,
} from './errors';
export type { EventsOptions, ServiceEvent } from './event-stream';
export type { Jobs, ListJobsOptions, QuarantinedJob, QuarantinedJobWithData } from './jobs';
export type { ApiKeyData, CreateKeyOptions, Keys, ListKeysOptions, NewApiKey, Scope } from './keys';
export type { Capacity, Usage, UsageFigures, UsageOptions, Worker, Workers } from './fleet';
export type {
  PlaywrightConnectOptions,
  PlaywrightConnector,
  PlaywrightLibrary,
} from './playwright-connector';
export type { PuppeteerConnectOptions, PuppeteerConnector, PuppeteerLibrary } from './puppeteer-connector';
export type { BrowserName, EgressOptions, NewCookie, ProxyOptions } from './browser-options';
export type {
  CreatedSession,
  CreatedSessionData,
  CreateOptions,
  EndedSession,
  EndedSessionData,
  EndedStatus,
  LiveDetails,
  LiveSession,
  LiveSessionData,
  OpenPage,
  ReleaseAllResult,
  Session,
  SessionData,
  SessionDownload,
  SessionEvent,
  SessionFacts,
  SessionOrId,
  SessionStatus,
  SessionUpload,
  UpdateOptions,
} from './session';
export type { ContextConflict, ContextOptions, ContextSaveData, SessionContextData } from './session-context';
export type { ListOptions, SessionList, SessionPage } from './session-list';
export type { ReleaseAllOptions, ReleaseRequest } from './releasing';
export type { Sessions, UpdateRequest, WatchOptions } from './sessions';
export type { RequestOptions } from './transport';
export type { UploadOptions, UploadSource } from './upload-source';
export type { SessionAt, WaitOptions, WaitTarget } from './waiting';
