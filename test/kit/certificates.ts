import { execFileSync } from 'node:child_process';

/** The files of a self-signed server certificate. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** Creates a certificate that is valid for one day. `subject` is a host such as `IP:127.0.0.1` or `DNS:localhost`. */
export function makeCertificate(directory: string, name: string, subject: string): Certificate {
  const [certificate, key] = [`${directory}/${name}.crt`, `${directory}/${name}.key`];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const content = ['-days', '1', '-subj', `/CN=${name}`, '-addext', `subjectAltName=${subject}`];
  execFileSync('openssl', [...request, ...content, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  return { certificate, key };
}
