import { Annotations } from 'aws-cdk-lib';
import {
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  type ISecurityGroup,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

const https = Port.tcp(443);

export interface NetworkProps {
  /** Default: a new VPC. */
  readonly vpc?: IVpc;
  readonly vpcSubnets?: SubnetSelection;
  /** Default: true in a new VPC, false in a given one. */
  readonly endpoints?: boolean;
}

/** The VPC and subnets of the functions, a closed security group for each function, and access to AWS services. */
export class Network extends Construct {
  readonly vpc: IVpc;
  readonly vpcSubnets: SubnetSelection;
  readonly pollerSecurityGroup: SecurityGroup;
  readonly executorSecurityGroup: SecurityGroup;

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    this.vpc = props.vpc ?? this.#createVpc();
    this.vpcSubnets = props.vpcSubnets ?? (props.vpc === undefined ? ISOLATED : subnetsOf(props.vpc));
    this.pollerSecurityGroup = this.createSecurityGroup('Poller', 'Background consumer: poller');
    this.executorSecurityGroup = this.createSecurityGroup('Executor', 'Background consumer: SQL executor');
    if (props.endpoints ?? props.vpc === undefined) this.#createEndpoints();
    else this.#allowHttps();
    if (props.endpoints === false && props.vpc === undefined) {
      Annotations.of(this).addWarningV2(
        'background-consumer:no-way-to-aws',
        'endpoints: without endpoints, the functions in the new VPC cannot reach Lambda and Secrets Manager. Nothing is drained unless you add another route to them.',
      );
    }
  }

  /** The number of availability zones that the subnets span. */
  get zoneCount(): number {
    return new Set(this.vpc.selectSubnets(this.vpcSubnets).availabilityZones).size;
  }

  /** Creates a security group that allows no traffic in either direction. */
  createSecurityGroup(id: string, description: string): SecurityGroup {
    return new SecurityGroup(this, `${id}SecurityGroup`, {
      vpc: this.vpc,
      description: toEc2Description(description),
      allowAllOutbound: false,
    });
  }

  #createVpc(): Vpc {
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr('10.42.0.0/24'),
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'Isolated', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 26 }],
    });
    acknowledge(vpc, {
      'AwsSolutions-VPC7':
        'Flow logs cost more than the consumer itself; a team that needs them can use its own VPC.',
    });
    return vpc;
  }

  #createEndpoints(): void {
    const lambda = this.#createEndpoint('Lambda', InterfaceVpcEndpointAwsService.LAMBDA);
    const secrets = this.#createEndpoint('Secrets', InterfaceVpcEndpointAwsService.SECRETS_MANAGER);
    allowTraffic(this.pollerSecurityGroup, lambda, https, 'invokes the SQL executor');
    allowTraffic(this.pollerSecurityGroup, secrets, https, 'reads the secrets of Redis');
    allowTraffic(this.executorSecurityGroup, secrets, https, 'reads the secrets of MySQL');
  }

  #createEndpoint(id: string, service: InterfaceVpcEndpointAwsService): ISecurityGroup {
    const securityGroup = this.createSecurityGroup(`${id}Endpoint`, `Background consumer: endpoint ${id}`);
    new InterfaceVpcEndpoint(this, `${id}Endpoint`, {
      vpc: this.vpc,
      service,
      subnets: this.vpcSubnets,
      securityGroups: [securityGroup],
      privateDnsEnabled: true,
      open: false,
    });
    return securityGroup;
  }

  /**
   * Allows HTTPS to any address: the given VPC has either endpoints or a NAT gateway, and neither their kind nor their
   * addresses are known at synth.
   */
  #allowHttps(): void {
    for (const securityGroup of [this.pollerSecurityGroup, this.executorSecurityGroup])
      securityGroup.addEgressRule(Peer.anyIpv4(), https, 'AWS services through an endpoint or NAT gateway');
  }
}

/** Allows traffic from clients to a created server. The clients must allow the outbound traffic themselves. */
export function allowClients(to: SecurityGroup, clients: readonly ISecurityGroup[] = [], port: Port): void {
  for (const client of clients) to.addIngressRule(client, port, 'a client');
}

/** Allows traffic to one port, in both security groups. */
export function allowTraffic(
  from: ISecurityGroup,
  to: ISecurityGroup,
  port: Port,
  description: string,
): void {
  from.addEgressRule(to, port, toEc2Description(description));
  to.addIngressRule(from, port, toEc2Description(description));
}

/**
 * Replaces characters that EC2 does not accept in a description. Pool codes may contain them, and EC2 would report them
 * only in the middle of a deployment.
 */
export function toEc2Description(text: string): string {
  return text.replace(/[^A-Za-z0-9 ._:/()#,@[\]+=&;{}!$*-]/g, '_').slice(0, 255);
}

const ISOLATED: SubnetSelection = { subnetType: SubnetType.PRIVATE_ISOLATED };

function subnetsOf(vpc: IVpc): SubnetSelection {
  return vpc.privateSubnets.length > 0 ? { subnetType: SubnetType.PRIVATE_WITH_EGRESS } : ISOLATED;
}
