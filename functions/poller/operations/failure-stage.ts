import type { FailureStage } from '../../../shared/operations.ts';
import { refusalCodeOf } from '../redis/refusals.ts';

const NAME_RESOLUTION = new Set(['EAI_AGAIN', 'EAI_FAIL', 'ENOTFOUND']);
const NETWORK_PATH = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  'connection-timeout',
  'redis-unreachable',
  'secret-unreachable',
  'deadline',
]);
/** MySQL error numbers. */
const AUTHENTICATION = new Set(['1045', '1251', '1524', '1698', '1820', '1862', '3118', '4151']);
const PERMISSION = new Set(['1044', '1049', '1130', '1142', '1143', '1227', 'AccessDeniedException', '403']);

/**
 * Finds the stage of a connection to a server at which an error occurred. `codes`: the error's own code first, then those of
 * its causes; the innermost known code decides. `text`: message of a Redis error, because Redis reports some failures only in
 * its message.
 */
export function failureStageOf(codes: readonly string[], text = ''): FailureStage {
  for (const code of codes.toReversed()) {
    const stage = stageOfCode(code);
    if (stage !== undefined) return stage;
  }
  if (refusalCodeOf(text) === 'NOPERM') return 'permission';
  if (/WRONGPASS|NOAUTH|invalid password/i.test(text)) return 'authentication';
  return /timed? ?out/i.test(text) ? 'network-path' : 'server';
}

function stageOfCode(code: string): FailureStage | undefined {
  if (NAME_RESOLUTION.has(code)) return 'name-resolution';
  if (code === 'secret-unreadable' || code === 'invalid-secret') return 'secret';
  if (NETWORK_PATH.has(code)) return 'network-path';
  if (/CERT|_SSL_|_TLS_|SELF_SIGNED|EPROTO/.test(code) || code === '3159') return 'tls';
  if (AUTHENTICATION.has(code)) return 'authentication';
  return PERMISSION.has(code) ? 'permission' : undefined;
}
