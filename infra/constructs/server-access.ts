import { isIPv4, isIPv6 } from 'node:net';
import { Annotations } from 'aws-cdk-lib';
import { type IPeer, type ISecurityGroup, Peer, Port, type SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { allowTraffic, toEc2Description } from './network.ts';
import { propsError } from './problems.ts';

/** What the props say about an existing server. */
export interface ServerAccess {
  readonly host?: string;
  readonly port?: number;
  readonly secret?: ISecret;
  readonly securityGroup?: ISecurityGroup;
}

/** A pool whose server is created, or can be reached. */
export interface ProvidedPool {
  /** The pool's part of the function's configuration. Values may still be CDK tokens, ports included. */
  readonly address: object;
  readonly secret: ISecret | undefined;
}

/** Allows traffic from a function to an existing server. Opens the server's security group too, if it is known. */
export function allowServer(
  scope: Construct,
  from: SecurityGroup,
  { host, port }: { readonly host: string; readonly port: number },
  access: ServerAccess,
  { path, name }: { readonly path: string; readonly name: string },
): void {
  // If there is a secret, it may name a different host than the registry.
  const isHostCertain = access.host !== undefined || access.secret === undefined;
  if (access.host === undefined && isHostCertain && isLoopback(host)) {
    Annotations.of(scope).addWarningV2(
      `background-consumer:loopback-${path}`,
      `${path}: the registry names ${host}, which inside a Lambda function is the function itself. Set host to the address of the server in the VPC.`,
    );
  }
  allowPort(from, port, access, name, isHostCertain ? peerOf(host) : Peer.anyIpv4());
}

/** Allows traffic to a port of a server: to its security group if that is known, otherwise to the given peer. */
export function allowPort(
  from: SecurityGroup,
  port: number,
  { securityGroup }: ServerAccess,
  name: string,
  peer: IPeer = Peer.anyIpv4(),
): void {
  if (securityGroup === undefined) from.addEgressRule(peer, Port.tcp(port), toEc2Description(name));
  else allowTraffic(from, securityGroup, Port.tcp(port), name);
}

function peerOf(host: string): IPeer {
  if (isIPv4(host)) return Peer.ipv4(`${host}/32`);
  return isIPv6(host) ? Peer.ipv6(`${host}/128`) : Peer.anyIpv4();
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d/.test(host);
}

/**
 * The secret's part of a pool's address. `isAddressGiven` makes a host or port from the props override the address in
 * the secret: RDS writes its own server's address there, which would bypass a proxy.
 */
export function secretOf({ secret, host, port }: ServerAccess): object {
  if (secret === undefined) return {};
  const isAddressGiven = host !== undefined || port !== undefined;
  return { secret: secret.secretArn, ...(isAddressGiven ? { isAddressGiven } : {}) };
}

export function unreachableSocket(path: string): Error {
  return propsError(
    `${path}.host`,
    'is required, because the registry names a Unix socket, which a Lambda function cannot reach',
    'Set the host and port at which the server can be reached from the VPC.',
  );
}

/** Passwords never get into a template, so a registry with a password needs a secret in its place. */
export function literalPassword(path: string): Error {
  return propsError(
    `${path}.secret`,
    'is required, because the registry contains a password, and passwords are not deployed',
    `Create a secret (aws secretsmanager create-secret --name NAME --secret-string '{"username":"…","password":"…"}') and pass it as secretArn in the deployment file, or as secret to the construct.`,
  );
}
