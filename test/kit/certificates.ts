import { execFileSync } from 'node:child_process';

/** Files of a server's certificate that is its own authority. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** Makes one for a day in the directory. `subject`: who it is for, such as `IP:127.0.0.1` or `DNS:localhost`. */
export function makeCertificate(directory: string, name: string, subject: string): Certificate {
  const [certificate, key] = [`${directory}/${name}.crt`, `${directory}/${name}.key`];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const content = ['-days', '1', '-subj', `/CN=${name}`, '-addext', `subjectAltName=${subject}`];
  execFileSync('openssl', [...request, ...content, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  return { certificate, key };
}
