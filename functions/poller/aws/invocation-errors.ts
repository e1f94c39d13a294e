/**
 * What Lambda's answer to an invocation says about the function.
 *
 * - `transient`: it has not run; the same may be sent again.
 * - `configuration`: it has not run, and won't before somebody changes something.
 * - `too-large`: it has not run; the request is longer than Lambda lets through.
 * - `unknown`: it may have run, wholly or in part.
 */
type InvocationErrorClass = 'transient' | 'configuration' | 'too-large' | 'unknown';

/** By the error's name, where its HTTP status would say something else: these are met before the function starts. */
const BY_NAME = new Map<string, InvocationErrorClass>([
  ['CredentialsProviderError', 'configuration'],
  ['EC2AccessDeniedException', 'configuration'],
  ['EC2ThrottledException', 'transient'],
  ['EC2UnexpectedException', 'transient'],
  ['ENILimitReachedException', 'transient'],
  ['InvalidSecurityGroupIDException', 'configuration'],
  ['InvalidSubnetIDException', 'configuration'],
  ['KMSAccessDeniedException', 'configuration'],
  ['KMSDisabledException', 'configuration'],
  ['KMSInvalidStateException', 'configuration'],
  ['KMSNotFoundException', 'configuration'],
  ['RequestTooLargeException', 'too-large'],
  // The function is inactive, since it was not used for long, and is being made ready again.
  ['ResourceNotReadyException', 'transient'],
  ['SubnetIPAddressLimitReachedException', 'transient'],
  ['TooManyRequestsException', 'transient'],
]);

/** No connection was made, so nothing was sent. */
const NOT_CONNECTED = new Set(['EAI_AGAIN', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND']);

/** The SDK tells by words alone that its time for connecting was over, as where a subnet has no way to Lambda. */
const CONNECTION_TIMEOUT = /did not establish a connection/;

const HTTP_CONFLICT = 409;
const HTTP_TOO_LARGE = 413;
const HTTP_TOO_MANY_REQUESTS = 429;

export interface InvocationFailure {
  readonly kind: InvocationErrorClass;
  /** Name or code of the error. */
  readonly code: string;
}

export function classifyInvocationError(error: unknown): InvocationFailure {
  if (!(error instanceof Error)) return { kind: 'unknown', code: 'unknown' };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  const byName = BY_NAME.get(error.name);
  if (byName !== undefined) return { kind: byName, code: error.name };
  if (NOT_CONNECTED.has(code)) return { kind: 'transient', code };
  if (CONNECTION_TIMEOUT.test(error.message)) return { kind: 'transient', code: 'connection-timeout' };
  const status = httpStatusOf(error);
  return status === undefined ? { kind: 'unknown', code } : { kind: classOfStatus(status), code: error.name };
}

/** Lambda answers 4xx before it runs anything: a wrong name, permission, signature or request. */
function classOfStatus(status: number): InvocationErrorClass {
  if (status === HTTP_TOO_MANY_REQUESTS || status === HTTP_CONFLICT) return 'transient';
  if (status === HTTP_TOO_LARGE) return 'too-large';
  return status >= 400 && status < 500 ? 'configuration' : 'unknown';
}

/** Undefined where there was no answer. The SDK notes a status also on an answer that it could not read. */
function httpStatusOf(error: Error): number | undefined {
  if (!('$metadata' in error) || typeof error.$metadata !== 'object' || error.$metadata === null)
    return undefined;
  const metadata = error.$metadata;
  return 'httpStatusCode' in metadata && typeof metadata.httpStatusCode === 'number'
    ? metadata.httpStatusCode
    : undefined;
}
